package dbtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func rerateTests() []test {
	return []test{
		{"rerate/prices what had none, keeps history and adjusts the totals", reratePrices},
		{"rerate/a dry run changes nothing", rerateDry},
		{"rerate/twice at the same moment", rerateTwice},
		{"rerate/of rows that have moved or were rated meanwhile", rerateStale},
		{"rerate/more rows than one batch", rerateManyRows},
		{"rerate/a fix that was cut off is completed", fixCutOff},
		{"rerate/a price is fixed while a call is recorded by it", fixBeside},
	}
}

// fixed replaces a price that is a million times too high from its beginning, and rates calls again.
func (f *fixture) fixed() (usage.RerateResult, error) {
	right := price("wavespeed", "new-model", date(2026, 10, 1), pricing.Dollar/1_000_000, 0, 0)
	err := f.db.FixPrice(f.ctx, f.audit("pricing fix"), "of a million",
		func(book *pricing.Book) (wrong, _ pricing.Price, err error) {
			wrong, _ = book.InForce(right.Provider, right.Model, right.EffectiveFrom)
			return wrong, right, nil
		})
	if err != nil {
		return usage.RerateResult{}, err
	}
	return f.repriced()
}

// repriced rates the calls again that have, or had, a price of the model whose price is fixed.
func (f *fixture) repriced() (usage.RerateResult, error) {
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	again := usage.Repricing{Book: book, Provider: "wavespeed", Prices: map[int64]bool{}}
	for _, p := range book.History("wavespeed", "new-model") {
		again.Prices[p.ID] = true
	}
	for _, p := range book.Fixed("wavespeed", "new-model") {
		again.Prices[p.ID] = true
	}
	return (&usage.Reporter{Store: f.db, Usage: f.service}).Reprice(f.ctx, now(), again, true)
}

// tooDear is a call at that price.
func (f *fixture) tooDear() usage.Event {
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), pricing.Dollar, 0, 0))
	e := call("e", "alice", now(), 0, 0)
	e.Provider, e.Model = "wavespeed", "new-model"
	return e
}

// Who was cut off before the alerts that no longer hold were withdrawn comes again.
func fixCutOff(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(f.tooDear())
	wantEqual(t, "alerts", f.alerts("alice", true), []string{"alice 2026-11 monthly_cost 100%"})
	first, err := f.fixed()
	f.must(err)
	again, err := f.repriced()
	f.must(err)
	wantEqual(t, "calls that were rated again", []int64{first.Changed, again.Changed}, []int64{1, 0})
	f.must(f.corrections().WithdrawAlerts(f.ctx, now(), again))
	wantEqual(t, "alerts", f.alerts("alice", true), nil)
	f.mustAgree()
}

// slowWriter is a storage that has something happen between what a call is decided by and its writing.
type slowWriter struct {
	usage.Store
	meanwhile func()
}

// Update implements usage.Store.
func (s slowWriter) Update(ctx context.Context, users []string, now time.Time, fn func(usage.Tx) error) error {
	return s.Store.Update(ctx, users, now, func(tx usage.Tx) error { return fn(slowTx{tx, s.meanwhile}) })
}

type slowTx struct {
	usage.Tx
	meanwhile func()
}

// Write implements usage.Tx.
func (s slowTx) Write(ctx context.Context, c usage.Changes) error {
	s.meanwhile()
	return s.Tx.Write(ctx, c)
}

func fixBeside(t *testing.T, p Place) {
	f := seeded(t, p)
	e := f.tooDear()
	f.record(call("first", "bob", now(), 0, 0)) // which makes room for those of its month
	other, fixed := *f, make(chan error, 1)
	other.db = p.Open(t)
	slow := usage.Service{Store: slowWriter{f.db, func() {
		go func() {
			_, err := other.fixed()
			fixed <- err
		}()
		select { // a fix that waits for the call needs it to go on
		case err := <-fixed:
			fixed <- err
		case <-time.After(time.Second / 2):
		}
	}}}
	_, err := slow.Record(f.ctx, now(), e, usage.RecordOptions{})
	f.must(err)
	f.must(<-fixed)
	for _, e := range f.logs() {
		if e.ID == "e" {
			wantEqual(t, "cost", e.Cost, pricing.Dollar/1_000_000)
		}
	}
	f.mustAgree()
}

// unpriced records usage that has no price, in two months, for two users.
func unpriced(t *testing.T, p Place) *fixture {
	f := seeded(t, p)
	for i := range 8 {
		e := call(fmt.Sprint("e", i), []string{"alice", "bob"}[i%2], date(2026, 10, 20).AddDate(0, 0, 4*i), 1000, 100)
		e.Provider, e.Model = "wavespeed", "new-model"
		if i == 5 {
			e.StatusCode = 500
		}
		f.record(e)
	}
	return f
}

func (f *fixture) rerate(at time.Time, apply bool) usage.RerateResult {
	f.Helper()
	r, err := usage.Rerate(f.ctx, f.db, at, time.Time{}, time.Time{}, apply)
	f.must(err)
	return r
}

