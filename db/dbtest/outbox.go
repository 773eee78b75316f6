package dbtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

func outboxTests() []test {
	return []test{
		{"outbox/messages are expanded once, each with the user's address", outboxExpand},
		{"outbox/a message from later waits", outboxLater},
		{"outbox/alerts become messages once, in time, or are dropped", outboxAlerts},
		{"outbox/alerts stand between messages as they came, and never beside one of the same", outboxAlertsInOrder},
		{"outbox/urgent first, then who waits longest, of one channel and recipient", outboxOrder},
		{"outbox/a claim holds until it runs out, or is given back", outboxClaims},
		{"outbox/what is begun is begun once, and settled by its owner", outboxBegin},
		{"outbox/what is sending under a dead claim is unconfirmed", outboxExpire},
		{"outbox/many claim at once, nobody the same", outboxRace},
		{"outbox/digests are of one recipient, and go out as one", outboxDigest},
		{"outbox/a digest is about one user, whose address others may share", outboxSharedAddress},
		{"outbox/is moved all or none, digests whole", outboxMoves},
		{"outbox/what was written before a moment is dropped, seen or not", outboxDropBefore},
		{"outbox/what is left of a digest whose old part is dropped still goes out", outboxDropOfDigest},
		{"outbox/mails wait for a server to be configured, but not for ever", outboxWithoutServer},
		{"outbox/messages that wait are read by kind, skipped and rewritten", outboxWaiting},
		{"outbox/is summed up", outboxState},
	}
}

// addNotifications adds a notification for each key, for the user that it begins with.
func (f *fixture) addNotifications(at time.Time, keys ...string) {
	f.Helper()
	var notifications []usage.Notification
	for _, key := range keys {
		notifications = append(notifications, usage.Notification{Key: key, Kind: usage.BillReady, UserID: key[:1], At: at,
			Data: map[string]string{"number": "7", "plan": `ü"\<`}})
	}
	f.must(f.db.Update(f.ctx, nil, at, func(tx usage.Tx) error { return tx.AddNotifications(f.ctx, notifications) }))
}

// mails adds messages that are expanded, each to a mail; those whose key ends with ! are
// urgent.
func (f *fixture) mails(at time.Time, keys ...string) {
	f.Helper()
	f.addNotifications(at, keys...)
	_, err := f.db.Expand(f.ctx, at, 1000, func(m notify.Message) []notify.Delivery {
		return []notify.Delivery{{Channel: notify.Email, Recipient: m.UserID + "@example.com", Audience: notify.ToUser,
			Status:      notify.Waiting,
			NextAttempt: m.At, Urgent: m.Key[len(m.Key)-1] == '!'}}
	})
	f.must(err)
}

func claimOf(by string, at time.Time, limit int) notify.Claim {
	return notify.Claim{By: by, Now: at, Until: at.Add(time.Hour), Channel: notify.Email, Limit: limit}
}

// claim claims and returns the keys, those of a digest with a plus between them.
func (f *fixture) claim(c notify.Claim) []string {
	f.Helper()
	batches, err := f.db.Claim(f.ctx, c)
	f.must(err)
	var found []string
	for _, p := range batches {
		keys := p.First().Message.Key
		for _, d := range p.Deliveries[1:] {
			keys += "+" + d.Message.Key
		}
		found = append(found, keys)
	}
	return found
}

// deliveries returns every delivery as id, key and status.
func (f *fixture) deliveries() []string {
	f.Helper()
	found, err := f.db.Deliveries(f.ctx, notify.DeliveryQuery{Limit: 1000})
	f.must(err)
	slices.Reverse(found)
	var texts []string
	for _, d := range found {
		texts = append(texts, fmt.Sprintf("%d %s %s %d", d.ID, d.Message.Key, d.Status, d.Attempts))
	}
	return texts
}

