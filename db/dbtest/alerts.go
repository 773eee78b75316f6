package dbtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

func alertTests() []test {
	return []test{
		{"alerts/everything comes back, newest first", alertsRoundTrip},
		{"alerts/once for a user, period, limit and threshold", alertsOnce},
		{"alerts/the highest threshold that an event crosses", alertsHighest},
		{"alerts/are made up for by a check", alertsChecked},
		{"alerts/are marked as read, all or none", alertsRead},
		{"alerts/those that stand are counted", alertsCounted},
	}
}

func alert(user, limit string, threshold int) usage.Alert {
	return usage.Alert{UserID: user, PeriodStart: date(2026, 11, 1), Threshold: threshold, Used: 1<<63 - 1, EventID: "e-ü",
		CreatedAt: now(),
		Limit:     plan.Limit{Name: limit, Meter: plan.Cost, Max: 1<<63 - 1, Action: plan.Warn}}
}

func (f *fixture) addAlerts(alerts ...usage.Alert) int {
	f.Helper()
	added := 0
	var users []string
	for _, a := range alerts {
		users = append(users, a.UserID)
	}
	f.must(f.db.Update(f.ctx, users, now(), func(tx usage.Tx) error {
		n, err := tx.AddAlerts(f.ctx, alerts)
		added = n
		return err
	}))
	return added
}

// alerts returns alerts as texts, newest first.
func (f *fixture) alerts(user string, unread bool) []string {
	f.Helper()
	found, err := f.db.Alerts(f.ctx, usage.AlertQuery{User: user, Unread: unread, Limit: usage.PageSize})
	f.must(err)
	var texts []string
	for _, a := range found {
		texts = append(texts, fmt.Sprintf("%s %s %s %d%%", a.UserID, a.PeriodStart.Format("2006-01"), a.Limit.Name,
			a.Threshold))
	}
	return texts
}

func alertsRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	want := alert("zoë", "cost", 80)
	want.PeriodEnd, want.Overage = date(2026, 12, 1), true
	f.addAlerts(want, alert("bob", "cost", 90))
	found, err := f.db.Alerts(f.ctx, usage.AlertQuery{Limit: usage.PageSize})
	f.must(err)
	if len(found) != 2 || found[0].UserID != "bob" || found[0].ID <= found[1].ID {
		t.Fatalf("the alerts are %+v", found)
	}
	want.ID = found[1].ID
	wantEqual(t, "the alert", found[1], want)
	if older := found[0]; !older.PeriodEnd.IsZero() || older.Overage {
		t.Errorf("the alert without a period's end is %+v", older)
	}
	wantEqual(t, "of one user", f.alerts("zoë", false), []string{"zoë 2026-11 cost 80%"})
	wantEqual(t, "of nobody", f.alerts("carol", false), nil)
}

func alertsOnce(t *testing.T, p Place) {
	f := seeded(t, p)
	a := alert("alice", "calls", 80)
	nextPeriod, otherLimit, otherUser := a, alert("alice", "tokens", 80), alert("bob", "calls", 80)
	nextPeriod.PeriodStart = date(2026, 12, 1)
	if n := f.addAlerts(a, a, nextPeriod, otherLimit, otherUser, alert("alice", "calls", 90)); n != 5 {
		t.Errorf("%d alerts are new, want 5", n)
	}
	a.Used, a.EventID = 5, "later"
	if n := f.addAlerts(a, otherUser); n != 0 {
		t.Errorf("%d alerts are new, want 0", n)
	}
	fresh, another := alert("bob", "calls", 100), alert("alice", "new", 80)
	if n := f.addAlerts(a, fresh, otherUser, another, fresh); n != 2 {
		t.Errorf("%d alerts are new, want the 2 between others that are there", n)
	}
}

