//go:build !unix

package db

import "net"

// isQuiet can't tell here.
func isQuiet(net.Conn) bool { return false }