func outboxExpand(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("a", "Pro", now(), now())
	f.exec("UPDATE users SET email = 'a@example.com'")
	f.addNotifications(now(), "a1", "b1", "a1", "a2")
	f.addNotifications(now(), "a1")
	var seen []string
	expand := func(m notify.Message) []notify.Delivery {
		seen = append(seen, m.Key)
		same := notify.Delivery{Channel: notify.Webhook, Recipient: "w", Audience: notify.ToProgram, Status: notify.Waiting,
			NextAttempt: m.At}
		return []notify.Delivery{same, same}
	}
	for _, want := range []int{2, 1, 0} {
		if n, err := f.db.Expand(f.ctx, now(), 2, expand); n != want {
			t.Errorf("%d messages expanded (%v), want %d", n, err, want)
		}
	}
	wantEqual(t, "messages", seen, []string{"a1", "b1", "a2"})
	if n := f.count("outbox_deliveries"); n != 3 {
		t.Errorf("there are %d deliveries", n)
	}
	found, err := f.db.Deliveries(f.ctx, notify.DeliveryQuery{Limit: 10, Status: notify.Waiting})
	f.must(err)
	d := found[len(found)-1]
	if d.Message.Key != "a1" || d.Message.Email != "a@example.com" || d.Message.Data["plan"] != `ü"\<` ||
		d.Channel != notify.Webhook || d.Recipient != "w" ||
		d.Audience != notify.ToProgram || !d.Message.At.Equal(now()) || !d.NextAttempt.Equal(now()) || !d.SentAt.IsZero() ||
		d.Urgent {
		t.Errorf("the delivery is %+v", d)
	}
}

func outboxLater(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a")
	f.addNotifications(now().Add(time.Second), "b")
	n, err := f.db.Expand(f.ctx, now(), 10, func(notify.Message) []notify.Delivery { return nil })
	if n != 0 || err != nil {
		t.Errorf("%d messages from later, %v", n, err)
	}
	wantEqual(t, "claimed before", f.claim(claimOf("x", now().Add(-time.Second), 10)), nil)
}

func outboxAlerts(t *testing.T, p Place) {
	f := seeded(t, p)
	hours := []int{0, 1, 0, 2} // after now, of the alerts 1 to 4
	for i, hour := range hours {
		a := alert("zoë", fmt.Sprint("limit", i+1), 80)
		a.CreatedAt = now().Add(time.Duration(hour) * time.Hour)
		if i == 2 {
			a.Threshold, a.Overage, a.PeriodEnd = 100, true, date(2026, 12, 1)
		}
		f.addAlerts(a)
	}
	var told []notify.Message
	expand := func(hour, want int) {
		t.Helper()
		n, err := f.db.Expand(f.ctx, now().Add(time.Duration(hour)*time.Hour), 1, func(m notify.Message) []notify.Delivery {
			told = append(told, m)
			return nil
		})
		if n != want || err != nil {
			t.Errorf("%d messages are expanded, %v; want %d", n, err, want)
		}
	}
	waiting := func(want int64, hour int) {
		t.Helper()
		state, err := f.db.OutboxState(f.ctx, now().Add(3*time.Hour))
		f.must(err)
		if state.Unexpanded != want || !state.Oldest.Equal(now().Add(time.Duration(hour)*time.Hour)) {
			t.Errorf("%d messages wait since %v, want %d since hour %d", state.Unexpanded, state.Oldest, want, hour)
		}
	}
	waiting(4, 0)
	for _, want := range []int{1, 1, 0} { // 1 and 3
		expand(0, want)
	}
	waiting(2, 1)
	later := now().Add(2 * time.Hour)
	if n, err := f.db.DropBefore(f.ctx, f.auditAt(later, "drop"), later, "old"); n != 1 || err != nil { // 2
		t.Errorf("%d are dropped, %v", n, err)
	}
	waiting(1, 2)
	expand(1, 0)
	expand(2, 1)
	expand(3, 0)
	var keys []string
	for _, m := range told {
		keys = append(keys, string(m.Kind)+" "+m.Key)
	}
	start := "alert:2026-11-01T00:00:00Z:"
	wantEqual(t, "messages", keys, []string{"threshold_reached " + start + "80:limit1:zoë",
		"limit_reached " + start + "100:limit3:zoë", "threshold_reached " + start + "80:limit4:zoë"})
	wantEqual(t, "what is told", told[1].Data, map[string]string{"limit": "limit3", "meter": "cost", "action": "warn",
		"used": "9223372.036854775807",
		"max":  "9223372.036854775807", "percent": "100", "period_start": "2026-11-01T00:00:00Z",
		"period_end": "2026-12-01T00:00:00Z", "overage": "allow"})
	if n := f.count("usage_alerts WHERE told_at IS NULL"); n != 0 {
		t.Errorf("%d alerts are not told", n)
	}
}

