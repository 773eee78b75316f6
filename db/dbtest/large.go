package dbtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func largeTests() []test {
	return []test{
		{"large/a total that would not fit is refused and nothing is written", largeTotal},
		{"large/neither does the sum over models and providers", largeSumOfTotals},
		{"large/a user near the limit is served and shown", largeShown},
		{"large/an import leaves out only the rows at fault", largeImport},
		{"large/moving to one period is refused where it would not fit", largeMove},
	}
}

// dear returns an event that costs so many dollars.
func dear(id, user, provider, model string, dollars int64) usage.Event {
	e := call(id, user, now(), 0, 0)
	e.Provider, e.Model, e.Quantities = provider, model, pricing.Quantities{pricing.Requests: dollars}
	return e
}

// expensive returns a database in which requests cost a dollar and nothing has a
// limit for alice.
func expensive(t *testing.T, p Place) *fixture {
	f := seeded(t, p)
	for _, model := range [][2]string{{"gemini", "one"}, {"gemini", "two"}, {"openai", "one"}} {
		f.must(f.addPrice(model[0], model[1], pricing.Beginning(), pricing.Dollar, 0, 0))
	}
	f.subscribe("alice", "Open", date(2020, 1, 1), now())
	return f
}

const million = 1_000_000

func largeTotal(t *testing.T, p Place) {
	f := expensive(t, p)
	f.record(dear("e1", "alice", "gemini", "one", 9*million))
	tables := map[string]int{}
	for _, table := range []string{"api_usage_logs", "usage_summaries", "usage_daily", "usage_alerts"} {
		tables[table] = f.count(table)
	}
	_, err := f.service.Record(f.ctx, now(), dear("e2", "alice", "gemini", "one", million), usage.RecordOptions{})
	wantFailure(t, err, failure.Invalid, "too large")
	_, err = f.service.Record(f.ctx, now(), dear("e3", "alice", "gemini", "one", 10*million), usage.RecordOptions{})
	wantFailure(t, err, failure.Invalid, "does not fit")
	for table, n := range tables {
		if got := f.count(table); got != n {
			t.Errorf("%s had %d rows and has %d", table, n, got)
		}
	}
	f.record(dear("e4", "alice", "gemini", "one", million/5))
	f.record(dear("e5", "bob", "gemini", "one", 9*million)) // everyone has a total of their own
	f.mustAgree()
}

func largeSumOfTotals(t *testing.T, p Place) {
	f := expensive(t, p)
	f.record(dear("e1", "alice", "gemini", "one", 9*million))
	for _, model := range [][2]string{{"gemini", "two"}, {"openai", "one"}} {
		_, err := f.service.Record(f.ctx, now(), dear("more", "alice", model[0], model[1], 9*million), usage.RecordOptions{})
		wantFailure(t, err, failure.Invalid, "too large")
	}
	if len(f.logs()) != 1 {
		t.Errorf("%d log rows", len(f.logs()))
	}
	f.mustAgree()
}

func largeShown(t *testing.T, p Place) {
	f := expensive(t, p)
	f.record(dear("e1", "alice", "gemini", "one", 9*million))
	f.record(dear("e2", "alice", "openai", "one", million/5))
	st, err := f.service.Show(f.ctx, "alice", now(), now())
	f.must(err)
	if st.Sum.Cost != 9_200_000*pricing.Dollar {
		t.Errorf("the sum is %s", st.Sum.Cost)
	}
	// What is held and asked for on top of it never turns the sum around.
	f.record(dear("b", "bob", "gemini", "one", 9*million))
	for _, user := range []string{"alice", "bob"} {
		for i := range 2 { // with which 64 bits turn negative
			j, err := f.service.Reserve(f.ctx, now(), callOf(dear("", user, "gemini", "one", 9*million)), fmt.Sprint(user, i),
				time.Minute)
			f.must(err)
			if j.Allowed != (user == "alice") {
				t.Errorf("%s: %+v", user, j.Verdict)
			}
		}
	}
	f.savePlans(smallPlans()...)
	f.change("alice", now(), func(a plan.Account) (plan.Change, error) { return a.ChangePlan(f.plan("Pro"), now()) })
	j, err := f.service.Check(f.ctx, now(), callOf(call("", "alice", now(), 1, 1)))
	f.must(err)
	for _, v := range j.Limits {
		if v.Used < 0 || v.Reserved < 0 {
			t.Errorf("%s: %d used, %d reserved", v.Limit.Name, v.Used, v.Reserved)
		}
	}
	f.mustAgree()
}

func largeImport(t *testing.T, p Place) {
	f := expensive(t, p)
	f.record(dear("e0", "alice", "gemini", "one", 9*million))
	var text strings.Builder
	for i := range 11_000 {
		e := call(fmt.Sprint("row", i), []string{"alice", "bob"}[i%2], now(), 1, 1)
		if i == 40 || i == 41 || i == 7_160 {
			e = dear(e.ID, "alice", "gemini", "one", million)
		}
		text.WriteString(eventLine(e))
	}
	r, rejects := f.importText(usage.JSONLines, text.String())
	if r.Read != 11_000 || r.Recorded != 10_997 || r.Rejected != 3 || strings.Count(rejects, "\n") != 3 ||
		len(r.Problems) != 3 {
		t.Errorf("the result is %+v", r)
	}
	if len(f.logs()) != 10_998 {
		t.Errorf("%d log rows", len(f.logs()))
	}
	f.mustAgree()
}

// Two periods that fit on their own become one, whose total does not.
func largeMove(t *testing.T, p Place) {
	f := seeded(t, p)
	f.must(f.addPrice("gemini", "one", pricing.Beginning(), pricing.Dollar, 0, 0))
	for i, at := range []time.Time{date(2026, 10, 20), date(2026, 11, 10)} {
		e := dear(fmt.Sprint("e", i), "bob", "gemini", "one", 9*million)
		e.Time = at
		f.record(e)
	}
	open := f.plan("Open")
	_, err := f.billing(f.db).ChangeSubscription(f.ctx, f.audit("test"), "bob", func(a plan.Account) (plan.Change, error) {
		return a.Subscribe(plan.Order{Plan: open, Cycle: "monthly", Start: date(2026, 10, 15), AutoRenew: true}, now())
	})
	wantFailure(t, err, failure.Invalid, "too large")
	if f.account("bob").Subscription != nil {
		t.Error("the subscription was saved")
	}
	f.mustAgree()
}
