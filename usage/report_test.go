package usage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// rowsOf is a store that answers every query with the same rows.
type rowsOf []usage.ReportRow

func (rows rowsOf) Usage(context.Context, usage.ReportQuery) ([]usage.ReportRow, error) {
	return slices.Clone(rows), nil
}

func row(cost, calls int64, keys ...string) usage.ReportRow {
	return usage.ReportRow{Keys: keys, Calls: calls, InputTokens: 1, Cost: pricing.TotalOf(pricing.USD(cost))}
}

func keysOf(r usage.Report) string {
	var keys []string
	for _, row := range r.Rows {
		keys = append(keys, strings.Join(row.Keys, "/"))
	}
	return strings.Join(keys, " ")
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestReportOrder(t *testing.T) {
	q := usage.ReportQuery{From: day(2026, 11, 1), To: day(2026, 12, 1)}
	for _, c := range []struct {
		by   []usage.Dimension
		rows rowsOf
		top  int
		want string
	}{
		{[]usage.Dimension{usage.ByUser}, rowsOf{row(1, 9, "b"), row(3, 1, "c"), row(1, 9, "a"), row(1, 10, "d")}, 0,
			"c d a b"},
		{[]usage.Dimension{usage.ByUser}, rowsOf{row(1, 9, "b"), row(3, 1, "c"), row(1, 9, "a"), row(1, 10, "d")}, 2, "c d"},
		{[]usage.Dimension{usage.ByUser}, rowsOf{row(1, 9, "b"), row(3, 1, "c")}, 5, "c b"},
		{[]usage.Dimension{usage.ByDay}, rowsOf{row(9, 1, "2026-11-03"), row(1, 1, "2026-11-01"), row(5, 1, "2026-11-02")}, 0,
			"2026-11-01 2026-11-02 2026-11-03"},
		{[]usage.Dimension{usage.ByDay}, rowsOf{row(9, 1, "2026-11-03"), row(1, 1, "2026-11-01"), row(5, 1, "2026-11-02")}, 2,
			"2026-11-02 2026-11-03"},
		{[]usage.Dimension{usage.ByMonth, usage.ByUser}, rowsOf{row(1, 1, "2026-11", "a"), row(9, 1, "2026-11", "b"),
			row(5, 1, "2026-10", "a")}, 0, "2026-10/a 2026-11/b 2026-11/a"},
		{[]usage.Dimension{usage.ByUser, usage.ByDay}, rowsOf{row(1, 1, "a", "2"), row(9, 1, "b", "1"), row(5, 1, "a", "1")},
			0, "b/1 a/1 a/2"},
	} {
		q.By = c.by
		r, err := usage.MakeReport(t.Context(), c.rows, q, c.top)
		if err != nil {
			t.Fatal(err)
		}
		if got := keysOf(r); got != c.want || r.Left != len(c.rows)-len(r.Rows) {
			t.Errorf("by %v: %s, %d left out; want %s", c.by, got, r.Left, c.want)
		}
		sum := usage.ReportRow{}
		for _, row := range c.rows {
			sum.Calls, sum.InputTokens, sum.Cost = sum.Calls+row.Calls, sum.InputTokens+1, sum.Cost.Add(row.Cost)
		}
		if fmt.Sprint(r.Sum) != fmt.Sprint(sum) {
			t.Errorf("the sum is %+v, want %+v", r.Sum, sum)
		}
	}
}

func TestReportQueriesThatMakeNoSense(t *testing.T) {
	for says, q := range map[string]usage.ReportQuery{
		"whole days": {From: day(2026, 11, 1).Add(time.Hour), To: day(2026, 12, 1)},
		"to is 2026": {From: day(2026, 11, 1), To: day(2026, 12, 1).Add(time.Microsecond)},
		"not before": {From: day(2026, 11, 1), To: day(2026, 11, 1)},
		"from (2026-12-01) is not before to (2026-11-01)": {From: day(2026, 12, 1), To: day(2026, 11, 1)},
	} {
		_, err := usage.MakeReport(t.Context(), rowsOf{}, q, 0)
		wantFailure(t, err, failure.Invalid, says)
	}
}

func TestParseDimensions(t *testing.T) {
	by, err := usage.ParseDimensions(" Day, model,USER")
	if err != nil || !slices.Equal(by, []usage.Dimension{usage.ByDay, usage.ByModel, usage.ByUser}) {
		t.Errorf("%v, %v", by, err)
	}
	for text, says := range map[string]string{"": "", "dai": "did you mean day?", "day,day": "twice", "day,": "",
		"day;user": "", strings.Repeat("x", 10_000): ""} {
		_, err := usage.ParseDimensions(text)
		wantFailure(t, err, failure.Invalid, says)
	}
}

func TestTrend(t *testing.T) {
	rows := rowsOf{row(300, 3, "2026-09"), row(1_000, 5, "2026-11")}
	trend, err := usage.MakeTrend(t.Context(), rows, "alice", 3, day(2026, 11, 11)) // a third of November has passed
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range trend.Months {
		texts = append(texts, fmt.Sprint(m.Month, " ", m.Calls))
	}
	if got := strings.Join(texts, ", "); got != "2026-09 3, 2026-10 0, 2026-11 5" {
		t.Errorf("the months are %s", got)
	}
	if trend.Projected.Cmp(pricing.TotalOf(3_000)) != 0 {
		t.Errorf("projected are %s", trend.Projected)
	}
	begins, err := usage.MakeTrend(t.Context(), rows, "", 1, day(2026, 11, 1))
	if err != nil || begins.Projected.Cmp(pricing.TotalOf(1_000)) != 0 {
		t.Errorf("as the month begins: %+v, %v", begins, err)
	}
	for _, months := range []int{0, -1, 121} {
		_, err := usage.MakeTrend(t.Context(), rows, "", months, day(2026, 11, 1))
		wantFailure(t, err, failure.Invalid, "months is")
	}
}

func TestLogQueriesThatMakeNoSense(t *testing.T) {
	for says, q := range map[string]usage.LogQuery{
		`status is "odd"`: {Status: "odd", Limit: 1}, "limit is 0": {}, "limit is 1000001": {Limit: 1_000_001},
		"is not before to": {From: day(2026, 11, 2), To: day(2026, 11, 2), Limit: 1},
	} {
		wantFailure(t, q.Validate(), failure.Invalid, says)
	}
	if err := (usage.LogQuery{From: day(2026, 11, 2), Limit: 1_000_000,
		Status: usage.LogUnpriced}).Validate(); err != nil {
		t.Error(err)
	}
}

// logStore is a log that can be rated again.
type logStore struct {
	*memory
	log     []usage.Entry
	changes []usage.Rerating
	fail    error
}

func (s *logStore) AwaitWriters(context.Context) error { return nil }

func (s *logStore) ClosedUntil(context.Context, []string) (map[string]time.Time, error) {
	return nil, nil
}

func (s *logStore) Logs(_ context.Context, q usage.LogQuery) ([]usage.Entry, error) {
	var page []usage.Entry
	for _, e := range s.log { // newest first
		after := q.BeforeTime.IsZero() || e.Time.Before(q.BeforeTime) || e.Time.Equal(q.BeforeTime) && e.ID < q.BeforeID
		if after && len(page) < q.Limit {
			page = append(page, e)
		}
	}
	return page, nil
}

func (s *logStore) Archives(context.Context) ([]usage.Archive, error) {
	month := func(m plan.Month) usage.Archive { return usage.Archive{LogMonth: usage.LogMonth{Month: m}} }
	return []usage.Archive{month(202607), month(202608), month(202609)}, nil
}

func (s *logStore) Rerate(_ context.Context, _ time.Time, changes []usage.Rerating) (int, error) {
	s.changes = append(s.changes, changes...)
	return len(changes), s.fail
}

func TestRerate(t *testing.T) {
	const rows = 4_001 // more than two pages
	s := &logStore{memory: newMemory()}
	for i := range rows {
		e := usage.Entry{Event: usage.Event{ID: fmt.Sprintf("e%05d", rows-i), UserID: fmt.Sprint("u", i%2),
			Provider: "gemini", Time: at(), StatusCode: 200,
			Quantities: pricing.Quantities{1}}, Cost: 1, Basis: pricing.Default}
		switch i % 4 {
		case 1:
			e.Cost, e.Basis = 0, pricing.Unpriced
		case 2:
			e.Cost = 3
		case 3:
			e.StatusCode, e.Cost, e.Basis = 500, 0, pricing.Unpriced
		}
		s.log = append(s.log, e)
	}
	dry, err := usage.Rerate(t.Context(), s, at(), time.Time{}, time.Time{}, false)
	if err != nil || len(s.changes) != 0 {
		t.Fatalf("a dry run has made %d changes, %v", len(s.changes), err)
	}
	done, err := usage.Rerate(t.Context(), s, at(), time.Time{}, time.Time{}, true)
	if err != nil || fmt.Sprint(dry) != fmt.Sprint(done) || int64(len(s.changes)) != done.Changed {
		t.Errorf("done: %+v, %v\ndry:  %+v", done, err, dry)
	}
	if done.Read != rows || done.Changed != 3_000 || done.Priced != 2_000 ||
		done.Before.Cmp(pricing.TotalOf(3_000)) != 0 || done.After.Cmp(pricing.TotalOf(2_000)) != 0 {
		t.Errorf("the result is %+v", done)
	}
	if done.Archived != 3 {
		t.Errorf("%d archived months were left out", done.Archived)
	}
	if len(done.Users) != 2 || done.Users[0].UserID != "u1" || done.Users[0].Events != 2_000 ||
		done.Users[1].Events != 1_000 {
		t.Errorf("the users are %+v", done.Users)
	}
	s.fail = errors.New("boom")
	if _, err := usage.Rerate(t.Context(), s, at(), time.Time{}, time.Time{}, true); !errors.Is(err, s.fail) {
		t.Errorf("got %v", err)
	}
	_, err = usage.Rerate(t.Context(), s, at(), at(), at(), true)
	wantFailure(t, err, failure.Invalid, "not before")
}

func TestExplainSaysEveryStep(t *testing.T) {
	j := usage.Decision{Call: usage.Call{UserID: "alice", Provider: "gemini", Vendor: "google",
		Quantities: pricing.Quantities{1, 10, 5}},
		Plan: plan.Plan{Name: "Free"}, Status: plan.Active, Period: plan.CalendarMonth(at()), EstimatedCost: 7,
		Basis: pricing.Default}
	j.Verdict = usage.Decide(plan.Active, plan.OverageBlock, []usage.LimitUse{
		{Limit: limitOf(10, plan.Block), Used: 3, Reserved: 1, Requested: 1},
		{Limit: limitOf(2, plan.Warn), Used: 2, Requested: 1}, {Limit: limitOf(0, plan.Block), Requested: 1},
		{Limit: plan.Limit{Name: "open", Unlimited: true}},
	})
	var texts []string
	for _, s := range j.Explain() {
		texts = append(texts, s.Name+": "+s.Text)
	}
	for i, says := range []string{"call: gemini without a model, served by google", "plan: Free",
		"period: 2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z",
		"price: default", "passes: 3 used + 1 reserved + 1 requested, of 10 calls", "only warns", "refuses: calls is 0",
		"unlimited", "decision: calls is 0"} {
		if i >= len(texts) || !strings.Contains(texts[i], says) {
			t.Errorf("step %d of %q does not say %q", i, texts, says)
		}
	}
	wantFailure(t, j.Denied(), failure.Denied, "alice", "Free")

	j.Verdict = usage.Decide(plan.Active, plan.OverageAllow, []usage.LimitUse{{Limit: limitOf(2, plan.Block), Used: 2,
		Requested: 1}})
	steps := j.Explain()
	if got, want := steps[4].Text, "passes as overage, beyond what the plan includes: 2 used + 0 reserved + 1 "+
		"requested, of 2 calls"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
