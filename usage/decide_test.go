package usage_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// wantFailure checks the code of a failure and what its message or hint says.
func wantFailure(t testing.TB, err error, code failure.Code, texts ...string) {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Fatalf("got %v, want a failure with the code %s", err, code)
	}
	if len(f.Message) > 5_000 {
		t.Errorf("the message has %d bytes", len(f.Message))
	}
	for _, text := range texts {
		if !strings.Contains(f.Message+"\n"+f.Hint, text) {
			t.Errorf("%q (hint: %q) does not say %q", f.Message, f.Hint, text)
		}
	}
}

func limitOf(max int64, action plan.Action) plan.Limit {
	return plan.Limit{Name: "calls", Meter: plan.Calls, Max: max, Action: action}
}

func parallelUse(max, held int64) usage.LimitUse {
	limit, _ := plan.Rates{ParallelCalls: max}.Parallel()
	return usage.LimitUse{Limit: limit, Reserved: held, Requested: 1}
}

// A plan that bills what is beyond its limits sells no calls at the same time. A limit that is used up is told first:
// to wait for other calls would not help.
func TestDecideParallelCalls(t *testing.T) {
	v := usage.Decide(plan.Active, plan.OverageAllow, []usage.LimitUse{parallelUse(2, 2)})
	if v.Allowed || v.Reason != usage.TooManyParallelCalls || v.Limit != plan.ParallelCalls ||
		v.Message != "parallel_calls is reached: 2 reservations held, of at most 2" {
		t.Errorf("overage: %+v", v)
	}
	full := usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 10, Requested: 1}
	v = usage.Decide(plan.Active, plan.OverageBlock, []usage.LimitUse{full, parallelUse(2, 2)})
	if v.Reason != usage.LimitExceeded || len(v.Limits) != 2 || v.Limits[1].OK {
		t.Errorf("both: %+v", v)
	}
}

func TestDecideOneLimit(t *testing.T) {
	const most = math.MaxInt64
	unlimited := plan.Limit{Name: "open", Meter: plan.Calls, Unlimited: true, Action: plan.Block}
	for name, c := range map[string]struct {
		use    usage.LimitUse
		reason usage.Reason
	}{
		"the first call": {usage.LimitUse{Limit: limitOf(10, plan.Block), Requested: 1}, ""},
		"the last call":  {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 9, Requested: 1}, ""},
		"one too many": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 10, Requested: 1},
			usage.LimitExceeded},
		"nothing, once it is used up": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 10}, usage.LimitExceeded},
		"over it already":             {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 12}, usage.LimitExceeded},
		"the rest is reserved": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 5, Reserved: 5,
			Requested: 1}, usage.LimitExceeded},
		"more is reserved than is left": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 5, Reserved: 6},
			usage.LimitExceeded},
		"nothing, with the rest reserved": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 5, Reserved: 5}, ""},
		"exactly what is left": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 3, Reserved: 3,
			Requested: 4}, ""},
		"more than is left": {usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 3, Reserved: 3,
			Requested: 5}, usage.LimitExceeded},
		"the last of those that run at once": {parallelUse(2, 1), ""},
		"one too many at once":               {parallelUse(2, 2), usage.TooManyParallelCalls},
		"not in the plan":                    {usage.LimitUse{Limit: limitOf(0, plan.Block), Requested: 1}, usage.NotInPlan},
		"nothing of what is not in it":       {usage.LimitUse{Limit: limitOf(0, plan.Block)}, usage.NotInPlan},
		"what only warns":                    {usage.LimitUse{Limit: limitOf(10, plan.Warn), Used: 10, Requested: 1}, ""},
		"what is not in it and only warns":   {usage.LimitUse{Limit: limitOf(0, plan.Warn), Requested: 1}, ""},
		"unlimited": {usage.LimitUse{Limit: unlimited, Used: most, Reserved: most, Requested: most},
			""},
		"sums beyond an integer": {usage.LimitUse{Limit: limitOf(most, plan.Block), Used: most - 1, Reserved: most,
			Requested: most}, usage.LimitExceeded},
		"a request beyond an integer": {usage.LimitUse{Limit: limitOf(most, plan.Block), Used: 1, Requested: most},
			usage.LimitExceeded},
		"exactly as much as an integer has": {usage.LimitUse{Limit: limitOf(most, plan.Block), Used: 1, Reserved: 1,
			Requested: most - 2}, ""},
	} {
		d := usage.Decide(plan.Active, plan.OverageBlock, []usage.LimitUse{c.use})
		if d.Allowed != (c.reason == "") || d.Reason != c.reason || d.Message == "" || len(d.Limits) != 1 {
			t.Errorf("%s: %+v, want %q", name, d, c.reason)
		}
	}
}

