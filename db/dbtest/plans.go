package dbtest

import (
	"errors"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func planTests() []test {
	return []test{
		{"plans/everything comes back", plansRoundTrip},
		{"plans/the default catalogue comes back", planCatalogueRoundTrip},
		{"plans/are withdrawn and brought back under the same id", planWithdrawn},
		{"plans/what they were comes back", planPast},
		{"plans/one that is saved alone keeps its place", planPlaces},
		{"plans/a failing change saves nothing", planChangeFails},
		{"plans/subscribers are counted", planSubscribers},
		{"plans/without a default plan nobody is served", noDefaultPlan},
	}
}

func plansRoundTrip(t *testing.T, p Place) {
	f := empty(t, p)
	want := smallPlans()
	want[0].Overage = plan.OverageAllow
	want[1].Overage, want[1].MarkupMillionths = plan.OverageAllow, 100_000_000
	want[1].Monthly, want[1].Limits[0].Max = 1<<63-1, 1<<63-1
	want[0].Rates = plan.Rates{RequestsPerMinute: 1, ParallelCalls: 1<<63 - 1}
	want[1].Rates = plan.Rates{TokensPerMinute: pricing.MaxQuantity}
	f.savePlans(want...)
	got, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	if p, err := f.account("alice").PlanAt(now()); err != nil || !p.Equal(want[0]) {
		t.Errorf("decisions are made by %+v, %v\nwant %+v", p, err, want[0])
	}
	for i, g := range got {
		if !g.Equal(want[i]) || g.Source != want[i].Source || g.ID == 0 {
			t.Errorf("got  %+v\nwant %+v", g, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d plans came back of %d", len(got), len(want))
	}
}

func planCatalogueRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	catalogue, err := plan.DefaultCatalogue(book.Providers)
	f.must(err)
	for i := range catalogue {
		catalogue[i].Source = pricing.FromCatalogue
	}
	f.savePlans(catalogue...)
	have, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	if seeding := plan.Seed(catalogue, pricing.FromCatalogue, have); seeding.Unchanged != len(catalogue) {
		t.Errorf("seeding again would save %v", seeding.Save.Names())
	}
}

func planPlaces(t *testing.T, p Place) {
	f := seeded(t, p)
	before, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	last := before[len(before)-1]
	last.Description = "changed"
	f.savePlans(last)
	added := last
	added.ID, added.Name, added.Tier = 0, "Added", "added"
	f.savePlans(added)
	after, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	wantEqual(t, "the order", after.Names(), append(before.Names(), "Added"))
	reversed := plan.Plans{added, last, before[0], before[1]}[:len(before)+1]
	f.savePlans(reversed...)
	after, _, err = f.db.Plans(f.ctx, now())
	f.must(err)
	wantEqual(t, "the order of the whole list", after.Names(), reversed.Names())
}

func planWithdrawn(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", now().AddDate(0, -1, 0), now())
	pro := f.plan("Pro")
	f.must(f.db.ChangePlans(f.ctx, f.audit("test"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return nil, []int64{pro.ID}, nil
	}))
	offered, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	wantEqual(t, "on offer", offered.Names(), []string{"Free", "Open"})
	if got, err := f.account("alice").PlanAt(now()); err != nil || got.ID != pro.ID || len(got.Limits) != len(pro.Limits) {
		t.Errorf("a subscriber is on %+v, %v", got, err)
	}
	changed := pro
	changed.ID, changed.Name, changed.Limits = 0, "Professional", pro.Limits[:1]
	f.savePlans(changed)
	if got := f.plan("Professional"); got.ID != pro.ID || len(got.Limits) != 1 {
		t.Errorf("the plan came back as %+v, want the id %d", got, pro.ID)
	}
}

// planPast changes a plan at several moments, also while it is withdrawn and from a clock
// that has gone back.
func planPast(t *testing.T, p Place) {
	f := seeded(t, p)
	first := f.plan("Pro")
	save := func(at time.Time, p plan.Plan) plan.Plan {
		f.must(f.db.ChangePlans(f.ctx, f.auditAt(at, "test"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
			return plan.Plans{p}, nil, nil
		}))
		return p
	}
	holds := func(name string, at time.Time, want plan.Plan) {
		t.Helper()
		for from, account := range map[string]plan.Plans{"its plans": {f.plan("Pro")},
			"decisions": f.account("alice").Plans} {
			pro, err := account.Find("Pro")
			f.must(err)
			if got := pro.At(at); !got.Figures.Equal(want.Figures) {
				t.Errorf("%s, by %s: got %+v, want %+v", name, from, got, want)
			}
		}
	}
	dearer := first
	dearer.Monthly, dearer.Yearly, dearer.Overage, dearer.MarkupMillionths = first.Monthly+1, first.Yearly+2,
		plan.OverageAllow, 3
	dearer.Rates = plan.Rates{RequestsPerMinute: 1, TokensPerMinute: 2, ParallelCalls: 3}
	dearer.Limits = []plan.Limit{{Name: "odd", Meter: plan.Cost, Max: 1<<63 - 1, Action: plan.Warn,
		Scope: plan.Scope{Providers: []string{"gemini"}, Vendors: []string{"google"}}},
		{Name: "none", Meter: plan.Tokens, Unlimited: true, Action: plan.Block}}
	bare := first
	bare.Limits = nil
	day := func(d int) time.Time { return date(2026, 5, d) }
	described := save(day(1), dearer)
	described.Description = "another"
	save(day(2), described) // keeps the figures
	save(day(3), bare)
	f.must(f.db.ChangePlans(f.ctx, f.auditAt(day(4), "test"),
		func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
			return nil, []int64{first.ID}, nil
		}))
	save(day(5), dearer)
	holds("before all", time.Time{}, first)
	holds("until the change", day(1).Add(-time.Microsecond), first)
	holds("from it on", day(1), dearer)
	holds("until the next", day(3).Add(-time.Microsecond), dearer)
	holds("without limits", day(3), bare)
	holds("while withdrawn", day(5).Add(-time.Microsecond), bare)
	holds("now", day(5), dearer)
	if got := f.plan("Pro"); len(got.Past) != 3 {
		t.Errorf("it was changed to %+v, want 3", got.Past)
	}
	save(day(2), bare) // the clock was ahead before
	holds("until the clock went back", day(2).Add(-time.Microsecond), dearer)
	holds("since then", day(2), bare)
	holds("later", day(9), bare)
}

func planChangeFails(t *testing.T, p Place) {
	f := seeded(t, p)
	boom := errors.New("boom")
	err := f.db.ChangePlans(f.ctx, f.audit("test"), func(have plan.Plans, _ map[int64]int) (plan.Plans, []int64, error) {
		return plan.Plans{{Name: "New", Tier: "new", Source: pricing.FromFile}}, nil, boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of the function", err)
	}
	twice := plan.Plan{Name: "New", Tier: "new", Source: pricing.FromFile,
		Figures: plan.Figures{Limits: []plan.Limit{{Name: "a", Meter: plan.Calls, Action: plan.Block},
			{Name: "a", Meter: plan.Calls, Action: plan.Block}}}}
	err = f.db.ChangePlans(f.ctx, f.audit("test"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return plan.Plans{twice}, nil, nil
	})
	if err == nil {
		t.Error("a plan with the same limit twice was saved")
	}
	offered, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	wantEqual(t, "on offer", offered.Names(), smallPlans().Names())
}

func planSubscribers(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, user := range []string{"alice", "bob"} {
		f.subscribe(user, "Pro", now(), now())
	}
	f.change("bob", now(), func(a plan.Account) (plan.Change, error) { return a.Cancel(false, now()) })
	_, subscribers, err := f.db.Plans(f.ctx, now())
	f.must(err)
	if n := subscribers[f.plan("Pro").ID]; n != 1 {
		t.Errorf("Pro has %d subscribers, want 1: one has ended", n)
	}
	f.must(f.db.ChangePlans(f.ctx, f.audit("test"), func(_ plan.Plans, counts map[int64]int) (plan.Plans, []int64, error) {
		wantEqual(t, "subscribers", counts, subscribers)
		return nil, nil, nil
	}))
}

func noDefaultPlan(t *testing.T, p Place) {
	f := seeded(t, p)
	free := f.plan("Free")
	f.must(f.db.ChangePlans(f.ctx, f.audit("test"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return nil, []int64{free.ID}, nil
	}))
	_, err := f.service.Check(f.ctx, now(), callOf(call("", "alice", now(), 1, 1)))
	wantFailure(t, err, "unavailable", "not_initialized")
}
