package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

const (
	enforceRuns    = 3
	enforceWorkers = 8
	usersPerWorker = 10 // that each worker alone reports for, in turns
)

// enforceMeasurements count how many calls a second are decided and recorded in one
// step, as library calls: what a gateway does that has the service in its process. A
// decision is a transaction that is on the disk when it returns, so it is held against
// the transactions that the database itself gets there.
func enforceMeasurements() []measurement {
	return []measurement{
		{"sqlite-enforce", "enforce", func(ctx context.Context, l *lab) ([]result, error) {
			return enforce(ctx, l, db.SQLite, "bare commits of a row", l.bareCommits)
		}},
		{"postgresql-enforce", "enforce", func(ctx context.Context, l *lab) ([]result, error) {
			return enforce(ctx, l, db.PostgreSQL, "pgbench -N -c 8", l.pgbench)
		}},
	}
}

// enforce runs ours and the peer in turns.
func enforce(ctx context.Context, l *lab, kind db.Kind, peerIs string, peer func(context.Context) (float64, error)) ([]result, error) {
	d, err := l.newDatabase(ctx, kind, "enforce")
	if err != nil {
		return nil, err
	}
	if err := l.subscribeWorkers(ctx, d); err != nil {
		return nil, err
	}
	r := result{What: fmt.Sprintf("enforce, %d workers", enforceWorkers), Unit: "calls/s"}
	for range enforceRuns {
		for _, side := range []struct {
			runs    *[]float64
			measure func(context.Context) (float64, error)
		}{{&r.Runs, func(ctx context.Context) (float64, error) { return l.enforceFor(ctx, d) }}, {&r.PeerRuns, peer}} {
			if err := l.settle(ctx, kind); err != nil {
				return nil, err
			}
			rate, err := side.measure(ctx)
			if err != nil {
				return nil, err
			}
			*side.runs = append(*side.runs, rate)
		}
		l.say("%s: %s calls/s, %s: %s/s", kind, figure(r.Runs[len(r.Runs)-1]), peerIs, figure(r.PeerRuns[len(r.PeerRuns)-1]))
	}
	r.Ours, r.Note = median(r.Runs), spread(r.Runs)
	return []result{r.against(median(r.PeerRuns), peerIs).ratioAtLeast(0.5)}, nil
}

func workerUser(worker, i int) string { return fmt.Sprintf("worker-%d-%d", worker, i%usersPerWorker) }

// subscribeWorkers puts their users on a plan whose limits such a run does not reach.
func (l *lab) subscribeWorkers(ctx context.Context, d database) error {
	for worker := range enforceWorkers {
		for i := range usersPerWorker {
			if _, err := l.ours(ctx, d, "users", "subscribe", workerUser(worker, i), "--plan", "enterprise", "--start", benchNow); err != nil {
				return err
			}
		}
	}
	return nil
}

// enforceFor records for a while and returns calls a second.
func (l *lab) enforceFor(ctx context.Context, d database) (float64, error) {
	target, err := db.ParseURL(d.url, l.dir)
	if err != nil {
		return 0, err
	}
	store, err := db.Open(ctx, target)
	if err != nil {
		return 0, err
	}
	service := &usage.Service{Store: store, Thresholds: []int{80, 90, 100}}
	var workers sync.WaitGroup
	calls, failures := make([]int, enforceWorkers), make([]error, enforceWorkers)
	began := time.Now()
	for worker := range enforceWorkers {
		workers.Go(func() { calls[worker], failures[worker] = enforceUntil(ctx, service, worker, began.Add(l.duration)) })
	}
	workers.Wait()
	elapsed := time.Since(began)
	total := 0
	for _, n := range calls {
		total += n
	}
	return float64(total) / elapsed.Seconds(), errors.Join(append(failures, store.Close())...)
}

// enforceUntil is one worker. Each call must be recorded: a refusal would be quicker.
func enforceUntil(ctx context.Context, service *usage.Service, worker int, end time.Time) (int, error) {
	now := monthStart().AddDate(0, 1, 1)
	for calls := 0; ; calls++ {
		if !time.Now().Before(end) {
			return calls, nil
		}
		outcome, err := service.Record(ctx, now, enforcedEvent(workerUser(worker, calls)), usage.RecordOptions{Enforce: true})
		if err != nil {
			return calls, err
		}
		if outcome.Status != usage.Recorded {
			return calls, fmt.Errorf("an event with a new id is %s", outcome.Status)
		}
	}
}

// enforcedEvent is a small call; its id is made by the service.
func enforcedEvent(user string) usage.Event {
	e := usage.Event{UserID: user, Provider: "gemini", Model: "gemini-2.5-flash", StatusCode: 200, ResponseTimeMS: 800}
	e.Quantities[pricing.Requests], e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 1, 800, 200
	return e
}

// bareCommits returns how often a second one connection of the same driver, set up as
// ours, commits a small row.
func (l *lab) bareCommits(ctx context.Context) (rate float64, err error) {
	path := l.path("commits.db")
	if err := removeSQLite(path); err != nil {
		return 0, err
	}
	settings := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}}
	bare, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+settings.Encode())
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := bare.Close(); err == nil {
			err = closeErr
		}
	}()
	bare.SetMaxOpenConns(1)
	if _, err := bare.ExecContext(ctx, "CREATE TABLE small (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"); err != nil {
		return 0, err
	}
	began := time.Now()
	commits := 0
	for ; time.Since(began) < l.duration; commits++ {
		if err := commitRow(ctx, bare, commits); err != nil {
			return 0, err
		}
	}
	return float64(commits) / time.Since(began).Seconds(), nil
}

// commitRow is BEGIN IMMEDIATE, INSERT, COMMIT.
func commitRow(ctx context.Context, bare *sql.DB, n int) error {
	tx, err := bare.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO small (n) VALUES (?1)", n); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// pgbench returns the transactions a second of PostgreSQL's own benchmark: an update,
// a select and an insert each.
func (l *lab) pgbench(ctx context.Context) (float64, error) {
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
	r, err := l.libpq(ctx, d, "pgbench", "-N", "-c", strconv.Itoa(enforceWorkers), "-j", "2", "-T", strconv.Itoa(int(l.duration.Seconds())))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(r.out)
	if found == nil {
		return 0, fmt.Errorf("pgbench does not say how many transactions it did: %s", lastOf(r.out))
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
