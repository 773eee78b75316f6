//go:build unix

package usage

import (
	"os"
	"syscall"
)

// lockDirectory locks an open directory for this process, until it is closed. It does not wait.
func lockDirectory(dir *os.File) error {
	return syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
