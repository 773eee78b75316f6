//go:build !unix

package usage

import "os"

// lockDirectory can't lock a directory here: archive from one process at a time.
func lockDirectory(*os.File) error { return nil }
