package dbtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func entryTests() []test {
	return []test{
		{"entries/every field comes back", entriesRoundTrip},
		{"entries/many at once", manyEntries},
		{"entries/what few calls have, among many and alone", rareAmongMany},
		{"entries/totals are the sums of the log", totalsAreSums},
		{"entries/totals of periods are kept apart", totalsOfPeriods},
		{"entries/a failing transaction leaves nothing", transactionRollsBack},
		{"entries/the same id again is a duplicate or a conflict", sameIDAgain},
		{"entries/users are known once they are seen", usersAreKnown},
		{"entries/a view reads one state", viewReadsOneState},
	}
}

// fullEntry returns an entry in which no field is its zero value.
func fullEntry() usage.Entry {
	e := usage.Entry{
		Event: usage.Event{
			ID: "id-ü-漢字-😀", UserID: "zoë \"q\" \\ 'x' %_", Provider: "gemini", Model: "Modèl/1:β", Vendor: "gøøgle",
			Time:     now(),
			Endpoint: "/v1/chat?x=1&y=ü\tz", Method: "POST", StatusCode: 503, ResponseTimeMS: pricing.MaxQuantity,
			ErrorMessage: "first line\nsecond \"line\" 💥\x01 '; DROP TABLE users; --", RetryCount: 7, Billable: true,
		},
		PeriodStart: date(2026, 11, 1), PlanID: 42, Cost: 1<<62 + 1, Basis: pricing.Default, PriceID: 1<<62 + 3,
		RecordedAt: now().Add(time.Microsecond),
	}
	for i := range e.Quantities {
		e.Quantities[i] = pricing.MaxQuantity - int64(i)
	}
	return e
}

// bareEntry returns an entry with nothing in it that may be missing.
func bareEntry() usage.Entry {
	return usage.Entry{
		Event: usage.Event{ID: "bare", UserID: "alice", Provider: "gemini", Vendor: "google",
			Time: time.Unix(0, 0).UTC(), StatusCode: 100},
		PeriodStart: date(1970, 1, 1), PlanID: 1, Basis: pricing.Unpriced,
		RecordedAt: date(9999, 12, 31).Add(24*time.Hour - time.Microsecond),
	}
}

func (f *fixture) append(entries ...usage.Entry) {
	f.Helper()
	f.must(f.db.Update(f.ctx, nil, now(), func(tx usage.Tx) error {
		return tx.Write(f.ctx,
			usage.Changes{Entries: entries})
	}))
}

func entriesRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	long := fullEntry()
	long.ID, long.UserID, long.Model = strings.Repeat("é", 127), strings.Repeat("u", 255), strings.Repeat("m", 255)
	long.Endpoint, long.ErrorMessage = strings.Repeat("e", 2_048), strings.Repeat("x", 64_000)
	want := []usage.Entry{fullEntry(), long, bareEntry()}
	f.append(want...)
	names := []string{"no such event"}
	for _, e := range want {
		names = append(names, e.ID)
	}
	var got map[string]usage.Entry
	f.must(f.db.View(f.ctx, func(r usage.Reader) (err error) {
		got, err = r.Entries(f.ctx, names)
		return err
	}))
	if len(got) != len(want) {
		t.Errorf("%d entries came back of %d", len(got), len(want))
	}
	for _, w := range want {
		wantEqual(t, "the entry", got[w.ID], w)
	}
	for i, e := range f.logs() { // newest first, of one moment what was recorded last
		wantEqual(t, "the log row", e, []usage.Entry{long, fullEntry(), bareEntry()}[i])
	}
	f.mustAgree()
}

func manyEntries(t *testing.T, p Place) {
	f := seeded(t, p)
	const n = 1_203
	var events []usage.Entry
	var users, names []string
	var keys []usage.PeriodKey
	for i := range n {
		e := bareEntry()
		e.ID, e.UserID, e.Quantities = fmt.Sprint("e", i), fmt.Sprint("user", i), tokens(int64(i))
		events = append(events, e)
		users, names = append(users, e.UserID), append(names, e.ID)
		keys = append(keys, usage.NewPeriodKey(e.UserID, e.PeriodStart))
	}
	slices.Reverse(users)
	f.must(f.db.Update(f.ctx, users, now(), func(tx usage.Tx) error {
		return tx.Write(f.ctx,
			usage.Changes{Entries: events})
	}))
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		entries, err := r.Entries(f.ctx, names)
		f.must(err)
		accounts, err := r.Accounts(f.ctx, users)
		f.must(err)
		totals, err := r.Totals(f.ctx, keys)
		f.must(err)
		held, err := r.Held(f.ctx, users, now())
		f.must(err)
		if len(entries) != n || len(accounts) != n || len(totals) != n || len(held) != 0 {
			t.Errorf("%d entries, %d accounts, %d totals, %d holds", len(entries), len(accounts), len(totals), len(held))
		}
		for i, key := range keys {
			if rows := totals[key]; len(rows) != 1 || rows[0].InputTokens != int64(i) {
				t.Fatalf("the totals of %s are %+v", key.UserID, rows)
			}
		}
		return nil
	}))
	f.mustAgree()
}

