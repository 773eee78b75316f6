package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/db"
)

// lab is what the measurements share: the binary, a directory that is removed in the
// end, and the databases that one of them has made and others read.
type lab struct {
	settings
	log     io.Writer
	dir     string
	binary  string
	commit  string
	filled  map[filling]*filled
	peers   map[sample]peerRates // what sqlite-import has measured
	servers []database           // databases on the server, to be dropped
}

// database is one of ours, or a peer's on the same server.
type database struct {
	kind db.Kind
	url  string
	path string // of a SQLite file
}

// filling says what a database is filled with.
type filling struct {
	kind   db.Kind
	sample sample
}

// filled is a database that holds a sample, imported in one go.
type filled struct {
	database
	filling
	csv     string    // the log as a CSV file; "" until it is asked for
	seconds []float64 // what each import into a fresh database took
}

// skipped is why a measurement can't be done here. It is said in the table, so that
// nobody takes a row that is missing for one that was met.
type skipped string

// Error implements error.
func (s skipped) Error() string { return string(s) }

// newLab makes the directory and builds the binary: what is measured is what stands in
// the tree.
func newLab(ctx context.Context, s settings, log io.Writer) (*lab, error) {
	dir, err := os.MkdirTemp("", "alwrity-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{settings: s, log: log, dir: dir, binary: filepath.Join(dir, "alwrity-sub"), filled: map[filling]*filled{},
		peers: map[sample]peerRates{}}
	l.say("in %s", dir)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", l.binary,
		"github.com/alwrity/alwrity-sub")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("go build: %w\n%s", err, out), l.close())
	}
	// Where there is no git or no checkout, the table says so.
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	l.commit = strings.TrimSpace(string(commit))
	if err != nil {
		l.commit = "unknown"
	}
	return l, nil
}

// close removes the directory, and the databases on the server, which may be one that
// the user has named.
func (l *lab) close() error {
	var err error
	for _, d := range l.servers {
		err = errors.Join(err, l.dropDatabase(context.Background(), d))
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}

func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.log, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// environment is what every program gets: what it needs to be found and to run, and
// settings that make its output the same everywhere.
func (l *lab) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir, "TMPDIR=" + l.dir, "LC_ALL=C.UTF-8", "PGTZ=UTC"}
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// about says what this is measured on.
func (l *lab) about(ctx context.Context) about {
	machine := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, model, found := strings.Cut(string(text), "model name\t: "); found {
			model, _, _ = strings.Cut(model, "\n")
			machine += ", " + model
		}
	}
	software := runtime.Version() + ", SQLite " + db.SQLiteVersion()
	if shell, err := l.run(ctx, nil, "sqlite3", "--version"); err == nil {
		software += ", sqlite3 " + strings.Fields(string(shell.out) + " ?")[0]
	}
	return about{time.Now().UTC(), l.commit, machine, software + l.serverVersion(ctx)}
}

// sample is the usual one: as many users and models as a product may well have.
func (l *lab) sample(ids idKind) sample {
	return sample{ids: ids, rows: l.rows, users: 5_000, models: 45}
}

// eventFile returns the file with a sample's events.
func (l *lab) eventFile(s sample) (string, error) {
	path := l.path("events-" + s.name() + ".jsonl")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	l.say("writing %s events with ids %s", humanize.Comma(int64(s.rows)), s.ids)
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(writeEvents(file, s), file.Close())
}

// newDatabase makes an empty database of ours and initialises it.
func (l *lab) newDatabase(ctx context.Context, kind db.Kind, name string) (database, error) {
	d := database{kind: kind}
	if kind == db.SQLite {
		d.path = l.path(name + ".db")
		d.url = "sqlite:///" + d.path
		if err := removeSQLite(d.path); err != nil {
			return d, err
		}
	} else {
		var err error
		if d, err = l.createDatabase(ctx, name); err != nil {
			return d, err
		}
	}
	_, err := l.ours(ctx, d, "init")
	return d, err
}

// filledWith returns a database with the sample, which is imported now unless an
// earlier measurement has.
func (l *lab) filledWith(ctx context.Context, kind db.Kind, s sample) (*filled, error) {
	if f := l.filled[filling{kind, s}]; f != nil {
		return f, nil
	}
	f, _, err := l.fillAnew(ctx, kind, s)
	return f, err
}

// fillAnew imports the sample into a fresh database, which takes the place of an
// earlier one, and returns the import's process too.
func (l *lab) fillAnew(ctx context.Context, kind db.Kind, s sample) (*filled, ran, error) {
	f := l.filled[filling{kind, s}]
	if f == nil {
		f = &filled{filling: filling{kind, s}}
	}
	var err error
	if f.database, err = l.newDatabase(ctx, kind, "ours-"+s.name()); err != nil {
		return nil, ran{}, err
	}
	imported, err := l.importInto(ctx, f.database, s)
	if err != nil {
		return nil, imported, err
	}
	f.seconds = append(f.seconds, imported.wall.Seconds())
	l.filled[f.filling] = f
	l.say("%s: imported %s rows in %.1f s", kind, humanize.Comma(int64(s.rows)), imported.wall.Seconds())
	return f, imported, nil
}

// importInto runs `usage import` and makes sure that it has dealt with every row.
func (l *lab) importInto(ctx context.Context, d database, s sample) (ran, error) {
	file, err := l.eventFile(s)
	if err != nil {
		return ran{}, err
	}
	if err := l.settle(ctx, d.kind); err != nil {
		return ran{}, err
	}
	r, err := l.ours(ctx, d, "usage", "import", file, "-o", "json")
	if err != nil {
		return r, err
	}
	var result struct{ Recorded, Duplicates, Unpriced int }
	if err := json.Unmarshal(r.out, &result); err != nil {
		return r, err
	}
	if result.Recorded+result.Duplicates != s.rows || result.Unpriced != 0 {
		return r, fmt.Errorf("the import of %d priced rows says %s", s.rows, r.out)
	}
	return r, nil
}

// settle lets the system write what is still to be written, so that a run does not pay
// for the one before.
func (l *lab) settle(ctx context.Context, kind db.Kind) error {
	if kind == db.PostgreSQL {
		if _, err := l.psql(ctx, l.maintenance(), "-c", "CHECKPOINT"); err != nil {
			return err
		}
	}
	syscall.Sync()
	return nil
}
