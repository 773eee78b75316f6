package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// life is one user's account over a series of steps.
type life struct {
	t testing.TB
	plan.Account
}

func newLife(t testing.TB) *life {
	return &life{t, plan.Account{UserID: "ann", Plans: stored(t)}}
}

// do makes one step, written as on the command line: "subscribe pro yearly", "subscribe pro from 2025-03-01", "change
// basic", "cancel", "cancel at end", "renew", "suspend", "resume". The word once turns the renewal off.
func (l *life) do(now, step string) (plan.Change, error) {
	l.t.Helper()
	moment := at(l.t, now)
	words := strings.Fields(step)
	var c plan.Change
	var err error
	switch words[0] {
	case "subscribe":
		o := plan.Order{Plan: mustFind(l.t, l.Plans, words[1]), Cycle: plan.Monthly, Start: moment, AutoRenew: true}
		for i, word := range words[2:] {
			switch word {
			case "yearly":
				o.Cycle = plan.Yearly
			case "once":
				o.AutoRenew = false
			case "from":
				o.Start = at(l.t, words[2+i+1])
			}
		}
		c, err = l.Subscribe(o, moment)
	case "change":
		c, err = l.ChangePlan(mustFind(l.t, l.Plans, words[1]), moment)
	case "cancel":
		c, err = l.Cancel(len(words) > 1, moment)
	case "renew":
		c, err = l.Renew(moment)
	case "suspend":
		c, err = l.Suspend(moment)
	case "resume":
		c, err = l.Resume(moment)
	default:
		l.t.Fatalf("there is no step %q", step)
	}
	if err == nil {
		l.Account = l.After(c)
	}
	return c, err
}

func (l *life) must(now, step string) plan.Change {
	l.t.Helper()
	c, err := l.do(now, step)
	if err != nil {
		l.t.Fatalf("%s on %s: %v", step, now, err)
	}
	return c
}

// state describes the account at a moment: plan, status and usage period.
func (l *life) state(moment time.Time) string {
	l.t.Helper()
	p, err := l.PlanAt(moment)
	if err != nil {
		l.t.Fatal(err)
	}
	period := l.PeriodAt(moment)
	day := func(m time.Time) string { return strings.TrimSuffix(m.Format("2006-01-02 15:04"), " 00:00") }
	return fmt.Sprintf("%s %s %s/%s", p.Tier, l.StatusAt(moment), day(period.Start), day(period.End))
}

