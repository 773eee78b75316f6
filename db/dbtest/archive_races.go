package dbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// A view that began before sees what was; what is read in it adds up.
func archiveReaders(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	reader := p.Open(t)
	var done atomic.Bool
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for !done.Load() {
				r, err := reader.Reconcile(f.ctx, false)
				if err != nil || len(r.Discrepancies) > 0 || r.LogRows+r.ArchivedRows != 60 {
					t.Errorf("reconcile: %+v, %v", r, err)
				}
			}
		})
	}
	for range 10 {
		f.must(f.restore(f.archive(august)))
	}
	done.Store(true)
	reading.Wait()
}

// On PostgreSQL a partition leaves the log only while nobody reads it. Those who record
// are let through meanwhile.
func archiveWaits(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	reading, err := p.SQL.Begin()
	f.must(err)
	var n int
	f.must(reading.QueryRow("SELECT COUNT(*) FROM api_usage_logs").Scan(&n))
	var pid int
	if p.Kind == db.PostgreSQL {
		f.must(reading.QueryRow("SELECT pg_backend_pid()").Scan(&pid))
	}
	var archiving sync.WaitGroup
	var failed error
	archiving.Go(func() { _, failed = f.tryArchive(f.db, august, func(int) {}) })
	other := p.Open(t)
	service := usage.Service{Store: other}
	for i := range 2 {
		if p.Kind == db.PostgreSQL { // it waits for who reads, and others for it: until it gives up and tries again
			f.waitUntilBlocked(pid, 1)
		}
		_, err := service.Record(f.ctx, now(), call(fmt.Sprint("other", i), "bob", now(), 1, 1), usage.RecordOptions{})
		f.must(err)
	}
	f.must(reading.Rollback())
	archiving.Wait()
	f.must(failed)
	r, err := f.db.Reconcile(f.ctx, false)
	f.must(err)
	if len(r.Discrepancies) > 0 || r.ArchivedRows != 20 {
		t.Errorf("%+v", r)
	}
}

// augustLines are 100 calls of August, more than are worth one statement each, and one of September.
func augustLines(prefix, user string) string {
	var lines strings.Builder
	for i := range 100 {
		lines.WriteString(eventLine(call(fmt.Sprint(prefix, i), user, date(2026, 8, 1+i%31), 1, 1)))
	}
	lines.WriteString(eventLine(call(prefix+"september", user, date(2026, 9, 1), 1, 1)))
	return lines.String()
}

// mustBeRefused checks that an import came too late for August.
func mustBeRefused(t *testing.T, r usage.ImportResult, err error) {
	t.Helper()
	if err != nil || r.Recorded != 1 || r.Conflicts != 100 ||
		!strings.Contains(r.Problems[0].Reason, "2026-08 is archived in") {
		t.Errorf("the import: %+v, %v", r, err)
	}
}

// waitUntilBlocked waits until so many others wait for a lock that a session of PostgreSQL holds.
func (f *fixture) waitUntilBlocked(pid, others int) {
	f.Helper()
	for blocked := 0; blocked < others; time.Sleep(5 * time.Millisecond) {
		f.must(f.place.SQL.QueryRow("SELECT COUNT(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
			pid).Scan(&blocked))
	}
}

// A transaction has found August open, and August is archived before its row is in the log: it runs again. On SQLite
// nobody archives while another records.
func archiveAfterLook(t *testing.T, p Place) {
	if p.Kind == db.SQLite {
		return
	}
	f := seeded(t, p)
	f.varied()
	late := f.logs()[0]
	late.ID, late.Time = "late", date(2026, 8, 9)
	other := p.Open(t)
	var a archived
	var found []string
	f.must(other.Update(f.ctx, []string{late.UserID}, now(), func(tx usage.Tx) error {
		months, err := tx.ArchivedMonths(f.ctx)
		if err != nil {
			return err
		}
		if found = append(found, months[august]); months[august] != "" {
			return nil
		}
		a = f.archive(august)
		return tx.Write(f.ctx, usage.Changes{Entries: []usage.Entry{late}})
	}))
	wantEqual(t, "what was found archived", found, []string{"", usage.ArchiveFile(august)})
	f.mustReconcile(40, 20)
	f.must(f.restore(a))
	f.mustAgree()
}

// Recorders and imports wait for the log, of which the archive has just read August.
func archiveAmidWriters(t *testing.T, p Place) {
	if p.Kind == db.SQLite {
		return
	}
	f := seeded(t, p)
	f.varied()
	var recording sync.WaitGroup
	begin := func(alone bool, n int) {
		if !alone || n > 0 {
			return
		}
		for i := range 3 {
			service := usage.Service{Store: p.Open(t)}
			recording.Go(func() {
				e := call(fmt.Sprint("late", i), fmt.Sprint("dave", i), date(2026, 8, 9), 1, 1)
				_, err := service.Record(f.ctx, now(), e, usage.RecordOptions{Enforce: i == 1})
				wantFailure(t, err, failure.Conflict, "2026-08 is archived in")
			})
		}
		service := usage.Service{Store: p.Open(t)}
		recording.Go(func() {
			r, err := service.Import(f.ctx, now(), strings.NewReader(augustLines("more", "erin")),
				usage.ImportOptions{Format: usage.JSONLines})
			mustBeRefused(t, r, err)
		})
		var pid int
		f.must(p.SQL.QueryRow("SELECT pid FROM pg_locks " +
			"WHERE relation = 'api_usage_logs'::regclass AND mode = 'AccessExclusiveLock' AND granted").Scan(&pid))
		f.waitUntilBlocked(pid, 4)
	}
	store := &aloneOnly{ArchiveStore: f.db}
	a, err := f.tryArchive(store, august, func(n int) { begin(store.alone, n) })
	f.must(err)
	recording.Wait()
	f.mustReconcile(41, a.Rows)
	f.must(f.restore(a))
	f.mustAgree()
}

