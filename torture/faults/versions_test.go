package faults_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// oldVersion is an older version of the program, built once.
type oldVersion struct {
	schema int    // its version of the schema
	commit string // one with that schema
	build  func() (string, error)
}

// oldVersions are the one with the schema before ours, and the first.
var oldVersions = []oldVersion{
	{6, "c8a21e3", sync.OnceValues(func() (string, error) { return buildOld("c8a21e3") })},
	{1, "74a14a3", sync.OnceValues(func() (string, error) { return buildOld("74a14a3") })},
}

// buildOld builds the program of a commit into .tools, once for all runs. Its files come
// from git archive, which leaves nothing behind in the repository, as a worktree of a
// killed test would.
func buildOld(commit string) (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, ".tools", "alwrity-sub-"+commit)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	const script = `mkdir -p "$1" "$2/.tools" && git -C "$2" archive "$3" | tar -x -C "$1" && ` +
		`cd "$1" && go build -buildvcs=false -o old . && mv old "$4"`
	build := exec.Command("bash", "-o", "pipefail", "-c", script, "bash", filepath.Join(scratch, "old-"+commit), root,
		commit, binary)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
}

// need returns the old binary; without the history it can't be built.
func (v oldVersion) need(t testing.TB) string {
	t.Helper()
	if out, err := exec.Command("git", "-C", "../..", "cat-file", "-e",
		v.commit+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("no older binary can be built: the commit %s is not in this checkout (a shallow clone?): %s", v.commit, out)
	}
	path, err := v.build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// onOld runs a test on a database of each kind that each old binary has made.
func onOld(t *testing.T, test func(t *testing.T, url, old string)) {
	t.Parallel()
	run := func(v oldVersion, kind string, url func(t *testing.T) string) {
		t.Run(fmt.Sprintf("schema %d, %s", v.schema, kind), func(t *testing.T) {
			old := v.need(t)
			t.Parallel()
			address := url(t)
			c := program(address, "init")
			c.path = old
			c.run(t).ok(t)
			test(t, address, old)
		})
	}
	for _, v := range oldVersions {
		run(v, "sqlite", func(t *testing.T) string { return "sqlite:///" + filepath.Join(t.TempDir(), "faults.db") })
		run(v, "postgresql", emptyDatabase)
	}
}

// emptyDatabase makes a database without any table.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	s := common(t)
	name := fmt.Sprintf("empty%d", s.names.Add(1))
	must(t, s.exec("postgres", "CREATE DATABASE "+name))
	return s.url(name)
}

// TestMigrationUnderOldBinaries migrates while old binaries record. What they have
// reported as recorded is there; from then on they refuse.
func TestMigrationUnderOldBinaries(t *testing.T) {
	onOld(t, func(t *testing.T, url, old string) {
		var work sync.WaitGroup
		defer work.Wait() // also where init fails
		recorders := make([]recorder, 3)
		for i := range recorders {
			recorders[i] = recorder{user: fmt.Sprintf("u%d", i), first: make(chan bool)}
			work.Go(func() { recorders[i].loop(t, url, old) })
		}
		for i := range recorders {
			<-recorders[i].first
		}
		program(url, "init").run(t).ok(t)
		work.Wait()
		if t.Failed() {
			return
		}
		there := logged(t, url)
		for i := range recorders {
			r := &recorders[i]
			for _, id := range r.failed {
				if slices.Contains(there, id) {
					t.Errorf("%s was reported as failed, and is recorded", id)
				}
			}
			t.Logf("%s: %d recorded, then %s", r.user, len(r.recorded), strings.TrimSpace(r.refused.err))
			for _, id := range r.recorded {
				if !slices.Contains(there, id) {
					t.Errorf("%s was reported as recorded, and is lost", id)
				}
				if got := record(url, r.user, id).run(t).said(t); got != "duplicate" {
					t.Errorf("%s, which was recorded by the old binary, is now %s", id, got)
				}
			}
		}
		sought := logged(t, url, "--model", "gemini-2.5-flash", "--limit", "1000")
		if all := logged(t, url, "--limit", "1000"); !slices.Equal(sought, all) {
			t.Errorf("of %d calls of one model, %d are found", len(all), len(sought))
		}
		wholesome(t, url)
	})
}

// recorder records with the old binary, one event after another.
type recorder struct {
	user     string
	first    chan bool // is closed after some
	recorded []string
	failed   []string
	refused  result
}

