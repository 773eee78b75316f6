package dbtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

func reconcileTests() []test {
	return []test{
		{"reconcile/finds and mends every kind of tampering", tamperings},
		{"reconcile/says when there is more than it lists", manyDiscrepancies},
		{"reconcile/of an empty database", reconcileEmpty},
	}
}

func tamperings(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 6 {
		e := call(fmt.Sprint("e", i), "alice", now().AddDate(0, -(i%2), 0), 10, 5)
		if i%3 == 0 {
			e.Provider, e.Model = "openai", "gpt-4o"
		}
		f.record(e)
	}
	f.record(call("b", "bob", now(), 1, 1))
	want := []map[string]string{f.stored("usage_summaries", "user_id, period_start, provider, vendor, model"),
		f.stored("usage_daily", "day, user_id, plan_id, provider, vendor, model")}
	for _, table := range []string{"usage_summaries", "usage_daily"} {
		insert := "INSERT INTO " + table + " (" +
			map[string]string{"usage_summaries": "user_id, period_start", "usage_daily": "day, user_id, plan_id"}[table] +
			", provider, vendor, model, " + sumColumns + ")"
		tampering := map[string]string{
			"a missing total": "DELETE FROM " + table + " WHERE user_id = 'bob'",
			"a superfluous total of another user": insert + " SELECT " +
				map[string]string{"usage_summaries": "'mallory', period_start", "usage_daily": "day, 'mallory', plan_id"}[table] +
				", provider, vendor, model, " + sumColumns + " FROM " + table + " WHERE user_id = 'bob'",
			"a superfluous total of another model": insert + " SELECT " +
				map[string]string{"usage_summaries": "user_id, period_start", "usage_daily": "day, user_id, plan_id"}[table] +
				", provider, vendor, 'other', " + sumColumns + " FROM " + table + " WHERE user_id = 'bob'",
			"an emptied table": "DELETE FROM " + table,
		}
		for column := range strings.SplitSeq(sumColumns, ", ") {
			tampering["a changed "+column] = "UPDATE " + table + " SET " + column + " = COALESCE(" + column +
				", 0) + 1 WHERE user_id = 'bob'"
		}
		for name, statement := range tampering {
			f.exec(statement)
			found, err := f.db.Reconcile(f.ctx, false)
			f.must(err)
			if len(found.Discrepancies) == 0 || found.Repaired || found.More {
				t.Errorf("%s: %s is not found: %+v", table, name, found)
			}
			for _, d := range found.Discrepancies {
				if d.Table != table || d.Log == d.Stored || d.Key == "" {
					t.Errorf("%s: %s is found as %+v", table, name, d)
				}
			}
			repaired, err := f.db.Reconcile(f.ctx, true)
			f.must(err)
			if !repaired.Repaired || len(repaired.Discrepancies) != len(found.Discrepancies) {
				t.Errorf("%s: %s is repaired as %+v", table, name, repaired)
			}
			wantEqual(t, "usage_summaries", f.stored("usage_summaries", "user_id, period_start, provider, vendor, model"),
				want[0])
			wantEqual(t, "usage_daily", f.stored("usage_daily", "day, user_id, plan_id, provider, vendor, model"), want[1])
		}
	}
	// A changed log row is a difference of both.
	f.exec("UPDATE api_usage_logs SET cost_pico = cost_pico + 1 WHERE event_id = 'b'")
	found, err := f.db.Reconcile(f.ctx, false)
	f.must(err)
	if len(found.Discrepancies) != 2 {
		t.Errorf("a changed log row: %+v", found.Discrepancies)
	}
	if again, err := f.db.Reconcile(f.ctx, true); err != nil || !again.Repaired {
		t.Errorf("%+v, %v", again, err)
	}
	f.mustAgree()
	if clean, err := f.db.Reconcile(f.ctx, true); err != nil || clean.Repaired || len(clean.Discrepancies) != 0 {
		t.Errorf("with nothing to do it says %+v, %v", clean, err)
	}
}

func manyDiscrepancies(t *testing.T, p Place) {
	f := seeded(t, p)
	var entries []usage.Entry
	for i := range usage.MostDiscrepancies + 1 {
		e := bareEntry()
		e.ID, e.UserID, e.Quantities = fmt.Sprint("e", i), fmt.Sprint("user", i), tokens(1)
		entries = append(entries, e)
	}
	f.append(entries...)
	for _, tampered := range []int{usage.MostDiscrepancies, usage.MostDiscrepancies + 1} {
		f.exec("UPDATE usage_daily SET images = 0")
		f.exec("UPDATE usage_daily SET images = 1 WHERE user_id <> 'user0' OR " +
			fmt.Sprint(tampered > usage.MostDiscrepancies))
		r, err := f.db.Reconcile(f.ctx, false)
		f.must(err)
		if len(r.Discrepancies) != usage.MostDiscrepancies || r.More != (tampered > usage.MostDiscrepancies) {
			t.Errorf("of %d it lists %d, and says there are more: %t", tampered, len(r.Discrepancies), r.More)
		}
	}
	_, err := f.db.Reconcile(f.ctx, true)
	f.must(err)
	f.mustAgree()
}

func reconcileEmpty(t *testing.T, p Place) {
	f := empty(t, p)
	for _, repair := range []bool{false, true} {
		r, err := f.db.Reconcile(f.ctx, repair)
		f.must(err)
		if r.LogRows != 0 || len(r.Discrepancies) != 0 || r.Repaired {
			t.Errorf("%+v", r)
		}
	}
}
