package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// versionBefore is the last one in which each call had a transaction of its own. BENCH_BEFORE names another.
const versionBefore = "32f9c85"

const enforceRuns = 3

// enforceMeasurements count how many calls a second are decided and recorded in one step, as library calls: what a
// gateway does that has the service in its process. A call is on the disk when it is answered, so it is held against
// the transactions that the database itself gets there, and against the version before.
func enforceMeasurements() []measurement {
	return []measurement{
		{"sqlite-enforce", "enforce", func(ctx context.Context, l *lab) ([]result, error) {
			return l.enforce(ctx, db.SQLite, []contest{
				{callers: 1, against: before(1), target: 0.95},
				{callers: 64, against: before(64), target: 2},
				{callers: 512, against: before(64), target: 3.5},
				{callers: 64, mode: "reserve", against: ours(64), target: 0.8},
			})
		}},
		{"postgresql-enforce", "enforce", func(ctx context.Context, l *lab) ([]result, error) {
			return l.enforce(ctx, db.PostgreSQL, []contest{
				{callers: 1, against: before(1), target: 0.95},
				{callers: 8, against: pgbench(8), target: 0.6},
				{callers: 64, against: pgbench(64), target: 2.5},
				{callers: 512, against: pgbench(64), target: 5},
				{callers: 64, mode: "reserve", against: ours(64), target: 0.8},
			})
		}},
	}
}

// contest is ours with so many callers at the same time against a peer, in turns.
type contest struct {
	callers int
	mode    string // enforce or, with a reservation that is settled, reserve
	against peer
	target  float64 // the ratio of the calls a second
}

// peer is what is measured beside ours.
type peer struct {
	name    string
	measure func(ctx context.Context, e *enforcing) (float64, error)
}

func before(callers int) peer {
	return peer{fmt.Sprintf("version before, %d callers", callers),
		func(ctx context.Context, e *enforcing) (float64, error) {
			m, err := e.load(ctx, e.oldLoad, e.old, callers, "enforce")
			return m.Rate, err
		}}
}

func ours(callers int) peer {
	return peer{fmt.Sprintf("enforce, %d callers", callers), func(ctx context.Context, e *enforcing) (float64, error) {
		m, err := e.load(ctx, e.newLoad, e.new, callers, "enforce")
		return m.Rate, err
	}}
}

func pgbench(clients int) peer {
	return peer{fmt.Sprintf("pgbench -N -c %d", clients), func(ctx context.Context, e *enforcing) (float64, error) {
		return e.lab.pgbench(ctx, clients, "-N")
	}}
}

// enforcing has what the contests of one database share.
type enforcing struct {
	lab              *lab
	newLoad, oldLoad string   // programs
	new, old         database // of this version, and of the one before
}

// loaded is what a load program prints.
type loaded struct{ Rate, P50, P99 float64 }

