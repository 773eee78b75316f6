// Package plan holds plans, limits, subscriptions and usage periods, and the default plan catalogue. It does no I/O and
// reads no clock.
package plan

import (
	"slices"
	"strconv"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Meter says what a limit counts.
type Meter string

// The meters.
const (
	Calls  Meter = "calls"  // requests that did not fail
	Tokens Meter = "tokens" // input and output tokens
	Cost   Meter = "cost"   // pico-dollars

	// Parallel is of Rates.Parallel alone: calls that run at the same time.
	Parallel Meter = "parallel_calls"
)

// Action says what happens at a limit.
type Action string

// The actions.
const (
	Block Action = "block" // the call is refused
	Warn  Action = "warn"  // it is shown and makes an alert
)

// Scope says whose usage a limit counts: that of some providers, that of some vendors, or, when both are empty, all of
// it.
type Scope struct {
	Providers []string `json:"providers,omitempty"`
	Vendors   []string `json:"vendors,omitempty"`
}

// Covers tells whether usage of a provider, served by a vendor, counts.
func (s Scope) Covers(provider, vendor string) bool {
	if len(s.Providers) == 0 && len(s.Vendors) == 0 {
		return true
	}
	return slices.Contains(s.Providers, provider) || slices.Contains(s.Vendors, vendor)
}

// Equal tells whether two scopes name the same providers and vendors.
func (s Scope) Equal(t Scope) bool {
	return slices.Equal(s.Providers, t.Providers) && slices.Equal(s.Vendors, t.Vendors)
}

// Limit is a meter over a scope with a maximum for each usage period.
type Limit struct {
	Name  string `json:"name"` // limits are kept with bills: these names stay
	Meter Meter  `json:"meter"`
	Scope Scope  `json:"scope"`
	// Max is in the meter's unit (calls, tokens, pico-dollars); 0 means that the plan does not include it. It counts for
	// nothing where Unlimited is true.
	Max       int64  `json:"max"`
	Unlimited bool   `json:"unlimited"`
	Action    Action `json:"action"`
}

// Equal tells whether two limits are the same in everything.
func (l Limit) Equal(m Limit) bool {
	return l.Name == m.Name && l.Meter == m.Meter && l.Scope.Equal(m.Scope) &&
		l.Unlimited == m.Unlimited && (l.Unlimited || l.Max == m.Max) && l.Action == m.Action
}

// Amount writes an amount of the limit's meter exactly: a count, or dollars.
func (l Limit) Amount(n int64) string {
	if l.Meter == Cost {
		return pricing.USD(n).String()
	}
	return strconv.FormatInt(n, 10)
}

// MaxText writes the maximum: an amount, or "unlimited".
func (l Limit) MaxText() string {
	if l.Unlimited {
		return "unlimited"
	}
	return l.Amount(l.Max)
}

func (l Limit) validate() error {
	if err := pricing.ValidateName("its name", l.Name); err != nil {
		return err
	}
	switch l.Meter {
	case Calls, Tokens, Cost:
	default:
		return failure.Invalidf("meter is %q: it must be calls, tokens or cost", l.Meter)
	}
	switch l.Action {
	case Block, Warn:
	default:
		return failure.Invalidf("action is %q: it must be block or warn", l.Action)
	}
	if l.Max < 0 {
		return failure.Invalidf("max is %s: it must be 0 or more, or unlimited", l.Amount(l.Max))
	}
	return nil
}

// Unit returns the name of the meter's unit for people.
func (l Limit) Unit() string {
	switch l.Meter {
	case Cost:
		return "dollars"
	case Parallel:
		return "parallel calls"
	}
	return string(l.Meter)
}