func TestLives(t *testing.T) {
	tests := []struct {
		name  string
		steps [][2]string // when, what
		want  [][2]string // when, plan status period
	}{
		{"no subscription", nil, [][2]string{{"2025-01-31", "free active 2025-01-01/2025-02-01"}}},
		{"subscribe", [][2]string{{"2025-01-31", "subscribe pro"}}, [][2]string{
			{"2025-01-30", "free pending 2025-01-01/2025-01-31"},
			{"2025-01-31", "pro active 2025-01-31/2025-02-28"},
			{"2025-02-28", "pro active 2025-02-28/2025-03-31"},
			{"2030-04-30", "pro active 2030-04-30/2030-05-31"},
		}},
		{"a yearly one counts by the month", [][2]string{{"2024-02-29", "subscribe pro yearly"}}, [][2]string{
			{"2024-03-28", "pro active 2024-02-29/2024-03-29"},
			{"2025-02-28", "pro active 2025-02-28/2025-03-29"},
		}},
		{"change of plan keeps the anchor", [][2]string{{"2025-01-10", "subscribe basic"},
			{"2025-01-20 12:00", "change pro"}}, [][2]string{
			{"2025-01-20 11:59", "basic active 2025-01-10/2025-02-10"},
			{"2025-01-20 12:00", "pro active 2025-01-10/2025-02-10"},
			{"2025-02-10", "pro active 2025-02-10/2025-03-10"},
		}},
		{"two changes at one moment: the last holds", [][2]string{{"2025-01-10", "subscribe basic"},
			{"2025-01-10", "change pro"}, {"2025-01-10", "change enterprise"}}, [][2]string{
			{"2025-01-10", "enterprise active 2025-01-10/2025-02-10"},
		}},
		{"cancel now", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"}}, [][2]string{
			{"2025-01-19", "pro active 2025-01-10/2025-02-10"},
			{"2025-01-20", "pro cancelled 2025-01-10/2025-02-10"},
		}},
		{"cancel at the end of a month", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-03-20", "cancel at end"}},
			[][2]string{
				{"2025-04-09", "pro active 2025-03-10/2025-04-10"},
				{"2025-04-10", "pro cancelled 2025-04-10/2025-05-10"},
			}},
		{"cancel at the end of a year", [][2]string{{"2024-02-29", "subscribe pro yearly"}, {"2024-06-01", "cancel at end"}},
			[][2]string{
				{"2025-02-27", "pro active 2025-01-29/2025-02-28"},
				{"2025-02-28", "pro cancelled 2025-02-28/2025-03-29"},
			}},
		{"cancel at the end of what was paid ahead", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-11", "renew"},
			{"2025-01-12", "cancel at end"}}, [][2]string{
			{"2025-03-09", "pro active 2025-02-10/2025-03-10"},
			{"2025-03-10", "pro cancelled 2025-03-10/2025-04-10"},
		}},
		{"cancel ahead, then now", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-12", "cancel at end"},
			{"2025-01-13", "cancel"}}, [][2]string{
			{"2025-01-13", "pro cancelled 2025-01-10/2025-02-10"},
		}},
		{"without renewal", [][2]string{{"2025-01-31", "subscribe pro once"}}, [][2]string{
			{"2025-02-27", "pro active 2025-01-31/2025-02-28"},
			{"2025-02-28", "pro expired 2025-02-28/2025-03-31"},
		}},
		{"without renewal, for a year", [][2]string{{"2025-01-31", "subscribe pro yearly once"}}, [][2]string{
			{"2026-01-30", "pro active 2025-12-31/2026-01-31"},
			{"2026-01-31", "pro expired 2026-01-31/2026-02-28"},
		}},
		{"renewed while it runs", [][2]string{{"2025-01-31", "subscribe pro once"}, {"2025-02-10", "renew"}}, [][2]string{
			{"2025-03-30", "pro active 2025-02-28/2025-03-31"},
			{"2025-03-31", "pro expired 2025-03-31/2025-04-30"},
		}},
		{"renewed twice while it runs", [][2]string{{"2025-01-31", "subscribe pro once"}, {"2025-02-10", "renew"},
			{"2025-02-10", "renew"}}, [][2]string{
			{"2025-04-29", "pro active 2025-03-31/2025-04-30"},
			{"2025-04-30", "pro expired 2025-04-30/2025-05-31"},
		}},
		{"renewal takes back a cancellation ahead", [][2]string{{"2025-01-10", "subscribe pro"},
			{"2025-01-12", "cancel at end"}, {"2025-01-13", "renew"}}, [][2]string{
			{"2025-02-10", "pro active 2025-02-10/2025-03-10"},
			{"2025-12-31", "pro active 2025-12-10/2026-01-10"},
		}},
		{"renewed after its end", [][2]string{{"2025-01-10", "subscribe pro once"}, {"2025-02-20", "renew"}}, [][2]string{
			// The status is that of the subscription as it is now: it began on the 20th.
			{"2025-02-09", "pro pending 2025-01-10/2025-02-10"},
			{"2025-02-19", "pro pending 2025-02-10/2025-02-20"},
			{"2025-02-20", "pro active 2025-02-20/2025-03-20"},
			{"2025-03-20", "pro expired 2025-03-20/2025-04-20"},
		}},
		{"subscribed again", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"},
			{"2025-03-05", "subscribe basic yearly"}}, [][2]string{
			{"2025-01-15", "pro pending 2025-01-10/2025-02-10"},
			{"2025-03-04", "pro pending 2025-02-10/2025-03-05"},
			{"2025-03-05", "basic active 2025-03-05/2025-04-05"},
		}},
		{"subscribed again from the very end", [][2]string{{"2025-01-10", "subscribe pro once"},
			{"2025-03-05", "subscribe basic from 2025-02-10"}}, [][2]string{
			{"2025-02-09", "pro pending 2025-01-10/2025-02-10"},
			{"2025-02-10", "basic active 2025-02-10/2025-03-10"},
		}},
		{"suspended and resumed", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-12", "suspend"}},
			[][2]string{{"2025-01-12", "pro suspended 2025-01-10/2025-02-10"}}},
		{"resumed", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-12", "suspend"}, {"2025-01-14", "resume"}},
			[][2]string{{"2025-01-14", "pro active 2025-01-10/2025-02-10"}}},
		{"changed and cancelled while suspended", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-12", "suspend"},
			{"2025-01-13", "change basic"}, {"2025-01-14", "cancel at end"}, {"2025-01-15", "resume"}}, [][2]string{
			{"2025-01-15", "basic active 2025-01-10/2025-02-10"},
			{"2025-02-10", "basic cancelled 2025-02-10/2025-03-10"},
		}},
		{"resumed after it would have expired", [][2]string{{"2025-01-10", "subscribe pro once"}, {"2025-01-12", "suspend"},
			{"2025-03-01", "resume"}}, [][2]string{
			{"2025-03-01", "pro expired 2025-02-10/2025-03-10"},
		}},
		{"cancelled while suspended after it was paid for", [][2]string{{"2025-01-10", "subscribe pro once"},
			{"2025-01-12", "suspend"}, {"2025-03-01", "cancel"},
			{"2025-03-02", "resume"}, {"2025-03-03", "subscribe basic from 2025-02-10"}}, [][2]string{
			{"2025-02-10", "basic active 2025-02-10/2025-03-10"},
		}},
		{"begins later", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-31"}}, [][2]string{
			{"2025-01-10", "free pending 2025-01-01/2025-02-01"},
			{"2025-03-30", "free pending 2025-03-01/2025-03-31"},
			{"2025-03-31", "pro active 2025-03-31/2025-04-30"},
		}},
		{"began earlier", [][2]string{{"2025-05-20", "subscribe pro from 2025-03-31"}}, [][2]string{
			{"2025-05-20", "pro active 2025-04-30/2025-05-31"},
		}},
		{"changed before it begins", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-31"},
			{"2025-01-11", "change basic"}}, [][2]string{
			{"2025-01-11", "free pending 2025-01-01/2025-02-01"},
			{"2025-03-31", "basic active 2025-03-31/2025-04-30"},
		}},
		{"cancelled before it begins", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-31"}, {"2025-01-11", "cancel"}},
			[][2]string{
				{"2025-01-11", "free active 2025-01-01/2025-02-01"},
				{"2025-03-31", "free active 2025-03-01/2025-04-01"},
				{"2025-06-01", "free active 2025-06-01/2025-07-01"},
			}},
		{"renewed before it begins", [][2]string{{"2025-01-10", "subscribe pro once from 2025-03-31"},
			{"2025-01-11", "renew"}}, [][2]string{
			{"2025-05-30", "pro active 2025-04-30/2025-05-31"},
			{"2025-05-31", "pro expired 2025-05-31/2025-06-30"},
		}},
		{"cancelled before it begins, then another", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-31"},
			{"2025-01-11", "cancel"}, {"2025-01-12", "subscribe basic"}}, [][2]string{
			{"2025-01-12", "basic active 2025-01-12/2025-02-12"},
			{"2025-03-30", "basic active 2025-03-12/2025-04-12"},
			{"2025-03-31", "basic active 2025-03-12/2025-04-12"},
			{"2025-06-01", "basic active 2025-05-12/2025-06-12"},
		}},
		{"cancelled before it begins, then renewed", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-31"},
			{"2025-01-11", "cancel"}, {"2025-01-12", "renew"}, {"2025-01-13", "change basic"}}, [][2]string{
			{"2025-01-12", "pro active 2025-01-12/2025-02-12"},
			{"2025-04-01", "basic active 2025-03-12/2025-04-12"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLife(t)
			for _, step := range tt.steps {
				l.must(step[0], step[1])
			}
			for _, want := range tt.want {
				if got := l.state(at(t, want[0])); got != want[1] {
					t.Errorf("on %s: %s, want %s", want[0], got, want[1])
				}
			}
		})
	}
}