func (l *lab) enforce(ctx context.Context, kind db.Kind, contests []contest) ([]result, error) {
	e, err := l.newEnforcing(ctx, kind)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, c := range contests {
		more, err := e.hold(ctx, kind, c)
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// hold holds one contest.
func (e *enforcing) hold(ctx context.Context, kind db.Kind, c contest) ([]result, error) {
	what := fmt.Sprintf("enforce, %d callers", c.callers)
	if c.mode == "" {
		c.mode = "enforce"
	} else {
		what = fmt.Sprintf("reserve + settle, %d callers", c.callers)
	}
	r := result{What: what, Unit: "calls/s"}
	var p50s, p99s []float64
	for range enforceRuns {
		if err := e.lab.settle(ctx, kind); err != nil {
			return nil, err
		}
		m, err := e.load(ctx, e.newLoad, e.new, c.callers, c.mode)
		if err != nil {
			return nil, err
		}
		r.Runs, p50s, p99s = append(r.Runs, m.Rate), append(p50s, m.P50), append(p99s, m.P99)
		if err := e.lab.settle(ctx, kind); err != nil {
			return nil, err
		}
		rate, err := c.against.measure(ctx, e)
		if err != nil {
			return nil, err
		}
		r.PeerRuns = append(r.PeerRuns, rate)
		e.lab.say("%s, %s: %s calls/s, %s: %s/s", kind, what, figure(m.Rate), c.against.name, figure(rate))
	}
	r.Ours, r.Note = median(r.Runs), spread(r.Runs)
	slow := result{What: what + ", p99", Unit: "ms", Ours: median(p99s), Runs: p99s}
	return []result{
		r.against(median(r.PeerRuns), c.against.name).ratioAtLeast(c.target),
		slow.against(median(p50s), "its p50").ratioAtMost(4),
	}, nil
}

// load runs a load program.
func (e *enforcing) load(ctx context.Context, program string, d database, callers int, mode string) (loaded, error) {
	var m loaded
	seconds := strconv.Itoa(int(e.lab.duration.Seconds()))
	r, err := e.lab.run(ctx, nil, program, d.url, strconv.Itoa(callers), seconds, mode)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(r.out, &m)
}

// newEnforcing builds the load programs and makes a database for each version, on which everyone is on a plan that
// such a run does not use up.
func (l *lab) newEnforcing(ctx context.Context, kind db.Kind) (*enforcing, error) {
	if err := l.writeAmplePlans(); err != nil {
		return nil, err
	}
	e := &enforcing{lab: l, newLoad: l.path("load"), oldLoad: l.path("load-before")}
	if err := l.build(ctx, ".", e.newLoad, "./bench/load"); err != nil {
		return nil, err
	}
	old, err := l.checkOutBefore(ctx)
	if err != nil {
		return nil, err
	}
	oldBinary := l.path("alwrity-sub-before")
	if err := errors.Join(l.build(ctx, old, e.oldLoad, "./bench/load"), l.build(ctx, old, oldBinary, ".")); err != nil {
		return nil, err
	}
	if e.new, err = l.ampleDatabase(ctx, l.binary, kind, "enforce"); err != nil {
		return nil, err
	}
	e.old, err = l.ampleDatabase(ctx, oldBinary, kind, "enforce_before")
	return e, err
}

// writeAmplePlans writes plans of which everyone is on one that such a run does not use up.
func (l *lab) writeAmplePlans() error {
	plans, err := os.ReadFile("plan/plans.yaml")
	if err != nil {
		return err
	}
	// What everyone is on without a subscription costs nothing.
	ample := strings.NewReplacer("name: Free", "name: Small", "tier: free", "tier: small", "tier: enterprise",
		"tier: free",
		"monthly: 199", "monthly: 0", "yearly: 1990", "yearly: 0").Replace(string(plans))
	return os.WriteFile(l.path("plans.yaml"), []byte(ample), 0o600)
}

// checkOutBefore makes a tree of the version before, with this version's load program in it.
func (l *lab) checkOutBefore(ctx context.Context) (string, error) {
	commit := versionBefore
	if named := os.Getenv("BENCH_BEFORE"); named != "" {
		commit = named
	}
	dir, archive := l.path("before"), l.path("before.tar")
	source, err := os.ReadFile("bench/load/main.go")
	if err != nil {
		return dir, err
	}
	if out, err := exec.CommandContext(ctx, "git", "archive", "-o", archive, commit).CombinedOutput(); err != nil {
		return dir, skipped(fmt.Sprintf("the version before (%s) can't be checked out: %s", commit,
			strings.TrimSpace(string(out))))
	}
	if err := os.MkdirAll(filepath.Join(dir, "bench", "load"), 0o700); err != nil {
		return dir, err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		return dir, fmt.Errorf("tar: %w\n%s", err, out)
	}
	return dir, os.WriteFile(filepath.Join(dir, "bench", "load", "main.go"), source, 0o600)
}

func (l *lab) build(ctx context.Context, dir, program, pkg string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program, pkg)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// ampleDatabase makes a database with one version's binary.
func (l *lab) ampleDatabase(ctx context.Context, binary string, kind db.Kind, name string) (database, error) {
	d := database{kind: kind}
	if kind == db.SQLite {
		d.path = l.path(name + ".db")
		d.url = "sqlite:///" + d.path
	} else {
		var err error
		if d, err = l.createDatabase(ctx, name); err != nil {
			return d, err
		}
	}
	_, err := l.run(ctx, nil, binary, "init", "-q", "--database-url", d.url, "--plans", l.path("plans.yaml"))
	return d, err
}

// pgbench returns the transactions a second of PostgreSQL's own benchmark: with -N an update, a select and an insert
// each, with -S a select.
func (l *lab) pgbench(ctx context.Context, clients int, mode string) (float64, error) {
	d, err := l.createDatabase(ctx, "pgbench")
	if err != nil {
		return 0, err
	}
	if _, err := l.libpq(ctx, d, "pgbench", "-i", "-q", "-s", "10"); err != nil {
		return 0, err
	}
	if err := l.settle(ctx, db.PostgreSQL); err != nil {
		return 0, err
	}
	r, err := l.libpq(ctx, d, "pgbench", mode, "-c", strconv.Itoa(clients), "-j", "2", "-T",
		strconv.Itoa(int(l.duration.Seconds())))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(r.out)
	if found == nil {
		return 0, fmt.Errorf("pgbench does not say how many transactions it did: %s", lastOf(r.out))
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
