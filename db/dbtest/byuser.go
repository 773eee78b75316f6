package dbtest

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// logsByNumber reads pages of a user's log by how many rows come before them.
func logsByNumber(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, id := range []string{"a", "b", "c", "d", "e"} { // b and c of one moment
		e := call(id, "alice", now().Add(-time.Duration(5-max(i, 2))*time.Hour), 10, 5)
		if id == "d" {
			e.StatusCode = 500
		}
		f.record(e)
	}
	f.record(call("other", "bob", now(), 10, 5))
	f.record(call("gone", "alice", now(), 10, 5))
	f.void("gone")
	reports := &usage.Reporter{Store: f.db, Usage: f.service}
	read := func(q usage.LogPageQuery) usage.LogPage {
		t.Helper()
		q.User = "alice"
		page, err := reports.LogPage(f.ctx, q)
		f.must(err)
		return page
	}
	for _, tt := range []struct {
		name  string
		query usage.LogPageQuery
		want  []string
		total int64
		more  bool
	}{
		{"all", usage.LogPageQuery{Limit: 10}, []string{"e", "d", "c", "b", "a"}, 5, false},
		{"the first page", usage.LogPageQuery{Limit: 2}, []string{"e", "d"}, 5, true},
		{"the last page", usage.LogPageQuery{Limit: 2, Offset: 4}, []string{"a"}, 5, false},
		{"beyond", usage.LogPageQuery{Limit: 2, Offset: 9}, nil, 5, false},
		{"failed", usage.LogPageQuery{Limit: 2, Status: usage.LogFailed}, []string{"d"}, 1, false},
		{"not failed", usage.LogPageQuery{Limit: 9, Status: usage.LogOK}, []string{"e", "c", "b", "a"}, 4, false},
		{"of a code", usage.LogPageQuery{Limit: 9, Code: 500}, []string{"d"}, 1, false},
		{"of providers", usage.LogPageQuery{Limit: 9, Providers: []string{"openai", "gemini"}},
			[]string{"e", "d", "c", "b", "a"}, 5, false},
		{"of another", usage.LogPageQuery{Limit: 9, Providers: []string{"openai"}}, nil, 0, false},
		{"of a time", usage.LogPageQuery{Limit: 9, From: now().Add(-2 * time.Hour), To: now().Add(-time.Hour)},
			[]string{"d"}, 1, false},
	} {
		page := read(tt.query)
		var got []string
		for _, row := range page.Rows {
			got = append(got, row.ID)
		}
		wantEqual(t, tt.name, got, tt.want)
		wantEqual(t, tt.name+", in all", page.Total, tt.total)
		wantEqual(t, tt.name+", more", page.More, tt.more)
	}
	rows, total, err := f.db.LogPage(f.ctx, usage.LogPageQuery{User: "alice", Limit: 1}, 3)
	f.must(err)
	wantEqual(t, "counted", total, 3)
	if split, err := rows[0].InputCost.Add(rows[0].OutputCost); err != nil || split != 0 || rows[0].Number == 0 {
		t.Errorf("the store splits costs, or gives no number: %+v", rows[0])
	}
	row := read(usage.LogPageQuery{Limit: 1}).Rows[0]
	wantEqual(t, "cost of tokens", row.InputCost+row.OutputCost, row.Cost)
	if row.Cost == pricing.USD(0) {
		t.Error("it costs nothing")
	}
}

// periodsOfUsers finds the periods in which a user has used something.
func periodsOfUsers(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("july", "alice", date(2026, 7, 2), 10, 5))
	f.record(call("november", "alice", now(), 10, 5))
	f.record(call("bob", "bob", date(2026, 8, 2), 10, 5))
	h, err := f.service.History(f.ctx, "alice", now())
	f.must(err)
	sum, providers := h.Total()
	wantEqual(t, "periods", len(h.Periods), 2)
	wantEqual(t, "the newest", h.Periods[0].Period.Start, date(2026, 11, 1))
	wantEqual(t, "the oldest", h.Periods[1].Period.Start, date(2026, 7, 1))
	wantEqual(t, "calls", sum.Calls, 2)
	wantEqual(t, "providers", len(providers), 1)
	nobody, err := f.service.History(f.ctx, "nobody", now())
	f.must(err)
	wantEqual(t, "periods of nobody", len(nobody.Periods), 0)
	wantEqual(t, "plan of nobody", nobody.Running.Plan.Tier, "free")
}

// alertsCounted counts the alerts that stand.
func alertsCounted(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("alice", "a", 80), alert("alice", "b", 80), alert("bob", "a", 80))
	found, err := f.db.Alerts(f.ctx, usage.AlertQuery{User: "alice", Limit: 1})
	f.must(err)
	_, err = f.db.MarkRead(f.ctx, f.auditAt(now(), "alerts read"), []int64{found[0].ID})
	f.must(err)
	f.exec("UPDATE usage_alerts SET withdrawn_at = created_at WHERE user_id = 'alice' AND limit_name = 'a'")
	counts, err := f.db.CountAlerts(f.ctx, "alice")
	f.must(err)
	wantEqual(t, "counts", counts, usage.AlertCounts{All: 1})
	standing, err := f.db.Alerts(f.ctx, usage.AlertQuery{User: "alice", Standing: true, Limit: 9})
	f.must(err)
	wantEqual(t, "standing", len(standing), 1)
	one, err := (&usage.Lists{Store: f.db}).Alert(f.ctx, found[0].ID)
	f.must(err)
	wantEqual(t, "one by its id", one.ID, found[0].ID)
}