func TestChangeActions(t *testing.T) {
	l := newLife(t)
	for _, step := range []struct {
		now, step string
		want      plan.ChangeAction
	}{
		{"2025-01-10", "subscribe basic", plan.New},
		{"2025-01-11", "change pro", plan.Upgrade},
		{"2025-01-12", "change free", plan.Downgrade},
		{"2025-01-13", "suspend", plan.Suspend},
		{"2025-01-14", "resume", plan.Resume},
		{"2025-01-15", "renew", plan.Renewal},
		{"2025-01-16", "cancel", plan.Cancel},
		{"2025-01-17", "renew", plan.Renewal},
	} {
		c := l.must(step.now, step.step)
		if c.Action != step.want || !c.EffectiveAt.Equal(at(t, step.now)) {
			t.Errorf("%s is a %s at %s", step.step, c.Action, c.EffectiveAt)
		}
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	tests := []struct {
		name  string
		steps [][2]string
		now   string
		step  string
		code  failure.Code
		want  string // part of the message or hint
	}{
		{"subscribed twice", [][2]string{{"2025-01-10", "subscribe pro"}}, "2025-01-11", "subscribe basic", failure.Conflict,
			"already_subscribed [{user ann} {plan Basic}]"},
		{"subscribed while pending", [][2]string{{"2025-01-10", "subscribe pro from 2025-03-01"}}, "2025-01-11",
			"subscribe basic", failure.Conflict, "(Pro, pending)"},
		{"subscribed while suspended", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-11", "suspend"}}, "2025-01-12",
			"subscribe basic", failure.Conflict, "(Pro, suspended)"},
		{"subscribed before the last one's end", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"}},
			"2025-02-01", "subscribe pro from 2025-01-19", failure.Invalid, "2025-01-20T00:00:00Z"},
		{"subscribed again in the future", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"}},
			"2025-02-01", "subscribe pro from 2025-02-02", failure.Invalid, "nor in the future"},
		{"same plan", [][2]string{{"2025-01-10", "subscribe pro"}}, "2025-01-11", "change pro", failure.Conflict,
			"on the plan Pro already"},
		{"changed without one", nil, "2025-01-11", "change pro", failure.NotFound, "no_subscription [{user ann}]"},
		{"changed after its end", [][2]string{{"2025-01-10", "subscribe pro once"}}, "2025-02-10", "change basic",
			failure.Conflict, "expired since 2025-02-10T00:00:00Z"},
		{"changed after it was cancelled", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"}},
			"2025-01-20", "change basic", failure.Conflict, "cancelled since 2025-01-20T00:00:00Z"},
		{"cancelled without one", nil, "2025-01-11", "cancel", failure.NotFound, "ann has no subscription"},
		{"cancelled twice", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel"}}, "2025-01-21", "cancel",
			failure.Conflict, "has ended"},
		{"cancelled ahead twice", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "cancel at end"}}, "2025-01-21",
			"cancel at end", failure.Conflict, "set to end at 2025-02-10T00:00:00Z already"},
		{"renewed without one", nil, "2025-01-11", "renew", failure.NotFound, "ann has no subscription"},
		{"renewed while suspended", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "suspend"}}, "2025-01-21",
			"renew", failure.Conflict, "subscription_suspended [{user ann}]"},
		{"suspended without one", nil, "2025-01-11", "suspend", failure.NotFound, "ann has no subscription"},
		{"suspended twice", [][2]string{{"2025-01-10", "subscribe pro"}, {"2025-01-20", "suspend"}}, "2025-01-21", "suspend",
			failure.Conflict, "suspended already"},
		{"suspended after its end", [][2]string{{"2025-01-10", "subscribe pro once"}}, "2025-03-01", "suspend",
			failure.Conflict, "subscription_ended [{user ann}]"},
		{"resumed without one", nil, "2025-01-11", "resume", failure.NotFound, "ann has no subscription"},
		{"resumed while it runs", [][2]string{{"2025-01-10", "subscribe pro"}}, "2025-01-11", "resume", failure.Conflict,
			"it is active"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLife(t)
			for _, step := range tt.steps {
				l.must(step[0], step[1])
			}
			before := l.Account
			_, err := l.do(tt.now, tt.step)
			f := wantFailure(t, err, tt.code)
			if told := fmt.Sprintln(f.Message, f.Reason, f.Args); !strings.Contains(told, tt.want) {
				t.Errorf("%q is missing in %s", tt.want, told)
			}
			if before.Subscription != nil && *before.Subscription != *l.Subscription {
				t.Error("it changed the subscription")
			}
		})
	}
}