func alertsHighest(t *testing.T, p Place) {
	f := seeded(t, p)
	for range 7 {
		f.record(call("", "alice", now(), 1, 1))
	}
	wantEqual(t, "at 70%", f.alerts("alice", false), []string{"alice 2026-11 gemini_calls 80%"}) // 7 of 8
	e := call("jump", "alice", now(), 1, 1)
	e.Quantities[0] = 3
	f.record(e) // text_calls from 70% to 100%, gemini_calls from 87% to 125%
	wantEqual(t, "at 100%", f.alerts("alice", false), []string{
		"alice 2026-11 gemini_calls 100%", "alice 2026-11 text_calls 100%", "alice 2026-11 gemini_calls 80%"})
	f.record(call("", "alice", now(), 1, 1))
	f.record(e) // a duplicate
	if n := len(f.alerts("", false)); n != 3 {
		t.Errorf("%d alerts, want 3", n)
	}
	f.record(call("", "alice", date(2026, 12, 1), 1, 1))
	if n := len(f.alerts("", false)); n != 3 {
		t.Errorf("%d alerts in a new period, want still 3", n)
	}
}

func alertsChecked(t *testing.T, p Place) {
	f := seeded(t, p)
	f.service.Thresholds = nil
	for range 9 {
		f.record(call("", "alice", now(), 1, 1))
	}
	f.service.Thresholds = []int{100, 50, 90}
	check := func(want int) {
		t.Helper()
		n, err := f.service.CheckAlerts(f.ctx, now(), []string{"alice", "bob"})
		if err != nil || n != want {
			t.Errorf("%d alerts are new, %v; want %d", n, err, want)
		}
	}
	check(2)
	check(0)
	wantEqual(t, "made up for", f.alerts("", false),
		[]string{"alice 2026-11 gemini_calls 100%", "alice 2026-11 text_calls 90%"})
	f.service.Thresholds = []int{40}
	check(2)
}

func alertsRead(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("alice", "a", 80), alert("alice", "b", 80), alert("bob", "a", 80))
	found, err := f.db.Alerts(f.ctx, usage.AlertQuery{Limit: usage.PageSize})
	f.must(err)
	missing, err := f.db.MarkRead(f.ctx, f.auditAt(now(), "alerts read"), []int64{found[0].ID, 777, found[1].ID, 999})
	f.must(err)
	wantEqual(t, "missing", missing, []int64{777, 999})
	if n := len(f.alerts("", true)); n != 3 {
		t.Errorf("%d alerts are unread, want all 3", n)
	}
	for _, at := range []time.Time{now(), now().Add(time.Hour)} { // the first reading counts
		missing, err = f.db.MarkRead(f.ctx, f.auditAt(at, "alerts read"), []int64{found[0].ID, found[1].ID})
		if err != nil || missing != nil {
			t.Errorf("missing %v, %v", missing, err)
		}
	}
	wantEqual(t, "unread", f.alerts("", true), []string{"alice 2026-11 a 80%"})
	wantEqual(t, "unread of bob", f.alerts("bob", true), nil)
	found, err = f.db.Alerts(f.ctx, usage.AlertQuery{User: "bob", Limit: usage.PageSize})
	f.must(err)
	if len(found) != 1 || !found[0].ReadAt.Equal(now()) {
		t.Errorf("bob's alerts are %+v", found)
	}
	noted, err := f.db.Audit(f.ctx, 0, 2)
	f.must(err)
	for i, want := range []string{"user bob", "user alice"} { // each once, whoever reads them again
		if n := noted[i]; n.Action != "alerts read" || n.Subject != want || n.Actor != "tester" || !n.At.Equal(now()) {
			t.Errorf("the audit log has %+v", n)
		}
	}
	_, err = f.db.MarkRead(f.ctx, usage.Audit{At: now(), Actor: "user alice"}, []int64{found[0].ID - 2})
	f.must(err)
	last, err := f.db.Audit(f.ctx, 0, 1)
	f.must(err)
	wantEqual(t, "the audit log after a user has read its own", last, noted[:1])
}
