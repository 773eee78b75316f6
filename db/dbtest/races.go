package dbtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func raceTests() []test {
	return []test{
		{"races/forty reserve from a limit of ten", raceReserve},
		{"races/forty record under a limit of ten", raceEnforce},
		{"races/everything at once never exceeds a limit", raceMixed},
		{"races/the same event at once", raceSameEvent},
		{"races/the same id of different users at once", raceSameIDOfUsers},
		{"races/the same reservation at once", raceSameReservation},
		{"races/one reservation is settled once", raceSettle},
		{"races/overlapping files are imported at once", raceImport},
		{"races/subscriptions change while usage is recorded", raceSubscriptions},
		{"races/plans change while they are read", racePlans},
		{"races/users who are new to everyone", raceNewUsers},
	}
}

func createTests() []test {
	return []test{{"create/the tables at once", raceCreate}}
}

// atOnce runs fn so many times at once, each with a handle of its own.
func (f *fixture) atOnce(t testing.TB, n int, fn func(i int, s *usage.Service)) {
	f.Helper()
	services := make([]*usage.Service, n)
	for i := range services {
		services[i] = &usage.Service{Store: f.place.Open(t), Thresholds: f.service.Thresholds}
	}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, s := range services {
		wg.Go(func() {
			<-start
			fn(i, s)
		})
	}
	close(start)
	wg.Wait()
}

func raceReserve(t *testing.T, p Place) {
	f := seeded(t, p)
	var allowed, refused atomic.Int64
	f.atOnce(t, 40, func(i int, s *usage.Service) {
		j, err := s.Reserve(f.ctx, now(), callOf(call("", "alice", now(), 1, 1)), "", time.Minute)
		switch {
		case err != nil:
			t.Error(err)
		case j.Allowed:
			allowed.Add(1)
		case j.Reason == usage.LimitExceeded:
			refused.Add(1)
		default:
			t.Errorf("refused since %s", j.Reason)
		}
	})
	if allowed.Load() != 10 || refused.Load() != 30 || f.count("usage_reservations") != 10 {
		t.Errorf("%d were allowed and %d refused; %d are there", allowed.Load(), refused.Load(),
			f.count("usage_reservations"))
	}
}

func raceEnforce(t *testing.T, p Place) {
	f := seeded(t, p)
	var recorded, refused atomic.Int64
	f.atOnce(t, 40, func(i int, s *usage.Service) {
		o, err := s.Record(f.ctx, now(), call(fmt.Sprint("e", i), "alice", now(), 1, 1), usage.RecordOptions{Enforce: true})
		switch {
		case err == nil && o.Status == usage.Recorded:
			recorded.Add(1)
		case failure.Is(err, failure.Denied):
			refused.Add(1)
		default:
			t.Errorf("%+v, %v", o, err)
		}
	})
	if recorded.Load() != 10 || refused.Load() != 30 || len(f.logs()) != 10 {
		t.Errorf("%d were recorded and %d refused; %d are there", recorded.Load(), refused.Load(), len(f.logs()))
	}
	f.mustAgree()
	if n := len(f.alerts("alice", false)); n != 5 { // text_calls at 80, 90, 100; gemini_calls at 80 (7 of 8) and 100
		t.Errorf("alerts: %q", f.alerts("alice", false))
	}
}

// Users and their limits, some calls of which are reserved, settled, released,
// left to expire or recorded at once. What is used and held never exceeds.
func raceMixed(t *testing.T, p Place) {
	f := seeded(t, p)
	pro := f.plan("Pro") // 25 text calls
	f.subscribe("alice", "Pro", date(2026, 11, 1), now())
	f.subscribe("bob", "Pro", date(2026, 11, 1), now())
	later := now().Add(time.Minute)
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			f.neverOver(t, "alice", pro, later)
			f.neverOver(t, "bob", pro, later)
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	f.atOnce(t, 8, func(i int, s *usage.Service) {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		for n := range 12 {
			id := fmt.Sprintf("%d-%d", i, n)
			if err := mixedStep(f, s, random, id, later); err != nil && !failure.Is(err, failure.Denied) {
				t.Errorf("%s: %s", id, err)
			}
		}
	})
	close(done)
	watcher.Wait()
	f.mustAgree()
	var settled int
	f.must(f.place.SQL.QueryRow("SELECT COUNT(*) FROM usage_reservations r JOIN api_usage_logs l " +
		"ON l.event_id = r.event_id WHERE r.status = 'settled'").Scan(&settled))
	var marked int
	f.must(f.place.SQL.QueryRow("SELECT COUNT(*) FROM usage_reservations WHERE status = 'settled'").Scan(&marked))
	if settled != marked || settled == 0 {
		t.Errorf("%d reservations are settled, %d by an event that is there", marked, settled)
	}
}

