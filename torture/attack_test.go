package torture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// kind is a kind of call, with the quantity that its limits count.
type kind struct {
	provider, model string
	quantity        pricing.Quantity
	flag            string
	most            int64 // that one call asks for
}

// kinds are the calls of the attack. A second of the model torture costs a microdollar.
func kinds() []kind {
	return []kind{
		{"gemini", "gemini-2.5-flash", pricing.Requests, "--requests", 3},
		{"mistral", "", pricing.Requests, "--requests", 2},
		{"openai", "gpt-4o", pricing.InputTokens, "--input-tokens", 900},
		{"video", "torture", pricing.Seconds, "--seconds", 150},
	}
}

const (
	attackers = 64
	users     = 3
	second    = int64(1_000_000) // pico-dollars: a microdollar
)

// op is one operation of the attack.
type op struct {
	verb   string // reserve, enforce, record, settle, release, check, reconcile
	id     string
	user   string
	kind   kind
	amount int64
	ttl    time.Duration
	now    time.Time
}

// asks returns what the operation asks of a limit.
func (o op) asks(l limit) int64 {
	switch l.meter {
	case tokens:
		return o.quantities()[pricing.InputTokens]
	case cost:
		return o.quantities()[pricing.Seconds] / pricing.Seconds.PerUnit() * second
	}
	return o.quantities()[pricing.Requests]
}

func (o op) quantities() pricing.Quantities {
	q := pricing.Quantities{pricing.Requests: 1}
	q[o.kind.quantity] = o.amount * o.kind.quantity.PerUnit()
	return q
}

// answer is what became of an operation: the exit code, also where no process ran.
type answer struct {
	op
	exit     int
	complain string
	allowed  bool
	seen     []seen
	took     time.Duration
}

// args returns the command line of an operation.
func (o op) args() []string {
	amount := []string{o.kind.flag, strconv.FormatInt(o.amount, 10)}
	call := append([]string{"--user", o.user, "--provider", o.kind.provider, "--model", o.kind.model}, amount...)
	switch o.verb {
	case "reserve":
		return append([]string{"limits", "reserve", "--id", o.id, "--ttl", o.ttl.String()}, call...)
	case "enforce":
		return append([]string{"usage", "record", "--enforce", "--id", o.id}, call...)
	case "record":
		return append([]string{"usage", "record", "--id", o.id}, call...)
	case "settle":
		return append([]string{"usage", "record", "--reservation", o.id}, amount...)
	case "release":
		return []string{"limits", "release", o.id}
	case "check":
		return append([]string{"limits", "check"}, call...)
	}
	return []string{o.verb}
}

// process performs operations by a process each.
func (a *arena) process(t testing.TB) func(op) answer {
	return func(o op) answer {
		r := a.run(t, o.now, o.args()...)
		got := answer{op: o, exit: r.status, complain: r.complaint(), took: r.took}
		if o.verb == "reserve" || o.verb == "check" || r.status == 4 {
			var err error
			if got.allowed, got.seen, err = parseDecision(r.out); err != nil && (r.status == 0 || r.status == 4) {
				t.Errorf("%v: %s in %q", o.args(), err, r.out)
			}
		}
		return got
	}
}