// Rows are written with the columns that few calls have, or without them where no row of a part has any.
func rareAmongMany(t *testing.T, p Place) {
	f := seeded(t, p)
	set := map[string]func(e *usage.Entry){
		"nothing":  func(*usage.Entry) {},
		"a part":   func(e *usage.Entry) { e.Quantities[pricing.ReasoningTokens] = 1 },
		"a tier":   func(e *usage.Entry) { e.ServiceTier = "batch" },
		"reported": func(e *usage.Entry) { e.Reported.Given = true }, // a cost of 0, which is not none
	}
	var names []string
	want := map[string]usage.Entry{}
	add := func(n int, last string) {
		part := make([]usage.Entry, n)
		for i := range part {
			part[i] = bareEntry()
			part[i].ID, part[i].Quantities = fmt.Sprint("e", len(names)+i), tokens(int64(i))
		}
		set[last](&part[n-1])
		for _, e := range part {
			names, want[e.ID] = append(names, e.ID), e
		}
		f.append(part...)
	}
	for last := range set {
		add(1, last)
	}
	add(1_100, "nothing")
	add(1_100, "reported")
	var got map[string]usage.Entry
	f.must(f.db.View(f.ctx, func(r usage.Reader) (err error) {
		got, err = r.Entries(f.ctx, names)
		return err
	}))
	for name, w := range want {
		wantEqual(t, "the entry "+name, got[name], w)
	}
	f.mustAgree()
}

func totalsAreSums(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 11, 10), date(2026, 11, 10))
	models := []string{"gemini-2.5-flash", "gemini-2.5-pro", "never heard of", ""}
	n := 0
	for _, user := range []string{"alice", "bob"} {
		for _, status := range []int{200, 429, 503} {
			for i, model := range models {
				e := call(fmt.Sprint("e", n), user, now().AddDate(0, 0, -9*i), int64(n), 7)
				e.Model, e.StatusCode, e.Billable = model, status, status == 503
				e.Quantities[pricing.Requests] = int64(1 + i)
				e.Quantities[pricing.CachedInputTokens] = int64(n / 2)
				if n%2 == 0 {
					e.Provider = "metaphor"
				}
				f.record(e)
				n++
			}
		}
	}
	f.mustAgree()
	if len(f.logs()) != n {
		t.Errorf("%d log rows, want %d", len(f.logs()), n)
	}
}

func totalsOfPeriods(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, at := range []time.Time{date(2026, 10, 31), date(2026, 11, 1).Add(-time.Microsecond), date(2026, 11, 1),
		now()} {
		f.record(call(fmt.Sprint("e", i), "alice", at, int64(1)<<i, 0))
	}
	f.record(call("b", "bob", now(), 64, 0))
	want := map[usage.PeriodKey]int64{
		usage.NewPeriodKey("alice", date(2026, 10, 1)): 3, usage.NewPeriodKey("alice", date(2026, 11, 1)): 12,
		usage.NewPeriodKey("bob", date(2026, 10, 1)): 0, usage.NewPeriodKey("bob", date(2026, 11, 1)): 64,
		usage.NewPeriodKey("carol", date(2026, 11, 1)): 0,
	}
	var keys []usage.PeriodKey
	for key := range want {
		keys = append(keys, key)
	}
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		totals, err := r.Totals(f.ctx, keys)
		for key, tokens := range want {
			sum := int64(0)
			for _, row := range totals[key] {
				sum += row.InputTokens
			}
			if _, ok := totals[key]; sum != tokens || !ok {
				t.Errorf("%+v: %d tokens, want %d (in the answer: %t)", key, sum, tokens, ok)
			}
		}
		return err
	}))
}

