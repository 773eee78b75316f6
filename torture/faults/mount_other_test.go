//go:build !linux

package faults_test

import "testing"

func smallDisk(t testing.TB, _ int64, _ int) string {
	t.Helper()
	t.Skip("small disks are made with tmpfs, which only Linux has")
	return ""
}

func remount(testing.TB, string, bool) {}