func outboxAlertsInOrder(t *testing.T, p Place) {
	f := seeded(t, p)
	var told []string
	expand := func() {
		t.Helper()
		_, err := f.db.Expand(f.ctx, now().Add(time.Hour), 10, func(m notify.Message) []notify.Delivery {
			told = append(told, m.Key)
			return nil
		})
		f.must(err)
	}
	between, again := alert("zoë", "calls", 80), alert("zoë", "tokens", 80)
	between.CreatedAt = now().Add(time.Minute)
	f.addNotifications(now(), "a")
	f.addNotifications(now().Add(2*time.Minute), "b")
	f.addAlerts(between)
	expand()
	// A program of before that still runs has written a message of its own with its alert.
	f.must(f.db.Update(f.ctx, nil, now(), func(tx usage.Tx) error {
		return tx.AddNotifications(f.ctx,
			[]usage.Notification{again.Notification()})
	}))
	expand()
	f.addAlerts(again)
	expand()
	wantEqual(t, "messages", told, []string{"a", between.Notification().Key, "b", again.Notification().Key})
	if n := f.count("usage_alerts WHERE told_at IS NULL"); n != 0 {
		t.Errorf("%d alerts are not told", n)
	}
}

func outboxOrder(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now().Add(time.Minute), "a-second")
	f.mails(now(), "b-first", "c-urgent!")
	f.mails(now().Add(2*time.Minute), "d-urgent!", "e-third")
	at := now().Add(time.Hour)
	quiet := claimOf("q", at, 1)
	quiet.UrgentOnly = true
	wantEqual(t, "urgent ones", f.claim(quiet), []string{"c-urgent!"})
	other := claimOf("o", at, 10)
	other.Recipient = "e@example.com"
	wantEqual(t, "of one recipient", f.claim(other), []string{"e-third"})
	hooks := claimOf("h", at, 10)
	hooks.Channel = notify.Webhook
	wantEqual(t, "of another channel", f.claim(hooks), nil)
	wantEqual(t, "two", f.claim(claimOf("x", at, 2)), []string{"d-urgent!", "b-first"})
	wantEqual(t, "the rest", f.claim(claimOf("x", at, 2)), []string{"a-second"})
}

func outboxClaims(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a", "b")
	wantEqual(t, "claimed", f.claim(claimOf("x", now(), 1)), []string{"a"})
	wantEqual(t, "by another", f.claim(claimOf("y", now(), 5)), []string{"b"})
	wantEqual(t, "again", f.claim(claimOf("x", now(), 5)), nil)
	f.must(f.db.ReleaseClaims(f.ctx, "x"))
	wantEqual(t, "after it was given back", f.claim(claimOf("z", now(), 5)), []string{"a"})
	wantEqual(t, "after it ran out", f.claim(claimOf("w", now().Add(time.Hour), 5)), []string{"a", "b"})
	// Who has lost its claim begins nothing, and gives back nothing of others.
	f.must(f.db.ReleaseClaims(f.ctx, "z"))
	if ok, err := f.db.Begin(f.ctx, "z", 1, now(), now().Add(time.Hour)); ok || err != nil {
		t.Errorf("begun without a claim: %v", err)
	}
	if ok, err := f.db.Begin(f.ctx, "w", 1, now(), now().Add(time.Hour)); !ok || err != nil {
		t.Errorf("not begun: %v", err)
	}
}

