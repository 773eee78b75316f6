package dbtest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func tokenLimitTests() []test {
	return []test{
		{"token limits/of a user's token, beside the plan's", limitsOfOwnToken},
		{"token limits/of a token that acts for others, by calendar months", limitsOfSharedToken},
		{"token limits/a call with a token that can't be", callsWithWrongTokens},
		{"token limits/changes hold for those who run, and stay through a rotation", tokenTermsChange},
		{"token limits/what was used with a token stays right", tokenTotalsStayRight},
		{"token limits/old calls that are rated again and archived stay right", tokenTotalsOfOldCalls},
		{"token limits/parallel calls are its reservations", tokenParallelCalls},
	}
}

func tokenRaceTests() []test {
	return []test{
		{"races/fifty call with a user's token at its last ten calls", raceToken("alice")},
		{"races/fifty call with a token for everybody at its last ten calls", raceToken("")},
		{"races/reserve, settle and release with a token at once", raceTokenMixed},
	}
}

func callsLimit(most int64) plan.Limit {
	return plan.Limit{Name: "calls", Meter: plan.Calls, Max: most, Action: plan.Block}
}

// boundToken makes a token for a user, or with "" for everybody, with terms of its own.
func (f *fixture) boundToken(user string, terms access.Terms) access.Token {
	f.Helper()
	made, err := f.access().Create(f.ctx, f.audit("tokens create"),
		access.NewToken{User: user, ActAs: user == "", Terms: terms})
	f.must(err)
	return made.Token
}

// with is a call of a user with a token.
func with(token access.Token, id, user string, at time.Time, in, out int64) usage.Event {
	e := call(id, user, at, in, out)
	e.TokenID = token.ID
	return e
}

func (f *fixture) enforce(e usage.Event, at time.Time) usage.Outcome {
	f.Helper()
	o, err := f.service.Record(f.ctx, at, e, usage.RecordOptions{Enforce: true})
	if o.Refusal == nil {
		f.must(err)
	}
	return o
}

func limitsOfOwnToken(t *testing.T, p Place) {
	f := seeded(t, p)
	token := f.boundToken("alice", access.Terms{Limits: []plan.Limit{callsLimit(2)}})
	for i := range 2 {
		f.enforce(with(token, fmt.Sprint(i), "alice", now(), 1, 1), now())
	}
	f.enforce(call("other", "alice", now(), 1, 1), now()) // without the token it takes nothing from it
	o := f.enforce(with(token, "late", "alice", now(), 1, 1), now())
	if o.Refusal == nil || o.Refusal.Reason != usage.TokenLimitExceeded || o.Refusal.Token != token.Public ||
		o.Refusal.Limit != "calls" || !o.Refusal.ResetsAt().Equal(date(2026, 12, 1)) {
		t.Errorf("the third with it: %+v", o.Refusal)
	}
	d, err := f.service.Check(f.ctx, now(), usage.CallOf(with(token, "", "alice", now(), 1, 1)))
	f.must(err)
	last := d.Limits[len(d.Limits)-1]
	if d.Allowed || d.Reason != usage.TokenLimitExceeded || last.Token != token.Public || last.Used != 2 ||
		d.Limits[0].Used != 3 {
		t.Errorf("the check: %+v", d.Verdict)
	}
	if d, err = f.service.Check(f.ctx, now(), usage.CallOf(call("", "alice", now(), 1, 1))); err != nil || !d.Allowed {
		t.Errorf("without the token: %+v, %v", d.Verdict, err)
	}
	next := date(2026, 12, 2)
	f.enforce(with(token, "next", "alice", next, 1, 1), next)
	f.mustAgree()
}

func limitsOfSharedToken(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("bob", "Pro", date(2026, 11, 20), date(2026, 11, 20)) // whose period is not the calendar month
	token := f.boundToken("", access.Terms{Limits: []plan.Limit{callsLimit(3)}})
	for i, user := range []string{"alice", "bob", "carol"} {
		f.enforce(with(token, fmt.Sprint(i), user, now(), 1, 1), now())
	}
	o := f.enforce(with(token, "late", "bob", now(), 1, 1), now())
	if o.Refusal == nil || o.Refusal.Reason != usage.TokenLimitExceeded ||
		!o.Refusal.ResetsAt().Equal(date(2026, 12, 1)) {
		t.Errorf("the fourth: %+v", o.Refusal)
	}
	next := date(2026, 12, 1)
	f.enforce(with(token, "next", "bob", next, 1, 1), next)
	f.mustAgree()
}