func TestAfterLeavesTheOldAccountAlone(t *testing.T) {
	l := newLife(t)
	l.must("2025-01-10", "subscribe basic")
	old := l.Account
	c, err := old.ChangePlan(mustFind(t, old.Plans, "pro"), at(t, "2025-01-20"))
	if err != nil {
		t.Fatal(err)
	}
	c.Email = "ann@example.org"
	changed := old.After(c)
	if len(old.Segments) != 1 || old.Subscription.PlanID == changed.Subscription.PlanID || old.Email != "" ||
		changed.Email != "ann@example.org" {
		t.Errorf("before %+v, after %+v", old, changed)
	}
	c.Email = ""
	if again := changed.After(c); again.Email != "ann@example.org" {
		t.Errorf("an email that isn't given is %q", again.Email)
	}
}

func TestPlanAtRefusesAPlanThatIsGone(t *testing.T) {
	l := newLife(t)
	l.must("2025-01-10", "subscribe pro")
	l.Plans = l.Plans[:1]
	_, err := l.PlanAt(at(t, "2025-01-11"))
	wantFailure(t, err, failure.Internal)
	_, err = plan.Account{}.PlanAt(at(t, "2025-01-11"))
	wantFailure(t, err, failure.Unavailable)
	if _, err := l.do("2025-01-12", "subscribe free"); err == nil || !strings.Contains(err.Error(),
		"a plan that is gone") {
		t.Errorf("got %v", err)
	}
}

