// Package faults makes real faults happen to the compiled binary and to *db.DB:
// servers that go away, connections that are cut at any byte, full disks, files that
// are damaged or locked, and binaries of two versions at once. After each of them
// these must hold: a clear error with exit code 6 and a hint, or success; no hang;
// nothing counted twice, and the same command again reaches what an undisturbed run
// reaches.
//
// TORTURE=1 adds variants that take longer, such as many more places at which a connection is cut.
package faults_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// scratch is the directory of everything that belongs to no single test. Other users
// may enter it: tests run the binary and PostgreSQL as one of them.
var scratch string

func TestMain(m *testing.M) {
	if file := os.Getenv(writerVariable); file != "" {
		os.Exit(writer(file))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	// Most of these tests wait, for ten seconds of lock timeout or for a server: two
	// at once, as on a machine of two cores, would be slow for nothing.
	if f := flag.Lookup("test.parallel"); f != nil && os.Getenv("GOMAXPROCS") == "" {
		_ = f.Value.Set("8")
	}
	var err error
	dir := os.TempDir()
	if len(dir) > 40 { // the path of a socket is limited to about a hundred bytes
		dir = "/tmp"
	}
	if scratch, err = os.MkdirTemp(dir, "alwrity-faults-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stopServers()
	return m.Run()
}

// torture tells whether the slow variants are wanted.
func torture() bool { return os.Getenv("TORTURE") == "1" }

// times returns how often something random is tried.
func times(normally, tortured int) int {
	if torture() {
		return tortured
	}
	return normally
}

// built returns the directory of the programs as they are built from this tree: alwrity-sub, and patient, which waits
// for locks as long as it takes. scripts/check.sh has built them already.
var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("ALWRITY_TEST_PROGRAMS"); dir != "" {
		return dir, nil
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", scratch+"/", "../..", "../patient")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return scratch, nil
})

// builtProgram returns the path of one of them.
func builtProgram(t testing.TB, name string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}
