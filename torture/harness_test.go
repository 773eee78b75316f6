// Package torture_test attacks the compiled program from outside, on SQLite files and on
// PostgreSQL: with many processes at once (limits_test.go), by killing it at random moments
// (kill_test.go), by backing up what is written all the time (backup_test.go), and by closing the
// books of two years (billing_test.go). What the program says of itself is believed only where the
// tables, read behind its back, say the same.
//
// TORTURE_ROUNDS is how many rounds are fought (default 20); `make torture` fights more.
// TORTURE_SEED replays the choices of a run that failed. The moments at which processes
// meet are the system's, so a replay may need some runs.
package torture_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
)

// bound is how long a process may take whatever else goes on and however slow the
// machine is: what takes longer hangs.
const bound = 10 * time.Minute

// begin is when every attack begins, for the program: far from the ends of a month.
func begin() time.Time { return time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC) }

// TestMain removes what build has built.
func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "alwrity-torture-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// scratch is the directory of what belongs to no single test.
var scratch string

// build builds the program once for all attacks, without the race detector: it is the program that users run, and its
// speed, that is attacked. Only for locks it waits as long as it takes (torture/patient). scripts/check.sh has built it
// already.
var build = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("ALWRITY_TEST_PROGRAMS"); dir != "" {
		return filepath.Join(dir, "patient"), nil
	}
	path := filepath.Join(scratch, "patient")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./patient").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// rounds returns how many rounds are to be fought.
func rounds(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(or(os.Getenv("TORTURE_ROUNDS"), "20"))
	if err != nil || n < 1 {
		t.Fatalf("TORTURE_ROUNDS is %q: it must be a number of 1 or more", os.Getenv("TORTURE_ROUNDS"))
	}
	return n
}

// seed returns the seed of a test's choices, and prints it if the test fails.
func seed(t testing.TB) uint64 {
	t.Helper()
	n := rand.Uint64()
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TORTURE_SEED is %q: it must be a number", text)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to replay: TORTURE_SEED=%d TORTURE_ROUNDS=%d scripts/postgres.sh go test ./torture -v -count=1 -run '^%s$'",
				n, rounds(t), strings.Split(t.Name(), "/")[0])
		}
	})
	// The same seed means other choices to another test.
	h := fnv.New64a()
	fmt.Fprint(h, t.Name())
	return n ^ h.Sum64()
}

func dice(seed uint64, stream int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(stream))) }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// onBoth runs an attack on SQLite and on PostgreSQL.
func onBoth(t *testing.T, attack func(t *testing.T, fresh func(testing.TB) *arena)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		attack(t, func(t testing.TB) *arena { return newArena(t, dbtest.PreparedSQLite(t)) })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		dbtest.PostgreSQLURL(t) // skip all of it at once
		attack(t, func(t testing.TB) *arena { return newArena(t, dbtest.PostgreSQL(t)) })
	})
}

// arena is an empty database, and the program to attack it with.
type arena struct {
	dbtest.Place
	program string
	dir     string
	url     string
	name    string // of the program's connections to PostgreSQL
}

func newArena(t testing.TB, p dbtest.Place) *arena {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	a := &arena{Place: p, program: program, dir: t.TempDir(), url: p.URL}
	if p.Kind == db.SQLite {
		// No connection of ours outlives its query: where the last process that has the file
		// open is killed, the next one has to recover it, and ours must not prevent that.
		p.SQL.SetMaxIdleConns(0)
	} else {
		address, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal("the place has no URL that can be read")
		}
		query := address.Query()
		a.name = query.Get("search_path") // the schema: no other test has the same
		query.Set("application_name", a.name)
		address.RawQuery = query.Encode()
		a.url = address.String()
	}
	return a
}

// result is how a process ended.
type result struct {
	status   int // -1 where it was killed
	out, err string
	took     time.Duration
}

func (a *arena) command(ctx context.Context, now time.Time, args ...string) (*exec.Cmd, *result) {
	r := &result{}
	c := exec.CommandContext(ctx, a.program, append([]string{"--now", now.Format(time.RFC3339Nano), "-o", "json", "-q"},
		args...)...)
	c.Dir, c.Env = a.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.dir, "TMPDIR=" + a.dir, "USER=torture",
		"DATABASE_URL=" + a.url}
	c.Stdout, c.Stderr = writer{&r.out}, writer{&r.err}
	return c, r
}

// writer keeps what a process writes.
type writer struct{ to *string }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	*w.to += string(p)
	return len(p), nil
}

// run runs the program to its end. One that has not ended within the bound fails the
// test: it hangs.
func (a *arena) run(t testing.TB, now time.Time, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	c, r := a.command(ctx, now, args...)
	began := time.Now()
	err := c.Run()
	r.took = time.Since(began)
	if ctx.Err() != nil {
		t.Errorf("%s has not ended within %s", strings.Join(args, " "), bound)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("%s: %s", strings.Join(args, " "), err)
	}
	r.status = c.ProcessState.ExitCode()
	return *r
}

// must runs the program and requires its success.
func (a *arena) must(t testing.TB, now time.Time, args ...string) result {
	t.Helper()
	r := a.run(t, now, args...)
	if r.status != 0 {
		t.Fatalf("%s: exit %d\n%s%s", strings.Join(args, " "), r.status, r.out, r.err)
	}
	return r
}

// write writes a file into the arena's directory and returns its path.
func (a *arena) write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// exec changes the tables behind the program's back.
func (a *arena) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := a.SQL.Exec(statement); err != nil {
			t.Fatalf("%s: %s", statement, err)
		}
	}
}

// rows reads a query's rows and calls scan for each.
func (a *arena) rows(t testing.TB, query string, scan func(scan func(...any) error) error) {
	t.Helper()
	rows, err := a.SQL.Query(query)
	if err != nil {
		t.Fatalf("%s: %s", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			t.Fatalf("%s: %s", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %s", query, err)
	}
}

// moment scans a time of either database.
type moment struct{ time.Time }

// Scan implements sql.Scanner.
func (m *moment) Scan(value any) error {
	switch v := value.(type) {
	case nil:
	case int64:
		m.Time = time.UnixMicro(v).UTC()
	case time.Time:
		m.Time = v.UTC()
	default:
		return fmt.Errorf("a time is stored as %T", value)
	}
	return nil
}

// complaint is what a process wrote on stderr.
func (r result) complaint() string { return strings.TrimSpace(r.err) }