func mixedStep(f *fixture, s *usage.Service, random *rand.Rand, id string, later time.Time) error {
	e := call("", []string{"alice", "bob"}[random.IntN(2)], now(), 1, 1)
	kind := random.IntN(5)
	if kind == 0 { // it expires before later, and is never settled
		_, err := s.Reserve(f.ctx, now(), callOf(e), id, time.Second)
		return err
	}
	if kind == 1 {
		e.ID, e.Time = id, later
		_, err := s.Record(f.ctx, later, e, usage.RecordOptions{Enforce: true})
		return err
	}
	j, err := s.Reserve(f.ctx, later, callOf(e), id, time.Hour)
	if err != nil || !j.Allowed {
		return err
	}
	if kind == 2 {
		_, err = s.Release(f.ctx, later, id)
		return err
	}
	_, err = s.Record(f.ctx, later, usage.Event{StatusCode: 200, Quantities: tokens(1)},
		usage.RecordOptions{Reservation: id})
	return err
}

// neverOver checks in one view that what is used and held fits the plan.
func (f *fixture) neverOver(t *testing.T, user string, p plan.Plan, at time.Time) {
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		key := usage.NewPeriodKey(user, date(2026, 11, 1))
		totals, err := r.Totals(f.ctx, []usage.PeriodKey{key})
		f.must(err)
		held, err := r.Held(f.ctx, []string{user}, at)
		f.must(err)
		sum := int64(0)
		for _, row := range totals[key] {
			sum += row.Calls
		}
		for _, h := range held[user] {
			sum += h.Calls
		}
		if sum > p.Limits[0].Max {
			t.Errorf("%s has used and reserved %d of %d", user, sum, p.Limits[0].Max)
		}
		return nil
	}))
}

func raceSameEvent(t *testing.T, p Place) {
	f := seeded(t, p)
	var mu sync.Mutex
	outcomes := map[string]int{}
	f.atOnce(t, 16, func(i int, s *usage.Service) {
		o, err := s.Record(f.ctx, now(), call("same", "alice", now(), int64(i%2), 1), usage.RecordOptions{})
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			outcomes[string(o.Status)]++
		case failure.Is(err, failure.Conflict):
			outcomes["conflict"]++
		default:
			t.Error(err)
		}
	})
	if outcomes["recorded"] != 1 || outcomes["duplicate"] != 7 || outcomes["conflict"] != 8 {
		t.Errorf("the outcomes are %v", outcomes)
	}
	f.mustAgree()
}

// Different users lock different rows: the id alone tells that they collide.
func raceSameIDOfUsers(t *testing.T, p Place) {
	f := seeded(t, p)
	var recorded, conflicts atomic.Int64
	f.atOnce(t, 16, func(i int, s *usage.Service) {
		_, err := s.Record(f.ctx, now(), call("same", fmt.Sprint("user", i), now(), 1, 1), usage.RecordOptions{})
		switch {
		case err == nil:
			recorded.Add(1)
		case failure.Is(err, failure.Conflict):
			conflicts.Add(1)
		default:
			t.Error(err)
		}
	})
	if recorded.Load() != 1 || conflicts.Load() != 15 {
		t.Errorf("%d were recorded, %d in conflict", recorded.Load(), conflicts.Load())
	}
	f.mustAgree()
}

