package faults_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// intact requires that SQLite finds nothing wrong with a file, with the driver that
// the program has.
func intact(t testing.TB, file string) {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+file)
	must(t, err)
	defer pool.Close()
	var said string
	if err := pool.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Fatalf("the file is damaged: %s %v", said, err)
	}
}

// ballast fills a file system, but for so many bytes, and returns what gives the space
// back.
func ballast(t testing.TB, dir string, leave int64) (remove func()) {
	t.Helper()
	file := filepath.Join(dir, "ballast")
	f, err := os.Create(file)
	must(t, err)
	page := make([]byte, 4096)
	size := int64(0)
	for {
		if _, err := f.Write(page); err != nil {
			break
		}
		size += int64(len(page))
	}
	must(t, f.Truncate(max(0, size-leave)))
	must(t, f.Close())
	return func() { must(t, os.Remove(file)) }
}

// TestSQLiteDiskFull imports and records on a disk of 16 megabytes that has so much
// left. After it has failed, the same commands complete once there is space.
func TestSQLiteDiskFull(t *testing.T) {
	t.Parallel()
	all := events(0, rows)
	undisturbed(t, all)
	for _, left := range []int64{0, 64 << 10, 600 << 10, 1500 << 10} {
		t.Run(fmt.Sprintf("import with %d KiB left", left>>10), func(t *testing.T) {
			t.Parallel()
			dir := smallDisk(t, 16<<20, os.Getuid())
			file := filepath.Join(dir, "faults.db")
			url := "sqlite:///" + file
			program(url, "init").run(t).ok(t)
			free := ballast(t, dir, left)
			importAll(t, url, all).unavailable(t, "space")
			for _, c := range reads(url)[1:] { // the first is of a user who is not there
				if r := c.run(t); r.status != 4 { // what was recorded before may have used up a limit
					r.okOrUnavailable(t)
				}
			}
			free()
			intact(t, file)
			if n := logRows(t, url); n%portion != 0 {
				t.Errorf("%d rows are in the log: not what whole transactions have recorded", n)
			}
			completes(t, url, all)
			intact(t, file)
		})
	}
	t.Run("record", func(t *testing.T) {
		t.Parallel()
		recordUntilFull(t)
	})
	t.Run("init", func(t *testing.T) {
		t.Parallel()
		dir := smallDisk(t, 4<<20, os.Getuid())
		url := "sqlite:///" + filepath.Join(dir, "faults.db")
		for _, left := range []int64{0, 16 << 10, 100 << 10} {
			free := ballast(t, dir, left)
			program(url, "init").run(t).unavailable(t, "disk")
			free()
		}
		program(url, "init").run(t).ok(t)
		completes(t, url, two)
	})
	t.Run("backup and rejects", func(t *testing.T) {
		t.Parallel()
		dir := smallDisk(t, 4<<20, os.Getuid())
		url, _ := sqliteFile(t)
		free := ballast(t, dir, 8<<10)
		program(url, "db", "backup", filepath.Join(dir, "backup.db")).run(t).unavailable(t, "disk is full")
		if _, err := os.Stat(filepath.Join(dir, "backup.db")); err == nil {
			t.Error("half a backup is left over, which looks like a whole one")
		}
		bad := program(url, "usage", "import", "-", "--rejects", filepath.Join(dir, "bad.jsonl")).start(t)
		for range 4000 {
			_, _ = bad.stdin.Write([]byte("{\"id\":\"a row without a user\"}\n"))
		}
		bad.stdin.Close()
		bad.wait(t).unavailable(t, "rejects file")
		free()
		program(url, "db", "backup", filepath.Join(dir, "backup.db")).run(t).ok(t)
	})
}

