package db_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// A page is read along an index that has its rows in their order, whatever the database
// knows of them: collecting and sorting them takes longer with each row of the log.
func TestPagesAreReadInOrder(t *testing.T) {
	from, to := time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
	forEach(t, func(t *testing.T, place dbtest.Place) {
		d := place.Create(t)
		e := usage.Entry{Event: usage.Event{ID: "e", UserID: "u", Provider: "p", Time: from, StatusCode: 200},
			PeriodStart: from, PlanID: 1, Basis: pricing.Exact, RecordedAt: from}
		if err := d.Update(t.Context(), []string{"u"}, from,
			func(tx usage.Tx) error { return tx.Write(t.Context(), usage.Changes{Entries: []usage.Entry{e}}) }); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]usage.LogQuery{
			"all": {}, "user": {User: "u"}, "provider": {Provider: "p"}, "model": {Model: "m"}, "ok": {Status: usage.LogOK},
			"failed": {Status: usage.LogFailed}, "unpriced": {Status: usage.LogUnpriced},
			"failed of a model":   {Model: "m", Status: usage.LogFailed},
			"a user's of a model": {User: "u", Model: "m", Status: usage.LogOK},
		} {
			q.Limit = 51
			between, after := q, q
			between.From, between.To = from, to
			after.BeforeTime, after.BeforeID = from.AddDate(0, 0, 5), "e"
			both := between
			both.BeforeTime, both.BeforeID = after.BeforeTime, "e"
			for kind, q := range map[string]usage.LogQuery{"first": q, "between": between, "after": after,
				"between, after": both} {
				lines, err := d.ExplainLogs(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				plan := strings.Join(lines, "\n")
				if strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s, %s: rows are sorted\n%s", name, kind, plan)
				}
			}
		}
	})
}
