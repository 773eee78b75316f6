package dbtest

import (
	"errors"
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
	a := f.write(august)
	reading, err := p.SQL.Begin()
	f.must(err)
	var n int
	f.must(reading.QueryRow("SELECT COUNT(*) FROM api_usage_logs").Scan(&n))
	var archiving sync.WaitGroup
	var failed error
	archiving.Go(func() { failed = f.db.Archive(f.ctx, f.audit("usage archive"), a.Archive) })
	other := p.Open(t)
	service := usage.Service{Store: other}
	for i, began := 0, time.Now(); time.Since(began) < 4*time.Second; i++ {
		_, err := service.Record(f.ctx, now(), call(fmt.Sprint("other", i), "bob", now(), 1, 1), usage.RecordOptions{})
		f.must(err)
		time.Sleep(20 * time.Millisecond)
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
			file = f.archiveAmid(t, s)
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

// archiveAmid archives August while others record into it: at first as long as it
// changes under its hands, then alone.
func (f *fixture) archiveAmid(t *testing.T, s *usage.Service) archived {
	d := s.Store.(*db.DB)
	for range 3 {
		a, err := f.tryWrite(d, august)
		if err == nil {
			err = d.Archive(f.ctx, f.audit("usage archive"), a.Archive)
		}
		if err == nil {
			return a
		}
		if !errors.Is(err, usage.ErrMonthChanged) {
			t.Errorf("archiving: %s", err)
			return a
		}
	}
	var a archived
	err := d.ArchiveClosed(f.ctx, f.audit("usage archive"), august, func(rows usage.MonthRows) (usage.Archive, error) {
		var err error
		a, err = writeRows(august, rows)
		return a.Archive, err
	})
	if err != nil {
		t.Errorf("archiving: %s", err)
	}
	return a
}

func raceArchiveTwice(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	var done, refused atomic.Int64
	f.atOnce(t, 4, func(_ int, s *usage.Service) {
		d := s.Store.(*db.DB)
		a, err := f.tryWrite(d, august)
		if err == nil {
			err = d.Archive(f.ctx, f.audit("usage archive"), a.Archive)
		}
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