func outboxBegin(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a", "b", "c")
	f.claim(claimOf("x", now(), 3))
	begin := func(id int64) bool {
		ok, err := f.db.Begin(f.ctx, "x", id, now(), now().Add(time.Hour))
		f.must(err)
		return ok
	}
	if !begin(1) || begin(1) || !begin(2) {
		t.Error("something is begun twice, or not")
	}
	f.must(f.db.ReleaseClaims(f.ctx, "x")) // changes nothing that has begun
	wantEqual(t, "claimed", f.claim(claimOf("y", now().Add(2*time.Hour), 3)), []string{"c"})
	f.must(f.db.Settle(f.ctx, "y", 1, notify.Result{Status: notify.Dead, At: now(), Error: "no"})) // not y's
	f.must(f.db.Settle(f.ctx, "x", 1, notify.Result{Status: notify.Sent, At: now()}))
	f.must(f.db.Settle(f.ctx, "x", 1, notify.Result{Status: notify.Dead, At: now(), Error: "too late"}))
	f.must(f.db.Settle(f.ctx, "x", 2, notify.Result{Status: notify.Waiting, At: now(), NextAttempt: now().Add(time.Minute),
		Error: "not now"}))
	f.must(f.db.Settle(f.ctx, "y", 3, notify.Result{Status: notify.Dead, At: now(), Error: "never"}))
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 a sent 1", "2 b waiting 1", "3 c dead 1"})
	wantEqual(t, "before its time", f.claim(claimOf("z", now(), 3)), nil)
	wantEqual(t, "at its time", f.claim(claimOf("z", now().Add(time.Minute), 3)), []string{"b"})
	found, err := f.db.Deliveries(f.ctx, notify.DeliveryQuery{Limit: 2})
	f.must(err)
	if len(found) != 2 || found[0].LastError != "never" || found[1].LastError != "not now" ||
		!found[1].NextAttempt.Equal(now().Add(time.Minute)) {
		t.Errorf("listed: %+v", found)
	}
	sent, err := f.db.Deliveries(f.ctx, notify.DeliveryQuery{Limit: 2, Status: notify.Sent})
	f.must(err)
	if len(sent) != 1 || !sent[0].SentAt.Equal(now()) {
		t.Errorf("sent: %+v", sent)
	}
}