func transactionRollsBack(t *testing.T, p Place) {
	f := seeded(t, p)
	boom := errors.New("boom")
	err := f.db.Update(f.ctx, []string{"alice"}, now(), func(tx usage.Tx) error {
		if err := tx.Write(f.ctx, usage.Changes{Entries: []usage.Entry{fullEntry()}}); err != nil {
			return err // PostgreSQL runs it again, with a partition for the month
		}
		r1 := reservation("r1", "alice")
		f.must(tx.Write(f.ctx, usage.Changes{Reservations: []*usage.Reservation{&r1}}))
		_, err := tx.AddAlerts(f.ctx, []usage.Alert{alert("alice", "x", 80)})
		f.must(err)
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of the function", err)
	}
	for _, table := range []string{"users", "api_usage_logs", "usage_summaries", "usage_daily", "usage_reservations",
		"usage_alerts"} {
		if n := f.count(table); n != 0 {
			t.Errorf("%s has %d rows", table, n)
		}
	}
}

func sameIDAgain(t *testing.T, p Place) {
	f := seeded(t, p)
	e := call("e1", "alice", now(), 10, 5)
	first := f.record(e)
	again := f.record(e)
	if first.Status != usage.Recorded || again.Status != usage.Duplicate || again.Entry != first.Entry {
		t.Errorf("first %+v\nagain %+v", first, again)
	}
	open := e
	open.Time, open.Vendor = time.Time{}, ""
	if o := f.record(open); o.Status != usage.Duplicate {
		t.Errorf("without its time it is %s", o.Status)
	}
	for name, change := range map[string]func(*usage.Event){
		"user_id":       func(e *usage.Event) { e.UserID = "bob" },
		"model":         func(e *usage.Event) { e.Model = "gemini-2.5-pro" },
		"vendor":        func(e *usage.Event) { e.Vendor = "other" },
		"time":          func(e *usage.Event) { e.Time = e.Time.Add(time.Microsecond) },
		"input_tokens":  func(e *usage.Event) { e.Quantities[pricing.InputTokens]++ },
		"status_code":   func(e *usage.Event) { e.StatusCode = 201 },
		"billable":      func(e *usage.Event) { e.Billable = true },
		"error_message": func(e *usage.Event) { e.ErrorMessage = "x" },
		"retry_count":   func(e *usage.Event) { e.RetryCount = 1 },
	} {
		other := e
		change(&other)
		_, err := f.service.Record(f.ctx, now(), other, usage.RecordOptions{})
		wantFailure(t, err, failure.Conflict, "e1", name)
	}
	if len(f.logs()) != 1 {
		t.Errorf("%d log rows", len(f.logs()))
	}
	f.mustAgree()
}

func usersAreKnown(t *testing.T, p Place) {
	f := seeded(t, p)
	known := func(user string) (known bool) {
		f.must(f.db.View(f.ctx, func(r usage.Reader) (err error) {
			known, err = r.UserKnown(f.ctx, user)
			return err
		}))
		return known
	}
	if known("alice") {
		t.Error("alice is known before she was seen")
	}
	_, err := f.service.Show(f.ctx, "alice", now(), now())
	wantFailure(t, err, failure.NotFound, "alice")
	f.record(call("e1", "alice", now(), 1, 1))
	if !known("alice") || known("ALICE") || known("") {
		t.Error("alice, and she alone, should be known")
	}
	f.must(f.db.Update(f.ctx, []string{"bob", "bob", "alice"}, now().Add(time.Hour), func(usage.Tx) error { return nil }))
	users, err := f.db.Users(f.ctx, usage.UserQuery{Limit: usage.PageSize})
	f.must(err)
	if len(users) != 2 || !users[0].CreatedAt.Equal(now()) || users[1].UserID != "bob" || users[1].PlanName != "Free" ||
		users[1].Subscription != nil {
		t.Errorf("the users are %+v", users)
	}
}

func viewReadsOneState(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("e1", "alice", now(), 1, 0))
	other := p.Open(t)
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		key := usage.NewPeriodKey("alice", date(2026, 11, 1))
		before, err := r.Totals(f.ctx, []usage.PeriodKey{key})
		f.must(err)
		service := usage.Service{Store: other}
		_, err = service.Record(f.ctx, now(), call("e2", "alice", now(), 1, 0), usage.RecordOptions{})
		f.must(err)
		after, err := r.Totals(f.ctx, []usage.PeriodKey{key})
		wantEqual(t, "the totals of one view", after, before)
		return err
	}))
}