func callsWithWrongTokens(t *testing.T, p Place) {
	f := seeded(t, p)
	token := f.boundToken("alice", access.Terms{})
	_, err := f.service.Record(f.ctx, now(), with(token, "a", "bob", now(), 1, 1), usage.RecordOptions{})
	wantFailure(t, err, failure.Invalid, "of the user alice")
	unknown := access.Token{ID: 4711}
	_, err = f.service.Record(f.ctx, now(), with(unknown, "a", "bob", now(), 1, 1), usage.RecordOptions{Enforce: true})
	wantFailure(t, err, failure.NotFound, "4711")
	_, err = f.service.Check(f.ctx, now(), usage.CallOf(with(unknown, "a", "bob", now(), 1, 1)))
	wantFailure(t, err, failure.NotFound, "4711")
	if n := f.count("api_usage_logs") + f.count("usage_token_totals"); n != 0 {
		t.Errorf("%d rows are there", n)
	}
}

func tokenTermsChange(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, user := range []string{"alice", ""} {
		token := f.boundToken(user, access.Terms{})
		id := func(n int) string { return fmt.Sprint(user, n) }
		for n := range 2 { // so that the recorder knows all there is to know
			f.enforce(with(token, id(n), "alice", now(), 1, 1), now())
		}
		change := func(limits ...plan.Limit) {
			_, err := f.access().Change(f.ctx, f.audit("tokens change"), token.Public, func(access.Terms) (access.Terms, error) {
				return access.Terms{Limits: limits}, nil
			})
			f.must(err)
		}
		change(callsLimit(2))
		if o := f.enforce(with(token, id(2), "alice", now(), 1, 1), now()); o.Refusal == nil {
			t.Errorf("%q: a limit that is new is not seen", user)
		}
		change(callsLimit(3))
		f.enforce(with(token, id(3), "alice", now(), 1, 1), now())
		rotated, err := f.access().Rotate(f.ctx, f.audit("tokens rotate"), fmt.Sprint(token.ID), 0)
		f.must(err)
		o := f.enforce(with(token, id(4), "alice", now(), 1, 1), now())
		if o.Refusal == nil || o.Refusal.Token != rotated.Token.Public {
			t.Errorf("%q: after a rotation: %+v", user, o.Refusal)
		}
		token = rotated.Token
		change()
		f.enforce(with(token, id(5), "alice", now(), 1, 1), now())
	}
	f.mustAgree()
}

// used is what was used with a token in the period that begins at a moment.
func (f *fixture) used(token access.Token, start time.Time) (sum usage.ProviderUsage) {
	f.Helper()
	key := usage.TokenPeriod{TokenID: token.ID, Start: start.UnixMicro()}
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		totals, err := r.TokenTotals(f.ctx, []usage.TokenPeriod{key})
		for _, row := range totals[key] {
			sum.Calls, sum.Errors, sum.Cost = sum.Calls+row.Calls, sum.Errors+row.Errors, sum.Cost+row.Cost
			sum.InputTokens, sum.OutputTokens = sum.InputTokens+row.InputTokens, sum.OutputTokens+row.OutputTokens
		}
		return err
	}))
	return sum
}

func tokenTotalsStayRight(t *testing.T, p Place) {
	f := seeded(t, p)
	own, shared := f.boundToken("alice", access.Terms{}), f.boundToken("", access.Terms{})
	for i := range 4 {
		at := date(2026, 10, 1+10*(i%2)).Add(time.Hour)
		f.record(with(own, fmt.Sprint("own", i), "alice", at, 1_000_000, 0))
		f.record(with(shared, fmt.Sprint("shared", i), "alice", at, 1_000_000, 0))
	}
	october := date(2026, 10, 1)
	for _, token := range []access.Token{own, shared} {
		if u := f.used(token, october); u.Calls != 4 || u.InputTokens != 4_000_000 || u.Cost == 0 {
			t.Errorf("the token %d has %+v", token.ID, u)
		}
	}
	f.mustAgree()

	f.void("own0", "shared0")
	f.correct("shared1", func(e *usage.Event) { e.UserID = "bob" })
	f.correct("own1", func(e *usage.Event) { e.UserID = "bob" }) // so it can't have been made with her token
	if a, b := f.used(own, october), f.used(shared, october); a.Calls != 2 || b.Calls != 3 {
		t.Errorf("after corrections: %+v, %+v", a, b)
	}
	f.mustAgree()

	f.subscribe("alice", "Pro", date(2026, 10, 5), date(2026, 10, 6)) // which moves the later of her calls
	if a, b := f.used(own, october), f.used(own, date(2026, 10, 5)); a.Calls+b.Calls != 2 || b.Calls == 0 {
		t.Errorf("after a subscription: %+v and %+v", a, b)
	}
	if u := f.used(shared, october); u.Calls != 3 {
		t.Errorf("after a subscription: %+v", u)
	}
	f.mustAgree()
}