func TestParseCycle(t *testing.T) {
	for text, months := range map[string]int{"monthly": 1, "yearly": 12} {
		if c, err := plan.ParseCycle(text); err != nil || c.Months() != months {
			t.Errorf("%s: %s, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "Monthly", "weekly", " yearly"} {
		_, err := plan.ParseCycle(text)
		wantFailure(t, err, failure.Invalid)
	}
}

// Whatever an admin does, the usage periods of a user cover the time from the first to the last without overlapping and
// without a gap, and the plan changes where a change says so.
func TestPeriodsOfAnyHistory(t *testing.T) {
	plans := stored(t)
	rapid.Check(t, func(t *rapid.T) {
		a := plan.Account{UserID: "ann", Plans: plans}
		now := anyAnchor().Draw(t, "beginning")
		first := now
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			pause := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 5), rapid.Int64Range(0, 100*86_400_000_000)).Draw(t,
				"pause")
			now = now.Add(time.Duration(pause) * time.Microsecond)
			if c, ok := anyChange(t, a, now); ok {
				if c.EffectiveAt.Before(first) {
					first = c.EffectiveAt
				}
				a = a.After(c)
				checkChange(t, a, c, now)
			}
		}
		end := now.AddDate(1, 0, 0)
		last := a.PeriodAt(first.AddDate(0, -2, 0))
		for last.End.Before(end) {
			next := a.PeriodAt(last.End)
			if !next.Start.Equal(last.End) || !next.End.After(next.Start) {
				t.Fatalf("after %v comes %v: %+v", last, next, a.Segments)
			}
			for _, moment := range []time.Time{next.Start.Add(next.End.Sub(next.Start) / 3), next.End.Add(-time.Nanosecond)} {
				if a.PeriodAt(moment) != next {
					t.Fatalf("%s lies in %v, and in %v: %+v", moment, next, a.PeriodAt(moment), a.Segments)
				}
			}
			if next.End.After(addMonths(next.Start, 1)) && next.End.Sub(next.Start) > 31*24*time.Hour {
				t.Fatalf("%v is longer than a month", next)
			}
			checkParts(t, a, next)
			last = next
		}
	})
}

