//go:build !unix

package db

import (
	"net"
	"time"
)

// silent takes a connection that was used just now for one that works.
func silent(_ net.Conn, idle time.Duration) bool { return idle <= time.Second }