func TestDecideByStatus(t *testing.T) {
	fits, full := usage.LimitUse{Limit: limitOf(10, plan.Block)}, usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 10}
	for status, reason := range map[plan.Status]usage.Reason{
		plan.Active: "", plan.Pending: "", plan.Suspended: usage.IsSuspended, plan.Cancelled: usage.IsCancelled,
		plan.Expired: usage.IsExpired,
	} {
		for _, uses := range [][]usage.LimitUse{nil, {fits}, {full}} {
			want := reason
			if want == "" && len(uses) > 0 && uses[0].Used == 10 {
				want = usage.LimitExceeded
			}
			if d := usage.Decide(status, plan.OverageBlock, uses); d.Reason != want || d.Allowed != (want == "") ||
				len(d.Limits) != len(uses) {
				t.Errorf("%s with %v: %+v, want %q", status, uses, d, want)
			}
		}
	}
}

// Where the plan allows overage, a limit that blocks says how much is included.
func TestDecideAllowsOverage(t *testing.T) {
	full, part := usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 10, Requested: 1},
		usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 3, Reserved: 3, Requested: 5}
	fits, warns := usage.LimitUse{Limit: limitOf(10, plan.Block), Used: 9, Requested: 1},
		usage.LimitUse{Limit: limitOf(10, plan.Warn), Used: 10, Requested: 1}
	none, open := usage.LimitUse{Limit: limitOf(0, plan.Block), Requested: 1},
		usage.LimitUse{Limit: plan.Limit{Unlimited: true, Action: plan.Block}, Used: 1}
	for name, c := range map[string]struct {
		status  plan.Status
		uses    []usage.LimitUse
		reason  usage.Reason
		says    string
		overage string // limit by limit
	}{
		"used up": {plan.Active, []usage.LimitUse{full}, "", "allowed, as overage beyond calls",
			"[true]"},
		"more than is left": {plan.Active, []usage.LimitUse{part}, "", "allowed, as overage beyond calls",
			"[true]"},
		"within it": {plan.Active, []usage.LimitUse{fits}, "", "allowed", "[false]"},
		"unlimited": {plan.Active, []usage.LimitUse{open}, "", "allowed", "[false]"},
		"what only warns": {plan.Active, []usage.LimitUse{warns, full}, "", "allowed, as overage beyond " +
			"calls, though over what only warns: calls", "[false true]"},
		"what only warns, and no more": {plan.Active, []usage.LimitUse{warns}, "", "allowed, though over what only warns: " +
			"calls", "[false]"},
		"not in the plan": {plan.Active, []usage.LimitUse{full, none}, usage.NotInPlan,
			"calls is 0: the plan does not include it", "[true false]"},
		"suspended": {plan.Suspended, []usage.LimitUse{full}, usage.IsSuspended,
			"the subscription is suspended", "[true]"},
		"expired": {plan.Expired, []usage.LimitUse{full}, usage.IsExpired, "the subscription is expired",
			"[true]"},
	} {
		d := usage.Decide(c.status, plan.OverageAllow, c.uses)
		var overage []bool
		for _, v := range d.Limits {
			overage = append(overage, v.Overage)
			if v.Overage && !v.OK {
				t.Errorf("%s: overage that does not pass: %+v", name, v)
			}
		}
		if d.Allowed != (c.reason == "") || d.Reason != c.reason || d.Message != c.says || fmt.Sprint(overage) != c.overage {
			t.Errorf("%s: %+v, want %q: %s, overage %s", name, d, c.reason, c.says, c.overage)
		}
	}
}