// checkParts requires that the parts of a period are all of it, one for each plan that held at some moment of it.
func checkParts(t *rapid.T, a plan.Account, p plan.Period) {
	parts, err := a.PartsOf(p)
	if err != nil {
		t.Fatal(err)
	}
	length, seen := time.Duration(0), map[int64]bool{}
	for _, part := range parts {
		length += part.Length
		held, err := a.PlanAt(part.Until.Add(-time.Nanosecond))
		if err != nil || held.ID != part.Plan.ID || seen[held.ID] || part.Until.After(p.End) {
			t.Fatalf("%s has the part %+v, with %s: %v", p, part, held.Name, err)
		}
		seen[held.ID] = true
	}
	if last := parts[len(parts)-1]; length != p.End.Sub(p.Start) || !last.Until.Equal(p.End) {
		t.Fatalf("the parts %+v are not all of %v", parts, p)
	}
}

func anyChange(t *rapid.T, a plan.Account, now time.Time) (plan.Change, bool) {
	to := a.Plans[rapid.IntRange(0, len(a.Plans)-1).Draw(t, "plan")]
	var c plan.Change
	var err error
	switch rapid.SampledFrom([]string{"subscribe", "subscribe", "change", "cancel", "cancel at end", "renew", "suspend",
		"resume"}).Draw(t, "step") {
	case "subscribe":
		shift := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-60*86_400_000_000, 60*86_400_000_000)).Draw(t, "shift")
		c, err = a.Subscribe(plan.Order{Plan: to, Cycle: rapid.SampledFrom([]plan.Cycle{plan.Monthly, plan.Yearly}).Draw(t,
			"cycle"),
			Start: now.Add(time.Duration(shift) * time.Microsecond), AutoRenew: rapid.Bool().Draw(t, "renews")}, now)
	case "change":
		c, err = a.ChangePlan(to, now)
	case "cancel":
		c, err = a.Cancel(false, now)
	case "cancel at end":
		c, err = a.Cancel(true, now)
	case "renew":
		c, err = a.Renew(now)
	case "suspend":
		c, err = a.Suspend(now)
	case "resume":
		c, err = a.Resume(now)
	}
	if err != nil && failure.CodeOf(err) == failure.Internal {
		t.Fatalf("it failed with %v", err)
	}
	return c, err == nil
}

// checkChange checks what has to hold after any change.
func checkChange(t *rapid.T, a plan.Account, c plan.Change, now time.Time) {
	sub := a.Subscription
	if !sub.EndsAt.IsZero() && sub.EndsAt.Before(sub.Anchor) { // it never began: the tables say what holds then
		return
	}
	if p, err := a.PlanAt(c.EffectiveAt); err != nil || p.ID != sub.PlanID {
		t.Fatalf("after a %s at %s the plan is %s, %v, want %d: %+v", c.Action, c.EffectiveAt, p.Name, err, sub.PlanID,
			a.Segments)
	}
	later := now.Add(time.Duration(rapid.Int64Range(0, 400*86_400_000_000).Draw(t, "later")) * time.Microsecond)
	if later.Before(c.EffectiveAt) {
		later = c.EffectiveAt
	}
	if p, err := a.PlanAt(later); err != nil || p.ID != sub.PlanID || a.PeriodAt(later) != plan.PeriodAt(sub.Anchor,
		later) {
		t.Fatalf("on %s the plan is %s, %v, in %v, want %d in %v: %+v", later, p.Name, err, a.PeriodAt(later), sub.PlanID,
			plan.PeriodAt(sub.Anchor, later), a.Segments)
	}
	if sub.PaidUntil.Equal(sub.Anchor) || sub.CycleAt(sub.PaidUntil).Start != sub.PaidUntil {
		t.Fatalf("it is paid until %s, which is no end of a cycle from %s", sub.PaidUntil, sub.Anchor)
	}
	if !sub.EndsAt.IsZero() && c.Action == plan.Cancel && sub.EndsAt.Before(now) {
		// A suspended one may have been paid up to a moment that is gone.
		if !sub.Suspended {
			t.Fatalf("it was cancelled on %s to end on %s", now, sub.EndsAt)
		}
	}
	if c.Action == plan.Renewal && sub.StatusAt(now).Ended() {
		t.Fatalf("renewed, it is %s", sub.StatusAt(now))
	}
}
