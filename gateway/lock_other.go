//go:build !unix

package gateway

import "os"

// lockFile can't lock a file here: give each process a spool of its own.
func lockFile(*os.File) error { return nil }