// The first limit that refuses is named, but what is not in the plan at all says more than what is used up.
func TestDecideNamesTheReasonThatCounts(t *testing.T) {
	full, other, none, warns := usage.LimitUse{Limit: limitOf(5, plan.Block), Used: 5},
		usage.LimitUse{Limit: limitOf(7, plan.Block), Used: 7},
		usage.LimitUse{Limit: limitOf(0, plan.Block)}, usage.LimitUse{Limit: limitOf(1, plan.Warn), Used: 3}
	other.Limit.Name, none.Limit.Name, warns.Limit.Name = "other", "none", "warns"
	for _, c := range []struct {
		uses   []usage.LimitUse
		reason usage.Reason
		says   string
	}{
		{[]usage.LimitUse{full, other}, usage.LimitExceeded, "calls is used up: 5 of 5 calls"},
		{[]usage.LimitUse{full, none, other}, usage.NotInPlan, "none is 0"},
		{[]usage.LimitUse{none, full}, usage.NotInPlan, "none is 0"},
		{[]usage.LimitUse{warns, full}, usage.LimitExceeded, "calls is used up"},
		{[]usage.LimitUse{warns}, "", "allowed, though over what only warns: warns"},
		{nil, "", "allowed"},
	} {
		d := usage.Decide(plan.Active, plan.OverageBlock, c.uses)
		if d.Reason != c.reason || !strings.HasPrefix(d.Message, c.says) || d.Limit != "" &&
			!strings.HasPrefix(c.says, d.Limit+" is ") || d.Allowed != (d.Limit == "") {
			t.Errorf("%v: %q since %q, want %q since %q", c.uses, d.Message, d.Reason, c.says, c.reason)
		}
	}
}

// The rule of the design, with numbers that have no bounds.
func TestDecideIsTheRule(t *testing.T) {
	amounts := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64Range(0, math.MaxInt64),
		rapid.Int64Range(math.MaxInt64-5, math.MaxInt64))
	rapid.Check(t, func(t *rapid.T) {
		u := usage.LimitUse{Limit: limitOf(amounts.Draw(t, "max"), plan.Block), Used: amounts.Draw(t, "used"),
			Reserved: amounts.Draw(t, "reserved"), Requested: amounts.Draw(t, "requested")}
		sum := new(big.Int).Add(big.NewInt(u.Used), big.NewInt(u.Reserved))
		sum.Add(sum, big.NewInt(u.Requested))
		want := u.Used < u.Limit.Max && sum.Cmp(big.NewInt(u.Limit.Max)) <= 0
		if d := usage.Decide(plan.Active, plan.OverageBlock, []usage.LimitUse{u}); d.Allowed != want {
			t.Fatalf("%+v: %+v", u, d)
		}
		if d := usage.Decide(plan.Active, plan.OverageAllow, []usage.LimitUse{u}); d.Allowed != (u.Limit.Max > 0) ||
			d.Limits[0].Overage != (d.Allowed && !want) {
			t.Fatalf("with overage, %+v: %+v", u, d)
		}
		percent := rapid.IntRange(0, 1000).Draw(t, "percent")
		hundredfold := new(big.Int).Mul(big.NewInt(u.Used), big.NewInt(100))
		reached := u.Limit.Max > 0 && hundredfold.Cmp(new(big.Int).Mul(big.NewInt(u.Limit.Max),
			big.NewInt(int64(percent)))) >= 0
		if u.Reached(percent) != reached {
			t.Fatalf("%+v has reached %d%%: %t", u, percent, !reached)
		}
		perMille, ok := u.PerMille()
		if ok != (u.Limit.Max > 0) {
			t.Fatalf("%+v has percentages: %t", u, ok)
		}
		if ok {
			want := new(big.Int).Mul(big.NewInt(u.Used), big.NewInt(1000))
			want.Quo(want, big.NewInt(u.Limit.Max))
			if !want.IsInt64() {
				want.SetInt64(math.MaxInt64)
			}
			if perMille != want.Int64() {
				t.Fatalf("%+v: %d, want %s", u, perMille, want)
			}
		}
	})
}