func outboxExpire(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a", "b")
	f.claim(claimOf("x", now(), 2))
	for id := range int64(2) {
		if ok, err := f.db.Begin(f.ctx, "x", id+1, now(), now().Add(time.Minute)); !ok {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ after, want int }{{59, 0}, {60, 2}, {61, 0}} {
		n, err := f.db.ExpireClaims(f.ctx, now().Add(time.Duration(c.after)*time.Second))
		if n != c.want || err != nil {
			t.Errorf("time %d: %d expired, %v", i, n, err)
		}
	}
	wantEqual(t, "claimed", f.claim(claimOf("y", now().AddDate(1, 0, 0), 5)), nil)
	// A sender that was only slow still says how it ended.
	f.must(f.db.Settle(f.ctx, "x", 1, notify.Result{Status: notify.Sent, At: now()}))
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 a sent 1", "2 b unconfirmed 0"})
	// But not once a person has decided.
	if u, err := f.db.Requeue(f.ctx, f.auditAt(now(), "alerts outbox retry"), []int64{2}); u.Any() || err != nil {
		t.Fatal(u, err)
	}
	f.must(f.db.Settle(f.ctx, "x", 2, notify.Result{Status: notify.Sent, At: now()}))
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 a sent 1", "2 b waiting 0"})
}

func outboxRace(t *testing.T, p Place) {
	f := seeded(t, p)
	const many = 60
	var keys []string
	for i := range many {
		keys = append(keys, fmt.Sprintf("m%02d", i))
	}
	f.addNotifications(now(), keys...)
	begun := make([]int, many+1)
	var mutex sync.Mutex
	var work sync.WaitGroup
	for n := range 4 {
		own := p.Open(t)
		work.Go(func() {
			by := fmt.Sprint("s", n)
			if _, err := own.Expand(f.ctx, now(), 1000, func(m notify.Message) []notify.Delivery {
				return []notify.Delivery{{Channel: notify.Email, Recipient: m.Key, Audience: notify.ToUser, Status: notify.Waiting,
					NextAttempt: m.At}}
			}); err != nil {
				t.Error(err)
			}
			for {
				batches, err := own.Claim(f.ctx, claimOf(by, now(), 7))
				if err != nil {
					t.Error(err)
				}
				if len(batches) == 0 {
					return
				}
				for _, batch := range batches {
					ok, err := own.Begin(f.ctx, by, batch.ID(), now(), now().Add(time.Hour))
					if err != nil || !ok {
						t.Errorf("%d is not begun: %v", batch.ID(), err)
						continue
					}
					mutex.Lock()
					begun[batch.ID()]++
					mutex.Unlock()
					if err := own.Settle(f.ctx, by, batch.ID(), notify.Result{Status: notify.Sent, At: now()}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	work.Wait()
	if n := f.count("outbox_deliveries WHERE status = 'sent' AND attempts = 1"); n != many {
		t.Errorf("%d of %d are sent at the first attempt", n, many)
	}
	for id, n := range begun {
		if id > 0 && n != 1 {
			t.Errorf("the delivery %d was begun %d times", id, n)
		}
	}
}

func outboxDigest(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a1", "b1", "a2", "a3!", "c1")
	f.mails(now().Add(time.Hour), "a4")
	f.claim(notify.Claim{By: "y", Now: now(), Until: now().Add(time.Minute), Channel: notify.Email,
		Recipient: "c@example.com", Limit: 1})
	f.must(f.db.GroupDigests(f.ctx, now()))
	f.must(f.db.GroupDigests(f.ctx, now()))
	wantEqual(t, "claimed", f.claim(claimOf("x", now(), 9)), []string{"a3!", "a1+a2", "b1"})
	f.must(f.db.GroupDigests(f.ctx, now().Add(time.Hour))) // a4 comes too late for that digest
	if ok, err := f.db.Begin(f.ctx, "x", 1, now(), now().Add(time.Minute)); !ok {
		t.Fatal(err)
	}
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 a1 sending 0", "2 b1 waiting 0", "3 a2 sending 0",
		"4 a3! waiting 0", "5 c1 waiting 0", "6 a4 waiting 0"})
	f.must(f.db.Settle(f.ctx, "x", 1, notify.Result{Status: notify.Waiting, At: now(),
		NextAttempt: now().Add(2 * time.Hour), Error: "later"}))
	f.must(f.db.ReleaseClaims(f.ctx, "x"))
	f.must(f.db.GroupDigests(f.ctx, now().Add(2*time.Hour)))
	wantEqual(t, "claimed again", f.claim(claimOf("z", now().Add(2*time.Hour), 9)),
		[]string{"a3!", "b1", "c1", "a4", "a1+a2"})
	if ok, err := f.db.Begin(f.ctx, "z", 1, now(), now().Add(time.Minute)); !ok {
		t.Fatal(err)
	}
	f.must(f.db.Settle(f.ctx, "z", 1, notify.Result{Status: notify.Sent, At: now()}))
	if n := f.count("outbox_deliveries WHERE status = 'sent' AND digest = 1 AND attempts = 2"); n != 2 {
		t.Errorf("%d messages of the digest are sent", n)
	}
}

func outboxMoves(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a1", "a2", "b1", "c1", "d1")
	f.must(f.db.GroupDigests(f.ctx, now()))
	f.claim(claimOf("x", now(), 9))
	for batch, status := range map[int64]notify.Status{1: notify.Dead, 3: notify.Sent, 4: notify.Dead} {
		f.must(f.db.Settle(f.ctx, "x", batch, notify.Result{Status: status, At: now(), Error: "so"}))
	}
	u, err := f.db.Requeue(f.ctx, f.auditAt(now(), "alerts outbox retry"), []int64{4, 3, 77})
	f.must(err)
	wantEqual(t, "missing", u.Missing, []int64{77})
	if len(u.WrongStatus) != 1 || u.WrongStatus[0].ID != 3 || u.WrongStatus[0].Status != notify.Sent {
		t.Errorf("refused: %+v", u.WrongStatus)
	}
	before := []string{"1 a1 dead 1", "2 a2 dead 1", "3 b1 sent 1", "4 c1 dead 1", "5 d1 waiting 0"}
	wantEqual(t, "nothing is moved", f.deliveries(), before)
	u, err = f.db.Requeue(f.ctx, f.auditAt(now(), "alerts outbox retry"), []int64{2}) // takes its digest along
	if u.Any() || err != nil {
		t.Error(u, err)
	}
	u, err = f.db.Drop(f.ctx, f.auditAt(now(), "alerts outbox drop"), []int64{4, 5}, "dropped by tester")
	if u.Any() || err != nil {
		t.Error(u, err)
	}
	wantEqual(t, "moved", f.deliveries(), []string{"1 a1 waiting 0", "2 a2 waiting 0", "3 b1 sent 1", "4 c1 skipped 1",
		"5 d1 skipped 0"})
	wantEqual(t, "claimed", f.claim(claimOf("y", now(), 9)), []string{"a1+a2"})
	noted, err := f.db.Audit(f.ctx, 0, 4)
	f.must(err)
	for i, want := range []string{"drop delivery 5", "drop delivery 4", "retry delivery 2", "retry delivery 1"} {
		if n := noted[i]; n.Action+" "+n.Subject != "alerts outbox "+want || n.Actor != "tester" {
			t.Errorf("the audit log has %+v, want %s", n, want)
		}
	}
	// What had nobody to go to is looked at again.
	f.exec("UPDATE outbox_deliveries SET recipient = '' WHERE delivery_id = 5")
	u, err = f.db.Requeue(f.ctx, f.auditAt(now(), "alerts outbox retry"), []int64{5})
	if u.Any() || err != nil {
		t.Error(u, err)
	}
	n, err := f.db.Expand(f.ctx, now(), 9, func(m notify.Message) []notify.Delivery {
		return []notify.Delivery{{Channel: notify.Email, Recipient: "new@example.com", Audience: notify.ToUser,
			Status: notify.Waiting, NextAttempt: m.At}}
	})
	if n != 1 || err != nil || f.count("outbox_deliveries WHERE recipient = 'new@example.com'") != 1 {
		t.Errorf("%d messages are looked at again, %v", n, err)
	}
}

func outboxState(t *testing.T, p Place) {
	f := seeded(t, p)
	at := now().AddDate(0, 0, 3)
	state := func() notify.OutboxState {
		s, err := f.db.OutboxState(f.ctx, at)
		f.must(err)
		return s
	}
	if s := state(); s.Unexpanded != 0 || len(s.Deliveries) != 0 || !s.Oldest.IsZero() {
		t.Errorf("of nothing: %+v", s)
	}
	f.mails(now().Add(time.Hour), "a", "b", "c")
	f.addNotifications(now().Add(2*time.Hour), "d")
	s := state()
	if s.Unexpanded != 1 || s.Deliveries[notify.Waiting] != 3 || !s.Oldest.Equal(now().Add(time.Hour)) {
		t.Errorf("the outbox is %+v", s)
	}
	f.exec("UPDATE outbox_deliveries SET status = 'sent' WHERE delivery_id = 1")
	f.exec("UPDATE outbox_deliveries SET status = 'dead' WHERE delivery_id = 2")
	// What a digest holds back is not late.
	f.claim(claimOf("x", at, 1))
	f.must(f.db.Settle(f.ctx, "x", 3, notify.Result{Status: notify.Waiting, At: at, NextAttempt: at.Add(time.Hour)}))
	f.exec("UPDATE outbox_deliveries SET attempts = 0 WHERE delivery_id = 3")
	s = state()
	if s.Deliveries[notify.Dead] != 1 || s.Deliveries[notify.Waiting] != 1 || s.Deliveries[notify.Sent] != 0 ||
		!s.Oldest.Equal(now().Add(2*time.Hour)) {
		t.Errorf("the outbox is %+v", s)
	}
}

func outboxDropBefore(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a", "b")
	f.claim(claimOf("x", now(), 1))
	f.must(f.db.Settle(f.ctx, "x", 1, notify.Result{Status: notify.Sent, At: now()}))
	f.mails(now().Add(time.Hour), "c")
	f.addNotifications(now(), "d")
	untold := alert("zoë", "calls", 80)
	f.addAlerts(untold)
	for _, want := range []int{3, 0} { // b, d and the alert
		dropping := f.auditAt(now().Add(2*time.Hour), "alerts outbox drop")
		if n, err := f.db.DropBefore(f.ctx, dropping, now().Add(time.Hour), "old"); n != want {
			t.Errorf("%d are dropped (%v), want %d", n, err, want)
		}
	}
	f.addNotifications(now().Add(time.Hour), "e")
	key := untold.Notification().Key
	wantEqual(t, "deliveries", f.deliveries(),
		[]string{"1 a sent 1", "2 b skipped 0", "3 c waiting 0", "4 d skipped 0", "5 " + key + " skipped 0"})
	if f.count("outbox_deliveries WHERE last_error = 'old'") != 3 {
		t.Error("what is dropped does not say why")
	}
	expanded := func(want ...string) {
		t.Helper()
		var keys []string
		_, err := f.db.Expand(f.ctx, now().Add(time.Hour), 9, func(m notify.Message) []notify.Delivery {
			keys = append(keys, m.Key)
			return nil
		})
		f.must(err)
		wantEqual(t, "expanded", keys, want)
	}
	expanded("e")
	// One that is taken back gets the deliveries that it never had.
	retrying := f.auditAt(now().Add(time.Hour), "alerts outbox retry")
	if blocked, err := f.db.Requeue(f.ctx, retrying, []int64{4}); blocked.Any() || err != nil {
		t.Error(blocked, err)
	}
	expanded("d")
}

// Digests are dropped in part, once their first delivery and once another one. A sender
// that has claimed one before sends nothing of it.
func outboxDropOfDigest(t *testing.T, p Place) {
	f := seeded(t, p)
	later := now().Add(time.Hour)
	f.mails(now(), "a1", "a2")
	f.mails(later, "a3", "a4", "b1")
	f.mails(now(), "b2")
	f.mails(later, "b3")
	f.must(f.db.GroupDigests(f.ctx, later))
	wantEqual(t, "claimed", f.claim(claimOf("x", later, 9)), []string{"a1+a2+a3+a4", "b1+b2+b3"})
	if n, err := f.db.DropBefore(f.ctx, f.auditAt(later, "alerts outbox drop"), later, "old"); n != 3 || err != nil {
		t.Errorf("%d are dropped, %v", n, err)
	}
	for _, batch := range []int64{1, 5} {
		if ok, err := f.db.Begin(f.ctx, "x", batch, later, later.Add(time.Hour)); ok || err != nil {
			t.Errorf("%d is begun by who has read it with what is dropped, %v", batch, err)
		}
	}
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 a1 skipped 0", "2 a2 skipped 0", "3 a3 waiting 0",
		"4 a4 waiting 0", "5 b1 waiting 0", "6 b2 skipped 0", "7 b3 waiting 0"})
	// Nobody brings the others back with one.
	for _, id := range []int64{2, 3, 6} {
		if u, err := f.db.Requeue(f.ctx, f.auditAt(later, "alerts outbox retry"), []int64{id}); u.Any() || err != nil {
			t.Error(u, err)
		}
	}
	f.must(f.db.GroupDigests(f.ctx, later))
	wantEqual(t, "what is left", f.claim(claimOf("y", later, 9)), []string{"a2+a3+a4", "b1+b2+b3"})
}

func outboxSharedAddress(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addNotifications(now(), "a1", "b1", "a2", "b2")
	_, err := f.db.Expand(f.ctx, now(), 1000, func(m notify.Message) []notify.Delivery {
		mail := notify.Delivery{Channel: notify.Email, Recipient: "both@example.com", Audience: notify.ToUser,
			Status: notify.Waiting, NextAttempt: m.At}
		operators := mail
		operators.Recipient, operators.Audience = "ops@example.com", notify.ToOperators
		return []notify.Delivery{mail, operators}
	})
	f.must(err)
	f.must(f.db.GroupDigests(f.ctx, now()))
	wantEqual(t, "claimed", f.claim(claimOf("x", now(), 9)), []string{"a1+a2", "a1+b1+a2+b2", "b1+b2"})
}

func outboxWithoutServer(t *testing.T, p Place) {
	f := seeded(t, p)
	later := now().Add(time.Hour)
	f.mails(now(), "a1", "b1")
	f.mails(later, "a2")
	f.exec("UPDATE outbox_deliveries SET held = TRUE, last_error = 'in any words' WHERE delivery_id <> 2")
	f.exec("UPDATE outbox_deliveries SET status = 'sent' WHERE delivery_id = 2")
	if s, err := f.db.OutboxState(f.ctx, later); err != nil || s.Deliveries[notify.Waiting] != 2 || !s.Oldest.IsZero() {
		t.Errorf("what waits for a server is late: %+v, %v", s, err)
	}
	// Once there is a server, they wait for nothing but to be sent.
	f.must(f.db.ReleaseHeldMail(f.ctx))
	if s, err := f.db.OutboxState(f.ctx, later); err != nil || !s.Oldest.Equal(now()) {
		t.Errorf("what waits is not late: %+v, %v", s, err)
	}
	wantEqual(t, "claimed", f.claim(claimOf("x", later, 9)), []string{"a1", "a2"})
}

func outboxWaiting(t *testing.T, p Place) {
	f := seeded(t, p)
	f.mails(now(), "a1", "a2", "a3", "b1")
	f.must(f.db.GroupDigests(f.ctx, now()))
	kinds := []usage.NotificationKind{usage.PastDue, usage.BillReady}
	waiting := func(after int64, limit int) (keys []string, last int64) {
		found, err := f.db.WaitingMessages(f.ctx, kinds, after, limit)
		f.must(err)
		for _, m := range found {
			keys, last = append(keys, m.Key+m.Data["plan"]), m.ID
		}
		return keys, last
	}
	first, last := waiting(0, 1)
	rest, _ := waiting(last, 10)
	wantEqual(t, "what waits", append(first, rest...), []string{`a1ü"\<`, `a2ü"\<`, `a3ü"\<`, `b1ü"\<`})
	n, err := f.db.SkipMessages(f.ctx, []int64{last}, now(), "over")
	f.must(err)
	wantEqual(t, "skipped", n, 1)
	f.must(f.db.RewriteMessage(f.ctx, last+1, map[string]string{"plan": "é"}))
	rest, _ = waiting(0, 10)
	wantEqual(t, "what waits then", rest, []string{"a2é", `a3ü"\<`, `b1ü"\<`})
	wantEqual(t, "the deliveries", f.deliveries(), []string{"1 a1 skipped 0", "2 a2 waiting 0", "3 a3 waiting 0",
		"4 b1 waiting 0"})
	wantEqual(t, "what goes out", f.claim(claimOf("s", now(), 9)), []string{"a2", "a3", "b1"})
	kinds = kinds[:1]
	if none, _ := waiting(0, 10); len(none) != 0 {
		t.Errorf("of another kind: %v", none)
	}
}