// parseDecision reads the JSON of limits check, limits reserve and a refused record.
func parseDecision(text string) (bool, []seen, error) {
	var decision struct {
		Allowed bool
		Limits  []struct {
			Name                           string
			Used, Reserved, Requested, Max json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(text), &decision); err != nil {
		return false, nil, err
	}
	var all []seen
	for _, l := range decision.Limits {
		s := seen{name: l.Name}
		for to, raw := range map[*int64]json.RawMessage{&s.used: l.Used, &s.reserved: l.Reserved, &s.requested: l.Requested,
			&s.max: l.Max} {
			n, err := parseMeasure(string(raw))
			if err != nil {
				return false, nil, err
			}
			*to = n
		}
		all = append(all, s)
	}
	return decision.Allowed, all, nil
}

// parseMeasure reads a count, or an amount of money, which JSON has as text.
func parseMeasure(text string) (int64, error) {
	if money, ok := strings.CutPrefix(text, `"`); ok {
		usd, err := pricing.ParseUSD(strings.TrimSuffix(money, `"`))
		return int64(usd), err
	}
	return strconv.ParseInt(text, 10, 64)
}

// library performs operations by calls of package usage, each on the next of the handles.
func library(handles []*db.DB) func(op) answer {
	var mu sync.Mutex
	next := 0
	return func(o op) answer {
		mu.Lock()
		d := handles[next%len(handles)]
		next++
		mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		defer cancel()
		began := time.Now()
		j, err := o.perform(ctx, d)
		got := answer{op: o, exit: exitOf(err), allowed: j.Allowed, took: time.Since(began)}
		if err != nil {
			got.complain = err.Error()
		}
		for _, v := range j.Limits {
			got.seen = append(got.seen, seen{v.Limit.Name, use{v.Used, v.Reserved, v.Requested}, v.Limit.Max})
		}
		return got
	}
}

func (o op) perform(ctx context.Context, d *db.DB) (usage.Decision, error) {
	s := &usage.Service{Store: d, Thresholds: usage.DefaultThresholds()}
	call := usage.Call{UserID: o.user, Provider: o.kind.provider, Model: o.kind.model, Quantities: o.quantities()}
	event := usage.Event{UserID: o.user, Quantities: o.quantities(), StatusCode: 200}
	switch o.verb {
	case "reserve":
		j, err := s.Reserve(ctx, o.now, call, o.id, o.ttl)
		if err == nil {
			err = j.Denied()
		}
		return j, err
	case "check":
		j, err := s.Check(ctx, o.now, call)
		if err == nil {
			err = j.Denied()
		}
		return j, err
	case "enforce":
		event.ID, event.Provider, event.Model = o.id, o.kind.provider, o.kind.model
		outcome, err := s.Record(ctx, o.now, event, usage.RecordOptions{Enforce: true})
		if outcome.Refusal != nil {
			return *outcome.Refusal, err
		}
		return usage.Decision{}, err
	case "settle":
		_, err := s.Record(ctx, o.now, event, usage.RecordOptions{Reservation: o.id})
		return usage.Decision{}, err
	case "release":
		_, err := s.Release(ctx, o.now, o.id)
		return usage.Decision{}, err
	}
	r, err := d.Reconcile(ctx, false)
	if err == nil && len(r.Discrepancies) > 0 {
		err = fmt.Errorf("reconcile: %+v", r.Discrepancies)
	}
	return usage.Decision{}, err
}

// exitOf returns the exit code that the program would have ended with.
func exitOf(err error) int {
	var f *failure.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f) && f.Code == failure.Denied:
		return 4
	case errors.As(err, &f) && f.Code == failure.Unavailable:
		return 6
	}
	return 1
}

// fighter is one of the attackers: what it does, it does one after the other.
type fighter struct {
	number int
	dice   *rand.Rand
	clock  func() time.Time
	held   []op // reservations that it took and has neither settled nor released
}

// fight performs so many operations.
func (f *fighter) fight(steps int, perform func(op) answer) []answer {
	var answers []answer
	for n := range steps {
		o := f.next(n)
		got := perform(o)
		answers = append(answers, got)
		if o.verb == "reserve" && got.exit == 0 {
			f.held = append(f.held, o)
		}
	}
	return answers
}

// next makes up an operation. Many reservations are never closed and expire, some are
// settled after that: then nothing is held for them any more.
func (f *fighter) next(n int) op {
	k := kinds()[f.dice.IntN(len(kinds()))]
	o := op{verb: "reserve", id: fmt.Sprintf("%d-%d", f.number, n), user: fmt.Sprint("user-", f.dice.IntN(users)), kind: k,
		amount: 1 + f.dice.Int64N(k.most), now: f.clock(), ttl: time.Duration(1+f.dice.IntN(4)) * time.Second}
	switch d := f.dice.IntN(12); {
	case d < 2:
		o.ttl = 10 * time.Minute
	case d < 5: // expires soon
	case d < 8 && len(f.held) > 0:
		return f.close("settle", o)
	case d == 8 && len(f.held) > 0:
		return f.close("release", o)
	case d == 10:
		o.verb = "check"
	case d == 11:
		o.verb = "reconcile"
	default:
		o.verb = "enforce"
	}
	return o
}

// close settles or releases one of the fighter's reservations. What is settled is what
// was reserved, or less, or more.
func (f *fighter) close(verb string, o op) op {
	i := f.dice.IntN(len(f.held))
	h := f.held[i]
	f.held = append(f.held[:i:i], f.held[i+1:]...)
	h.verb, h.now = verb, o.now
	switch f.dice.IntN(4) {
	case 0:
		h.amount = 1 + f.dice.Int64N(h.amount)
	case 1:
		h.amount += 1 + f.dice.Int64N(h.amount)
	}
	return h
}

// planFile writes the limits as the one plan of a plan file.
func planFile(limits []limit) string {
	var head, body strings.Builder
	for _, l := range limits {
		meter := []plan.Meter{plan.Calls, plan.Tokens, plan.Cost}[l.meter]
		most := strconv.FormatInt(l.max, 10)
		if l.meter == cost {
			most = pricing.USD(l.max).String()
		}
		action := plan.Block
		if l.warns {
			action = plan.Warn
		}
		fmt.Fprintf(&head, "  %s: {meter: %s, providers: [%s]}\n", l.name, meter, strings.Join(l.providers, ", "))
		fmt.Fprintf(&body, "      %s: {max: %s, action: %s}\n", l.name, most, action)
	}
	return "limits:\n" + head.String() + "plans:\n  - name: Free\n    tier: free\n    monthly: 0\n    yearly: 0\n    " +
		"description: under attack\n    features: []\n    limits:\n" + body.String()
}