func reratePrices(t *testing.T, p Place) {
	f := unpriced(t, p)
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 25), 7, 3, 2))
	r := f.rerate(now(), true)
	const cost = 7 + 3*1000 + 2*100
	if r.Read != 8 || r.Changed != 6 || r.Priced != 6 || r.After.Cmp(pricing.TotalOf(5*cost)) != 0 {
		t.Errorf("the result is %+v", r)
	}
	f.mustAgree()
	for _, e := range f.logs() {
		want := pricing.USD(cost)
		if e.Failed() || e.Time.Before(date(2026, 10, 25)) {
			want = 0
		}
		if e.Cost != want || (e.Basis == pricing.Unpriced) != e.Time.Before(date(2026, 10, 25)) ||
			(e.PriceID == 0) != (e.Basis == pricing.Unpriced) {
			t.Errorf("%s: cost %d, %s, price %d", e.ID, e.Cost, e.Basis, e.PriceID)
		}
	}
	if n := f.count("usage_reratings"); n != 6 {
		t.Errorf("the history has %d rows, want 6", n)
	}
	if again := f.rerate(now().Add(time.Hour), true); again.Changed != 0 {
		t.Errorf("again: %+v", again)
	}
	var before, after int64
	f.must(f.place.SQL.QueryRow("SELECT cost_before_pico, cost_after_pico FROM usage_reratings "+
		"WHERE event_id = 'e7'").Scan(&before, &after))
	if before != 0 || after != cost {
		t.Errorf("the history says %d and %d", before, after)
	}
}

func rerateDry(t *testing.T, p Place) {
	f := unpriced(t, p)
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), 7, 3, 2))
	before := f.logs()
	if r := f.rerate(now(), false); r.Changed != 8 || len(r.Users) != 2 {
		t.Errorf("the result is %+v", r)
	}
	wantEqual(t, "the log", f.logs(), before)
	if n := f.count("usage_reratings"); n != 0 {
		t.Errorf("the history has %d rows", n)
	}
}

// With --now two reratings may happen at the very same moment.
func rerateTwice(t *testing.T, p Place) {
	f := unpriced(t, p)
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), 7, 0, 0))
	f.rerate(now(), true)
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 2), 9, 0, 0))
	if r := f.rerate(now(), true); r.Changed != 8 {
		t.Errorf("the second time: %+v", r)
	}
	f.mustAgree()
	var before, after int64
	f.must(f.place.SQL.QueryRow("SELECT MIN(cost_before_pico), MAX(cost_after_pico) "+
		"FROM usage_reratings WHERE event_id = 'e0'").Scan(&before, &after))
	if before != 0 || after != 9 {
		t.Errorf("the history goes from %d to %d, want from 0 to 9", before, after)
	}
}

func rerateStale(t *testing.T, p Place) {
	f := unpriced(t, p)
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), 7, 0, 0))
	entries := f.logs()
	var changes []usage.Rerating
	for _, e := range entries {
		changes = append(changes, usage.Rerating{Entry: e, Cost: 7, Basis: pricing.Exact, PriceID: 1})
	}
	// Meanwhile alice gets a subscription, which moves her rows to other periods,
	// and one row of bob is rated by someone else.
	f.subscribe("alice", "Pro", date(2026, 10, 15), now())
	var other usage.Rerating
	for _, c := range changes {
		if c.Entry.ID == "e1" {
			other = c
		}
	}
	if _, err := f.db.Rerate(f.ctx, now(), []usage.Rerating{other}); err != nil {
		t.Fatal(err)
	}
	n, err := f.db.Rerate(f.ctx, now().Add(time.Second), changes)
	f.must(err)
	if n != 7 { // all without e1
		t.Errorf("%d rows were changed, want 7", n)
	}
	f.mustAgree()
	if r := f.rerate(now().Add(time.Minute), true); r.Changed == 0 {
		t.Error("running again finds nothing left to do")
	}
	f.mustAgree()
}

func rerateManyRows(t *testing.T, p Place) {
	f := seeded(t, p)
	account := plan.Account{}
	var entries []usage.Entry
	for i := range 2_100 { // all at a few moments, over the border of a batch
		e := bareEntry()
		e.ID, e.UserID, e.Provider, e.Model = fmt.Sprintf("e%d", i), fmt.Sprint("u", i%3), "wavespeed", "new-model"
		e.Time = now().Add(time.Duration(i/1500) * time.Second)
		e.PeriodStart, e.Quantities, e.StatusCode = account.PeriodAt(e.Time).Start, tokens(1), 200
		entries = append(entries, e)
	}
	f.must(f.db.Update(f.ctx, []string{"u0", "u1", "u2"}, now(),
		func(tx usage.Tx) error { return tx.Write(f.ctx, usage.Changes{Entries: entries}) }))
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), 7, 0, 0))
	if r := f.rerate(now(), true); r.Read != 2_100 || r.Changed != 2_100 || r.After.Cmp(pricing.TotalOf(7*2_100)) != 0 {
		t.Errorf("read %d, changed %d", r.Read, r.Changed)
	}
	f.mustAgree()
}
