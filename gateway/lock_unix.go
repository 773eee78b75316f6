//go:build unix

package gateway

import (
	"os"
	"syscall"
)

// lockFile locks an open file for this process, until it is closed. It does not wait.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