// TestResultsOnFullDisk writes files of results where there is no space: nothing is left of them, and what was there
// stays.
func TestResultsOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 4<<20, os.Getuid())
	url, _ := sqliteFile(t)
	place := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(place("month.csv"), []byte("before"), 0o600))
	free := ballast(t, dir, 0)
	for _, c := range []command{
		program(url, "billing", "export", "--format", "csv", "--month", "2026-11", "--file", place("month.csv")),
		program(url, "billing", "report", "--html", place("report.html")),
		program(url, "alerts", "templates", place("templates")),
	} {
		c.run(t).unavailable(t, "space")
	}
	left, err := filepath.Glob(place("*.part"))
	must(t, err)
	pages, err := filepath.Glob(place("templates/*"))
	must(t, err)
	kept, err := os.ReadFile(place("month.csv"))
	must(t, err)
	if _, err := os.Stat(place("report.html")); err == nil || len(left)+len(pages) > 0 || string(kept) != "before" {
		t.Errorf("left over: %v %v, %q", left, pages, kept)
	}
	free()
}

// recordUntilFull records until the disk is full, which comes in the middle of some
// command, and again when there is space.
func recordUntilFull(t *testing.T) {
	dir := smallDisk(t, 16<<20, os.Getuid())
	file := filepath.Join(dir, "faults.db")
	url := "sqlite:///" + file
	program(url, "init").run(t).ok(t)
	l := newLibrary(t, url) // its connection keeps the WAL from being emptied
	free := ballast(t, dir, 256<<10)
	recorded, failed := 0, 0
	for i := 0; i < 200 && failed < 3; i++ {
		if record(url, "u00", fmt.Sprint("r", i)).run(t).okOrUnavailable(t) {
			recorded++
		} else {
			failed++
		}
	}
	if failed == 0 {
		t.Fatal("the disk did not become full")
	}
	_, err := l.record(t.Context(), "u00", "library")
	unavailable(t, err)
	if n := logRows(t, url); n != recorded {
		t.Errorf("%d were recorded, %d are there", recorded, n)
	}
	free()
	for i := range recorded + failed {
		want := "duplicate"
		if i >= recorded {
			want = "recorded"
		}
		if got := record(url, "u00", fmt.Sprint("r", i)).run(t).said(t); got != want {
			t.Errorf("r%d: %s, want %s", i, got, want)
		}
	}
	l.records(t, "u00", "library", "recorded")
	intact(t, file)
	wholesome(t, url)
}

// TestSQLiteReadOnlyDisk: a disk that is mounted read-only, as Linux does it with one
// that has errors.
func TestSQLiteReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 16<<20, os.Getuid())
	url := "sqlite:///" + filepath.Join(dir, "faults.db")
	program(url, "init").run(t).ok(t)
	record(url, "u00", "first").run(t).ok(t)
	remount(t, dir, true)
	for _, c := range writes(url) {
		c.run(t).unavailable(t)
	}
	for _, c := range reads(url) {
		c.run(t).okOrUnavailable(t)
	}
	remount(t, dir, false)
	for _, c := range writes(url) {
		c.run(t).ok(t)
	}
	wholesome(t, url)
}

// TestPostgreSQLDiskFull has the database in a tablespace on a full disk. The server
// lives, but can write nothing more into it.
func TestPostgreSQLDiskFull(t *testing.T) {
	t.Parallel()
	needPostgreSQL(t)
	dir := smallDisk(t, 40<<20, serverUser())
	s := own(t)
	t.Cleanup(s.stop) // before the disk goes
	place := filepath.Join(dir, "space")
	must(t, os.Mkdir(place, 0o700))
	must(t, os.Chown(place, serverUser(), -1))
	must(t, s.exec("postgres", "CREATE TABLESPACE small LOCATION '"+place+"'"))
	_, url := s.database(t, "TABLESPACE small")
	all := events(0, rows)
	wholesome(t, url) // a first connection makes a file that the server needs
	free := ballast(t, dir, 1<<20)
	importAll(t, url, all).unavailable(t, "No space left on device")
	program(url, "usage", "report").run(t).ok(t)
	wholesome(t, url)
	free()
	completes(t, url, all)
}
