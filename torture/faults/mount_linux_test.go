package faults_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of so many bytes that belongs to a user, and returns
// where. Only root may do that, and not in every container.
func smallDisk(t testing.TB, bytes int64, owner int) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "disk-")
	must(t, err)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755,uid=%d", bytes, owner)); err != nil {
		t.Skipf("no small disk can be mounted here (tmpfs, as user %d): %s", os.Getuid(), err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// remount makes a small disk read-only, or writable again.
func remount(t testing.TB, dir string, readOnly bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", flags, ""))
}
