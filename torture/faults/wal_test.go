package faults_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	random "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/usage"
)

// writerVariable makes this test binary a program that records into the SQLite file
// that it names, until it is killed.
const writerVariable = "FAULTS_WRITER"

// written is how many events the writer records, each in a transaction of its own:
// fewer than fill the thousand pages after which SQLite empties the WAL into the
// file. What is cut off a WAL that was emptied in part can't be told from damage.
const written = 25

func writer(file string) int {
	target, err := db.ParseURL("sqlite:///"+file, "/")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	d, err := db.Open(context.Background(), target)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	l := &library{d, &usage.Service{Store: d, Thresholds: usage.DefaultThresholds()}}
	for i := range written {
		if _, err := l.record(context.Background(), fmt.Sprintf("u%d", i%3), fmt.Sprintf("w%02d", i)); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println("written")
	select {} // until it is killed
}

// killedWriter returns the directory of a database whose writer was killed with all
// that it has written still in the WAL.
func killedWriter(t *testing.T) string {
	t.Helper()
	_, file := sqliteFile(t)
	w := exec.Command(os.Args[0])
	w.Env = append(os.Environ(), writerVariable+"="+file)
	out, err := w.StdoutPipe()
	must(t, err)
	must(t, w.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = w.Process.Kill()
	_ = w.Wait()
	if err != nil || line != "written\n" {
		t.Fatalf("the writer says %q: %v", line, err)
	}
	if info, err := os.Stat(file + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the writer has left no WAL: %v", err)
	}
	return filepath.Dir(file)
}

// damaged copies the database, does something to the copy, and requires that it is a
// database with the first n of the writer's events, for some n, and that recording
// all of them again gives what the writer would have.
func damaged(t *testing.T, dir, want string, harm func(file string)) (survived int) {
	t.Helper()
	copied := t.TempDir()
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	file := filepath.Join(copied, "faults.db")
	url := "sqlite:///" + file
	harm(file)
	survived = logRows(t, url)
	intact(t, file)
	l := newLibrary(t, url)
	for i := range written {
		status := usage.Recorded
		if i < survived {
			status = usage.Duplicate
		}
		l.records(t, fmt.Sprintf("u%d", i%3), fmt.Sprintf("w%02d", i), status)
	}
	l.db.Close()
	if t.Failed() {
		t.FailNow()
	}
	same(t, state(t, url), want)
	return survived
}

// TestWAL damages the files that a killed writer leaves beside the database, as a
// disk that lost its last writes does, and people who tidy up.
func TestWAL(t *testing.T) {
	t.Parallel()
	dir := killedWriter(t)
	want := ""
	t.Run("untouched", func(t *testing.T) {
		copied := t.TempDir()
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		want = state(t, "sqlite:///"+filepath.Join(copied, "faults.db"))
		if n := strings.Count(want, "w"); n == 0 {
			t.Fatal("nothing was written")
		}
	})
	info, err := os.Stat(filepath.Join(dir, "faults.db-wal"))
	must(t, err)
	size := info.Size()

	t.Run("truncated", func(t *testing.T) {
		seed := random.Uint64()
		t.Logf("a WAL of %d bytes; seed %d", size, seed)
		r := random.New(random.NewPCG(seed, 1))
		for range times(6, 200) {
			at := r.Int64N(size)
			n := damaged(t, dir, want, func(file string) { must(t, os.Truncate(file+"-wal", at)) })
			t.Logf("cut at %d: %d of %d events are there", at, n, written)
		}
	})
	t.Run("shm deleted", func(t *testing.T) {
		if n := damaged(t, dir, want, func(file string) { must(t, os.Remove(file+"-shm")) }); n != written {
			t.Errorf("%d of %d events are there", n, written)
		}
	})
	t.Run("shm of garbage", func(t *testing.T) {
		if n := damaged(t, dir, want, func(file string) { garbage(t, file+"-shm", 0) }); n != written {
			t.Errorf("%d of %d events are there", n, written)
		}
	})
	t.Run("wal deleted", func(t *testing.T) {
		damaged(t, dir, want, func(file string) { must(t, os.Remove(file+"-wal")) })
	})
	t.Run("wal of garbage", func(t *testing.T) {
		damaged(t, dir, want, func(file string) { garbage(t, file+"-wal", 0) })
	})
	t.Run("wal of garbage from the middle on", func(t *testing.T) {
		if n := damaged(t, dir, want, func(file string) { garbage(t, file+"-wal", size/2) }); n == 0 || n == written {
			t.Errorf("%d of %d events are there", n, written)
		}
	})
}

// garbage overwrites a file from some byte on, but not its length.
func garbage(t *testing.T, file string, from int64) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	_, _ = rand.Read(data[from:])
	must(t, os.WriteFile(file, data, 0o644))
}

// An import that is killed leaves whole transactions, and completes when it is run
// again.
func TestImportKilled(t *testing.T) {
	all := events(0, rows)
	onBoth(t, func(t *testing.T, url string) {
		for i := range times(4, 60) {
			r := program(url, "usage", "import", "-").start(t)
			go func() {
				_, _ = r.stdin.Write([]byte(all))
				r.stdin.Close()
			}()
			time.Sleep(time.Duration(random.Int64N(int64(time.Duration(i+1) * 100 * time.Millisecond))))
			_ = r.Process.Kill()
			<-r.done
			wholesome(t, url)
		}
		completes(t, url, all)
	})
}