func raceSameReservation(t *testing.T, p Place) {
	f := seeded(t, p)
	var allowed, conflicts atomic.Int64
	f.atOnce(t, 12, func(i int, s *usage.Service) {
		j, err := s.Reserve(f.ctx, now(), callOf(call("", []string{"alice", "bob"}[i%2], now(), 1, 1)), "same", time.Minute)
		switch {
		case err == nil && j.Allowed:
			allowed.Add(1)
		case failure.Is(err, failure.Conflict):
			conflicts.Add(1)
		default:
			t.Errorf("%+v, %v", j, err)
		}
	})
	if allowed.Load() != 6 || conflicts.Load() != 6 || f.count("usage_reservations") != 1 {
		t.Errorf("%d were allowed, %d in conflict, %d are there", allowed.Load(), conflicts.Load(),
			f.count("usage_reservations"))
	}
}

func raceSettle(t *testing.T, p Place) {
	f := seeded(t, p)
	_, err := f.reserve("r1", "alice", now(), time.Minute)
	f.must(err)
	var recorded, duplicates, conflicts atomic.Int64
	f.atOnce(t, 12, func(i int, s *usage.Service) {
		e := usage.Event{ID: []string{"", "other"}[i%2], StatusCode: 200, Quantities: tokens(1)}
		o, err := s.Record(f.ctx, now(), e, usage.RecordOptions{Reservation: "r1"})
		switch {
		case err == nil && o.Status == usage.Recorded:
			recorded.Add(1)
		case err == nil:
			duplicates.Add(1)
		case failure.Is(err, failure.Conflict):
			conflicts.Add(1)
		default:
			t.Error(err)
		}
	})
	if recorded.Load() != 1 || duplicates.Load() != 5 || conflicts.Load() != 6 {
		t.Errorf("%d recorded, %d duplicates, %d conflicts", recorded.Load(), duplicates.Load(), conflicts.Load())
	}
	f.mustAgree()
}

func raceImport(t *testing.T, p Place) {
	f := seeded(t, p)
	const rows, files = 400, 4
	lines := make([]string, rows)
	for i := range lines {
		lines[i] = eventLine(call(fmt.Sprint("e", i), fmt.Sprint("user", i%7), now(), int64(i), 1))
	}
	var recorded, duplicates atomic.Int64
	f.atOnce(t, files, func(i int, s *usage.Service) {
		mine := append([]string(nil), lines...)
		rand.New(rand.NewPCG(7, uint64(i))).Shuffle(rows, func(a, b int) { mine[a], mine[b] = mine[b], mine[a] })
		r, err := s.Import(f.ctx, now(), strings.NewReader(strings.Join(mine, "")),
			usage.ImportOptions{Format: usage.JSONLines})
		if err != nil {
			t.Error(err)
		}
		recorded.Add(r.Recorded)
		duplicates.Add(r.Duplicates)
	})
	if recorded.Load() != rows || duplicates.Load() != rows*(files-1) || len(f.logs()) != rows {
		t.Errorf("%d recorded, %d duplicates, %d are there", recorded.Load(), duplicates.Load(), len(f.logs()))
	}
	f.mustAgree()
}

func raceSubscriptions(t *testing.T, p Place) {
	f := seeded(t, p)
	names := []string{"Pro", "Open"}
	f.atOnce(t, 6, func(i int, s *usage.Service) {
		d := s.Store.(*db.DB)
		for n := range 8 {
			var err error
			switch {
			case i >= 2:
				e := call(fmt.Sprintf("e%d-%d", i, n), "alice", date(2026, 10, 1).AddDate(0, 0, 6*n+i), 1, 1)
				_, err = s.Record(f.ctx, now(), e, usage.RecordOptions{})
			case i == 0:
				_, err = f.billing(d).ChangeSubscription(f.ctx, f.audit("race"), "alice",
					func(a plan.Account) (plan.Change, error) {
						return nextChange(a, f.plan("Pro"), f.plan(names[n%2]), n)
					})
			default:
				_, err = usage.Rerate(f.ctx, d, now().Add(time.Duration(n)), time.Time{}, time.Time{}, true)
			}
			if err != nil && !failure.Is(err, failure.Conflict) {
				t.Error(err)
			}
		}
	})
	f.mustAgree()
	account := f.account("alice")
	for _, e := range f.logs() {
		current, err := account.PlanAt(e.Time)
		f.must(err)
		if want := account.PeriodAt(e.Time).Start; !e.PeriodStart.Equal(want) || e.PlanID != current.ID {
			t.Errorf("the event of %s stands in the period %s and plan %d, want %s and %d", e.Time, e.PeriodStart, e.PlanID,
				want, current.ID)
		}
	}
	if len(f.logs()) != 32 {
		t.Errorf("%d log rows, want 32", len(f.logs()))
	}
}