// aloneOnly is a store in which a month seems to change each time while others record.
type aloneOnly struct {
	usage.ArchiveStore
	alone bool
}

// ArchiveMonth implements usage.ArchiveStore.
func (s *aloneOnly) ArchiveMonth(
	ctx context.Context, audit usage.Audit, m plan.Month, alone bool, write usage.WriteMonth,
) error {
	if s.alone = alone; !alone {
		return usage.ErrMonthChanged
	}
	return s.ArchiveStore.ArchiveMonth(ctx, audit, m, alone, write)
}

// What was recorded is in the log or in the file, once; what was refused is in neither.
func raceArchive(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("first", "alice", date(2026, 8, 1), 1, 1))
	var mutex sync.Mutex
	recorded := []string{"first"}
	var file archived
	var done atomic.Bool
	var refused atomic.Int64
	f.atOnce(t, 6, func(i int, s *usage.Service) {
		if i == 0 {
			for enough := false; !enough && !t.Failed(); { // let them begin
				mutex.Lock()
				enough = len(recorded) > 30
				mutex.Unlock()
			}
			var err error
			if file, err = f.tryArchive(s.Store.(*db.DB), august, func(int) {}); err != nil {
				t.Errorf("archiving: %s", err)
			}
			done.Store(true)
			return
		}
		random := rand.New(rand.NewPCG(7, uint64(i)))
		for n, after := 0, 0; n < 2_000 && after < 20; n++ {
			if done.Load() {
				after++
			}
			month := []time.Month{time.July, time.August, time.August, time.September}[random.IntN(4)]
			e := call(fmt.Sprintf("%d-%d", i, n), fmt.Sprint("user", random.IntN(3)), date(2026, month, 1+random.IntN(28)), 1, 1)
			_, err := s.Record(f.ctx, now(), e, usage.RecordOptions{})
			switch {
			case err == nil:
				mutex.Lock()
				recorded = append(recorded, e.ID)
				mutex.Unlock()
			case month == time.August && failure.Is(err, failure.Conflict) && strings.Contains(err.Error(), "is archived in"):
				refused.Add(1)
			default:
				t.Errorf("%s: %v", e.ID, err)
			}
		}
	})
	if t.Failed() {
		return
	}
	t.Logf("%d recorded, %d of them archived, %d refused", len(recorded), file.Rows, refused.Load())
	if refused.Load() == 0 {
		t.Error("nobody came too late")
	}
	got := append(ids(f.logs()), ids(collect(t, file))...)
	slices.Sort(got)
	slices.Sort(recorded)
	wantEqual(t, "what is recorded", got, recorded)
	f.mustReconcile(int64(len(recorded))-file.Rows, file.Rows)
	f.must(f.restore(file))
	f.mustAgree()
}

func raceArchiveTwice(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	var done, refused atomic.Int64
	f.atOnce(t, 4, func(_ int, s *usage.Service) {
		_, err := f.tryArchive(s.Store.(*db.DB), august, func(int) {})
		switch {
		case err == nil:
			done.Add(1)
		case failure.Is(err, failure.Conflict):
			refused.Add(1)
		default:
			t.Error(err)
		}
	})
	if done.Load() != 1 || refused.Load() != 3 {
		t.Errorf("%d have archived it and %d were refused", done.Load(), refused.Load())
	}
	f.mustReconcile(40, 20)
}

// A change of a subscription has moved what is in the file, or it is refused.
func raceArchiveSubscriptions(t *testing.T, p Place) {
	f := seeded(t, p)
	const users = 12
	for i := range 300 {
		f.record(call(fmt.Sprint("e", i), fmt.Sprint("user", i%users), date(2026, 8, 1+i%31), 1, 1))
	}
	pro, changed := f.plan("Pro"), map[string]plan.Account{}
	var file archived
	f.atOnce(t, 2, func(i int, s *usage.Service) {
		d := s.Store.(*db.DB)
		if i == 0 {
			var err error
			file, err = f.tryArchive(d, august, func(int) {})
			f.must(err)
			return
		}
		for n := range users {
			user := fmt.Sprint("user", n)
			result, err := f.billing(d).ChangeSubscription(f.ctx, f.audit("users subscribe"), user,
				func(a plan.Account) (plan.Change, error) {
					return a.Subscribe(plan.Order{Plan: pro, Cycle: plan.Monthly, Start: date(2026, 8, 10)}, now())
				})
			if err == nil {
				changed[user] = result.Account
			} else if !failure.Is(err, failure.Conflict) {
				t.Errorf("%s: %v", user, err)
			}
		}
	})
	t.Logf("%d of %d came before", len(changed), users)
	for _, e := range collect(t, file) {
		if account, ok := changed[e.UserID]; ok && !e.PeriodStart.Equal(account.PeriodAt(e.Time).Start) {
			t.Errorf("%s is in the period of %s", e.ID, e.PeriodStart)
		}
	}
	f.mustReconcile(0, 300)
	f.must(f.restore(file))
	f.mustAgree()
}