// When calls are rated again, or their month goes to a file and comes back, what the token has used is right.
func tokenTotalsOfOldCalls(t *testing.T, p Place) {
	f := seeded(t, p)
	own, shared := f.boundToken("alice", access.Terms{}), f.boundToken("", access.Terms{})
	for id, token := range map[string]access.Token{"own": own, "shared": shared} {
		e := with(token, id, "alice", date(2026, 10, 3), 0, 0)
		e.Provider, e.Model = "wavespeed", "new-model"
		f.record(e)
	}
	f.record(call("now", "alice", now(), 0, 0))
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), pricing.Dollar, 0, 0))
	f.rerate(now(), true)
	f.mustAgree()
	right := func(when string) {
		for _, token := range []access.Token{own, shared} {
			if u := f.used(token, date(2026, 10, 1)); u.Cost != pricing.Dollar || u.Calls != 1 {
				t.Errorf("%s: the token %d has %+v", when, token.ID, u)
			}
		}
	}
	right("rated again")
	a := f.archive(plan.MonthOf(date(2026, 10, 1)))
	f.mustReconcile(1, 2)
	right("archived")
	f.exec("UPDATE usage_token_totals SET cost_pico = cost_pico + 1, calls = calls + 1")
	r, err := f.db.Reconcile(f.ctx, true)
	f.must(err)
	if len(r.Discrepancies) != 4 || !r.Repaired {
		t.Errorf("the discrepancies are %+v", r.Discrepancies)
	}
	right("repaired")
	f.must(f.restore(a))
	f.mustAgree()
	right("restored")
	if n := f.count("usage_archived_token_totals"); n != 0 {
		t.Errorf("%d archived totals are left", n)
	}
	for _, e := range f.logs() {
		if e.ID == "own" && e.TokenID != own.ID {
			t.Errorf("the call comes back with the token %d", e.TokenID)
		}
	}
}

func tokenParallelCalls(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, user := range []string{"alice", ""} {
		token := f.boundToken(user, access.Terms{Rates: plan.Rates{ParallelCalls: 2}})
		take := func(id string) usage.Decision {
			d, err := f.service.Reserve(f.ctx, now(), usage.CallOf(with(token, "", "alice", now(), 1, 1)), user+id, time.Minute)
			f.must(err)
			return d
		}
		if !take("1").Allowed || !take("2").Allowed || !take("2").Allowed {
			t.Errorf("%q: two are not let through", user)
		}
		d := take("3")
		if d.Allowed || d.Reason != usage.TooManyParallelCalls || d.Token != token.Public || d.RetryAfter == 0 {
			t.Errorf("%q: the third: %+v", user, d.Verdict)
		}
		_, err := f.service.Release(f.ctx, now(), user+"1")
		f.must(err)
		if !take("3").Allowed {
			t.Errorf("%q: one was given back", user)
		}
		_, err = f.service.Record(f.ctx, now(), usage.Event{StatusCode: 200, Quantities: tokens(5)},
			usage.RecordOptions{Reservation: user + "3"})
		f.must(err)
		if u := f.used(token, date(2026, 11, 1)); u.Calls != 1 {
			t.Errorf("%q: the settlement counts %+v", user, u)
		}
	}
	f.mustAgree()
}

func raceToken(user string) func(*testing.T, Place) {
	return func(t *testing.T, p Place) { raceTokenOf(t, p, user) }
}

func raceTokenOf(t *testing.T, p Place, user string) {
	f := seeded(t, p)
	f.savePlans(unlimitedPlan())
	token := f.boundToken(user, access.Terms{Limits: []plan.Limit{callsLimit(15)}})
	for i := range 5 {
		f.enforce(with(token, fmt.Sprint("before", i), "alice", now(), 1, 1), now())
	}
	var allowed, refused atomic.Int64
	f.atOnce(t, 50, func(i int, s *usage.Service) {
		of := user
		if of == "" {
			of = fmt.Sprint("user", i%7)
		}
		e := with(token, fmt.Sprint(i), of, now(), 1, 1)
		if i%2 == 0 {
			d, err := s.Reserve(f.ctx, now(), usage.CallOf(e), fmt.Sprint(i), time.Minute)
			noteRace(t, d, err, &allowed, &refused)
			return
		}
		o, err := s.Record(f.ctx, now(), e, usage.RecordOptions{Enforce: true})
		d := usage.Decision{Verdict: usage.Verdict{Allowed: true}}
		if o.Refusal != nil {
			d, err = *o.Refusal, nil
		}
		noteRace(t, d, err, &allowed, &refused)
	})
	if allowed.Load() != 10 || refused.Load() != 40 {
		t.Errorf("%d were allowed and %d refused", allowed.Load(), refused.Load())
	}
	f.mustAgree()
}