// nextChange begins in the past, and ends and begins again a little later.
func nextChange(a plan.Account, first, other plan.Plan, n int) (plan.Change, error) {
	at := date(2026, 10, 7).AddDate(0, 0, 3*n)
	if a.Subscription == nil || a.Subscription.StatusAt(at).Ended() {
		return a.Subscribe(plan.Order{Plan: first, Cycle: plan.Monthly, Start: at, AutoRenew: true}, at)
	}
	if n%3 == 2 {
		return a.Cancel(false, at)
	}
	return a.ChangePlan(other, at)
}

// racePlans has a plan whose price is its only limit: who reads one reads the other with it.
func racePlans(t *testing.T, p Place) {
	f := seeded(t, p)
	pro := f.plan("Pro")
	save := func(d *db.DB, n int64) error {
		changed := pro
		changed.Monthly, changed.Limits = pricing.USD(n),
			[]plan.Limit{{Name: "same", Meter: plan.Calls, Max: n, Action: plan.Block}}
		return d.ChangePlans(f.ctx, f.auditAt(now().Add(time.Duration(n)*time.Second), "race"),
			func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
				return plan.Plans{changed}, nil, nil
			})
	}
	f.must(save(f.db, 0))
	var done atomic.Bool
	f.atOnce(t, 5, func(i int, s *usage.Service) {
		if i == 0 {
			defer done.Store(true)
			for n := range int64(40) {
				if err := save(s.Store.(*db.DB), 1+n); err != nil {
					t.Error(err)
				}
			}
			return
		}
		for !done.Load() {
			err := s.Store.Update(f.ctx, []string{fmt.Sprint("user", i)}, now(), func(tx usage.Tx) error {
				accounts, err := tx.Accounts(f.ctx, []string{"alice"})
				if err != nil {
					return err
				}
				if got, err := accounts["alice"].Plans.Find("Pro"); err != nil || len(got.Limits) != 1 ||
					got.Limits[0].Max != int64(got.Monthly) {
					t.Errorf("of the price %d are the limits %v: %v", got.Monthly, got.Limits, err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func raceCreate(t *testing.T, p Place) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	var made atomic.Int64
	handles := make([]*db.DB, 6)
	for i := range handles {
		wg.Go(func() {
			<-start
			d, before, after, err := db.Create(t.Context(), p.Target)
			if err != nil || after != db.SchemaVersion {
				t.Errorf("from %d to %d: %v", before, after, err)
				return
			}
			handles[i] = d
			made.Add(1)
		})
	}
	close(start)
	wg.Wait()
	for _, d := range handles {
		if d != nil {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if made.Load() != int64(len(handles)) {
		return
	}
	f := &fixture{TB: t, ctx: t.Context(), place: p, db: p.Open(t)}
	f.service = &usage.Service{Store: f.db}
	f.seed()
	f.record(call("e1", "alice", now(), 1, 1))
	f.mustAgree()
}

func raceNewUsers(t *testing.T, p Place) {
	f := seeded(t, p)
	users := []string{"a", "b", "c", "d", "Z", "é"}
	f.atOnce(t, 8, func(i int, s *usage.Service) {
		mine := append([]string(nil), users...)
		rand.New(rand.NewPCG(3, uint64(i))).Shuffle(len(mine), func(a, b int) { mine[a], mine[b] = mine[b], mine[a] })
		err := s.Store.Update(f.ctx, mine, now(), func(usage.Tx) error { return nil })
		if err != nil && !errors.Is(err, f.ctx.Err()) {
			t.Error(err)
		}
	})
	if n := f.count("users"); n != len(users) {
		t.Errorf("%d users", n)
	}
}