// loop records until the old binary has failed twice. The first time it may have been
// under way while the tables changed: the old program looks at the version of the
// schema only when it opens the database, so it says what the database says (exit 1).
// While they change it gives up its lock after ten seconds, on a slow machine more than
// once, and that counts for nothing.
func (r *recorder) loop(t *testing.T, url, old string) {
	started := sync.OnceFunc(func() { close(r.first) })
	defer started()
	refusals := 0
	for i := 0; refusals < 2; i++ {
		id := fmt.Sprintf("%s-%d", r.user, i)
		c := record(url, r.user, id)
		c.path = old
		r.refused = c.run(t)
		switch {
		case r.refused.status == 0 && refusals > 0:
			t.Errorf("refused, and then not: %s", r.refused.out)
		case r.refused.status == 0:
			if r.recorded = append(r.recorded, id); len(r.recorded) == 5 {
				started()
			}
		case r.refused.status == 6 && strings.Contains(r.refused.err, "the database is locked"):
			r.failed = append(r.failed, id)
		default:
			r.failed = append(r.failed, id)
			if refusals++; refusals == 2 {
				r.refused.unavailable(t, "made by a newer alwrity-sub")
			}
		}
	}
}

// TestInitsAtOnce starts four new ones at once, on an empty database and on one that
// the old binary has made and filled.
func TestInitsAtOnce(t *testing.T) {
	t.Parallel()
	four := func(t *testing.T, url string) {
		var all []*running
		for range 4 {
			r := program(url, "init").start(t)
			r.stdin.Close()
			all = append(all, r)
		}
		for _, r := range all {
			if r := r.wait(t); r.status != 0 {
				t.Errorf("exit %d after %s: %s", r.status, r.took, r.err)
			}
		}
		seededOnce(t, url)
		completes(t, url, two)
	}
	t.Run("empty sqlite", func(t *testing.T) {
		t.Parallel()
		four(t, "sqlite:///"+filepath.Join(t.TempDir(), "faults.db"))
	})
	t.Run("empty postgresql", func(t *testing.T) {
		t.Parallel()
		four(t, emptyDatabase(t))
	})
	t.Run("upgrade", func(t *testing.T) {
		onOld(t, func(t *testing.T, url, old string) {
			c := program(url, "usage", "import", "-")
			c.path = old
			r := c.start(t)
			_, _ = r.stdin.Write([]byte(two))
			r.stdin.Close()
			r.wait(t).ok(t)
			four(t, url)
		})
	})
}

// seededOnce requires that plans and prices are those of a single init. A price that is another one in a newer binary
// holds from the upgrade on, so when they began is not compared.
func seededOnce(t *testing.T, url string) {
	t.Helper()
	single, _ := sqliteFile(t)
	began := regexp.MustCompile(`(?m)\d{4}-\d\d-\d\dT00:00:00Z`)
	for _, args := range [][]string{{"plans", "export"}, {"pricing", "list", "-o", "csv"}} {
		got := began.ReplaceAllString(program(url, args...).run(t).ok(t).out, "")
		want := began.ReplaceAllString(program(single, args...).run(t).ok(t).out, "")
		if got != want {
			t.Errorf("%v differs from that of a single init:\n%s\n%s", args, got, want)
		}
	}
	var v struct {
		Plans struct{ Added, Unchanged int }
	}
	must(t, json.Unmarshal([]byte(program(url, "init").run(t).ok(t).out), &v))
	if v.Plans.Added != 0 || v.Plans.Unchanged == 0 {
		t.Errorf("one more init: %+v", v)
	}
}

// The old binary's backup of before can be restored, and migrated then.
func TestBackupOfBefore(t *testing.T) {
	old := oldVersions[0].need(t)
	t.Parallel()
	dir := t.TempDir()
	url, copied := "sqlite:///"+filepath.Join(dir, "faults.db"), filepath.Join(dir, "before.db")
	for _, c := range []command{program(url, "init"), record(url, "u00", "first"), program(url, "db", "backup", copied)} {
		c.path = old
		c.run(t).ok(t)
	}
	must(t, os.Chmod(copied, 0o600))
	record("sqlite:///"+copied, "u00", "first").run(t).unavailable(t, "alwrity-sub init")
	program("sqlite:///"+copied, "init").run(t).ok(t)
	if got := record("sqlite:///"+copied, "u00", "first").run(t).said(t); got != "duplicate" {
		t.Errorf("%s", got)
	}
	wholesome(t, "sqlite:///"+copied)
}

// Of an alert that the old binary has made it has written a message too, or none, where
// it knew no messages: it gets no other one.
func TestAlertsOfBefore(t *testing.T) {
	onOld(t, func(t *testing.T, url, old string) {
		for _, path := range []string{old, ""} {
			c := program(url, "usage", "record", "--user", "of"+path, "--provider", "gemini", "--model", "gemini-2.5-flash",
				"--requests", "1000")
			c.path = path
			c.run(t).ok(t) // over two limits
			program(url, "init").run(t).ok(t)
		}
		want := `"4 waiting, `
		if strings.Contains(old, oldVersions[1].commit) {
			want = `"2 waiting, `
		}
		if out := program(url, "doctor").run(t).ok(t).out; !strings.Contains(out, want) {
			t.Errorf("want %q of messages: %s", want, out)
		}
	})
}