func noteRace(t *testing.T, d usage.Decision, err error, allowed, refused *atomic.Int64) {
	switch {
	case err != nil:
		t.Error(err)
	case d.Allowed:
		allowed.Add(1)
	case d.Reason == usage.TokenLimitExceeded:
		refused.Add(1)
	default:
		t.Errorf("refused since %s", d.Reason)
	}
}

// unlimitedPlan is the plan of those without a subscription, without limits.
func unlimitedPlan() plan.Plan {
	return plan.Plan{Name: "Free", Tier: "free", Source: pricing.FromAdmin}
}

// What several hold and use with one token never exceeds its limit, and all that fits gets through in the end.
func raceTokenMixed(t *testing.T, p Place) {
	f := seeded(t, p)
	f.savePlans(unlimitedPlan())
	token := f.boundToken("", access.Terms{Limits: []plan.Limit{callsLimit(10)}})
	var used atomic.Int64
	f.atOnce(t, 8, func(i int, s *usage.Service) {
		for n := range 6 {
			id, user := fmt.Sprintf("%d-%d", i, n), fmt.Sprint("user", (i+n)%3)
			d, err := s.Reserve(f.ctx, now(), usage.CallOf(with(token, "", user, now(), 1, 1)), id, time.Minute)
			if err != nil {
				t.Error(err)
			}
			if !d.Allowed {
				continue
			}
			if n%2 == 0 {
				_, err = s.Release(f.ctx, now(), id)
			} else {
				used.Add(1)
				_, err = s.Record(f.ctx, now(), usage.Event{StatusCode: 200, Quantities: tokens(1)},
					usage.RecordOptions{Reservation: id})
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	if u := f.used(token, date(2026, 11, 1)); u.Calls != used.Load() || u.Calls > 10 {
		t.Errorf("%d were settled, and %d are counted", used.Load(), u.Calls)
	}
	f.mustAgree()
}

// tokensMustAgree checks what is kept of the use of tokens against the rows of the log.
func (f *fixture) tokensMustAgree(entries []usage.Entry) {
	f.Helper()
	tokens, err := f.access().List(f.ctx, access.TokenQuery{Limit: 1000, Revoked: true})
	f.must(err)
	shared := map[int64]bool{}
	for _, token := range tokens.Rows {
		shared[token.ID] = token.User == "" || token.ActAs
	}
	want := map[usage.TokenPeriod][3]int64{}
	for _, e := range entries {
		if e.TokenID == 0 {
			continue
		}
		start := e.PeriodStart
		if shared[e.TokenID] {
			start = date(e.Time.UTC().Year(), e.Time.UTC().Month(), 1)
		}
		key := usage.TokenPeriod{TokenID: e.TokenID, Start: start.UnixMicro()}
		sum, a := want[key], e.Amounts()
		want[key] = [3]int64{sum[0] + a.Calls, sum[1] + a.Quantities.Tokens(), sum[2] + int64(a.Cost)}
	}
	rows, err := f.place.SQL.Query(`SELECT token_id, period_start, SUM(calls), SUM(input_tokens + output_tokens),
		SUM(cost_pico) FROM usage_token_totals GROUP BY token_id, period_start`)
	f.must(err)
	defer rows.Close()
	for rows.Next() {
		var key usage.TokenPeriod
		var start any
		var got [3]int64
		f.must(rows.Scan(&key.TokenID, &start, &got[0], &got[1], &got[2]))
		switch at := start.(type) {
		case time.Time:
			key.Start = at.UnixMicro()
		case int64:
			key.Start = at
		}
		if got != want[key] {
			f.Errorf("the token %d has %d in the period %d, the log adds up to %d", key.TokenID, got, key.Start, want[key])
		}
		delete(want, key)
	}
	f.must(rows.Err())
	for key, sum := range want {
		if sum != [3]int64{} {
			f.Errorf("the token %d has nothing in the period %d, the log adds up to %d", key.TokenID, key.Start, sum)
		}
	}
}
