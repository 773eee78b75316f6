package usage

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// Reason is the code of what refused a call.
type Reason string

// The reasons.
const (
	LimitExceeded Reason = "limit_exceeded"
	NotInPlan     Reason = "not_in_plan"
	IsSuspended   Reason = "suspended"
	IsCancelled   Reason = "cancelled"
	IsExpired     Reason = "expired"

	// The plan has room, and a little later the call passes.
	TooManyParallelCalls Reason = "too_many_parallel_calls"
	RateLimited          Reason = "rate_limited"

	// The token that the call came with has limits of its own.
	TokenLimitExceeded Reason = "token_limit_exceeded"
	NotInToken         Reason = "not_in_token"
)

// LimitUse is how far one limit is used in a period: amounts are in the limit's unit
// (calls, tokens, pico-dollars).
type LimitUse struct {
	Limit     plan.Limit
	Used      int64 // recorded
	Reserved  int64 // held by reservations
	Requested int64 // what the call in question would add
	// Free tells that the call in question is known to cost nothing, and the limit counts cost: it takes nothing from it.
	Free bool
	// Token is the public part of the API token whose limit it is; "" for a limit of the plan. ResetsAt is when it begins
	// anew, which then may be another moment than the end of the user's period.
	Token    string
	ResetsAt time.Time
}

// LimitVerdict is what one limit says to a call.
type LimitVerdict struct {
	LimitUse
	OK bool // also of a limit that only warns
	// Overage tells that the call is beyond the limit and passes all the same, since
	// the plan allows it.
	Overage bool
}

// Verdict is whether a call may be made, and why.
type Verdict struct {
	Allowed bool
	Reason  Reason // empty where it is allowed
	Message string
	Limit   string // the name of the limit that refuses; empty where the status does
	Token   string // the public part of the token whose limit or rate that is; empty where it is the plan's
	// RetryAfter is how long to wait until a call that is refused may pass; 0: to wait does not help.
	RetryAfter time.Duration
	Limits     []LimitVerdict
}

// Decide says whether a call passes. The subscription's status comes first; then
// every blocking limit must have used < max and used + reserved + requested <=
// max, unless it counts cost and the call is free. A limit of 0 is not included in the plan. Limits that only warn are
// judged too but refuse nothing. Where the plan allows overage, a limit above 0
// refuses nothing either: it says how much is included. Limits of the API token that a call comes with are judged
// alike, after the plan's, and allow no overage.
func Decide(status plan.Status, overage plan.Overage, uses []LimitUse) Verdict {
	d, wait := Verdict{Allowed: true}, retryHeld
	for _, u := range uses {
		v := u.verdict(overage)
		d.Limits = append(d.Limits, v)
		if v.OK || u.Limit.Action != plan.Block {
			continue
		}
		if !u.fitsWithoutHeld() {
			wait = 0
		}
		if d.Allowed || (d.Reason == LimitExceeded || d.Reason == TokenLimitExceeded) && u.Limit.Max == 0 {
			d.Allowed, d.Reason, d.Message, d.Limit, d.Token = false, u.refusal(), u.message(), u.Limit.Name, u.Token
		}
	}
	if !d.Allowed {
		d.RetryAfter = wait
	}
	if refusal := refusedStatus(status); refusal != "" {
		d.Allowed, d.Reason, d.Limit, d.Token, d.RetryAfter = false, refusal, "", "", 0
		d.Message = fmt.Sprintf("the subscription is %s", status)
	}
	if d.Allowed {
		d.Message = "allowed" + d.overages() + d.warnings()
	}
	return d
}

func refusedStatus(s plan.Status) Reason {
	switch s {
	case plan.Suspended:
		return IsSuspended
	case plan.Cancelled:
		return IsCancelled
	case plan.Expired:
		return IsExpired
	}
	return ""
}

// verdict judges a limit by itself.
func (u LimitUse) verdict(overage plan.Overage) LimitVerdict {
	v := LimitVerdict{LimitUse: u, OK: u.fits()}
	if !v.OK && overage == plan.OverageAllow && u.Token == "" && u.Limit.TakesOverage() {
		v.OK, v.Overage = true, true
	}
	return v
}

// fits is written so that no sum can overflow.
func (u LimitUse) fits() bool {
	if u.Limit.Unlimited || u.Free && u.Limit.Max > 0 {
		return true
	}
	if u.Used >= u.Limit.Max {
		return false
	}
	room := u.Limit.Max - u.Used
	return u.Reserved <= room && u.Requested <= room-u.Reserved
}

// retryHeld is after how long to try a call again that nothing but reservations stand in the way of.
const retryHeld = 2 * time.Second

func (u LimitUse) fitsWithoutHeld() bool {
	u.Reserved = 0
	return u.fits()
}

func (u LimitUse) refusal() Reason {
	switch {
	case u.Limit.Meter == plan.Parallel:
		return TooManyParallelCalls
	case u.Limit.Max == 0 && u.Token != "":
		return NotInToken
	case u.Limit.Max == 0:
		return NotInPlan
	case u.Token != "":
		return TokenLimitExceeded
	}
	return LimitExceeded
}

// Name names the limit for people, with the token whose it is.
func (u LimitUse) Name() string {
	if u.Token == "" {
		return u.Limit.Name
	}
	return u.Limit.Name + " of the token " + u.Token
}

func (u LimitUse) whose() string {
	if u.Token == "" {
		return "plan"
	}
	return "token"
}

func (u LimitUse) message() string {
	l, name := u.Limit, u.Name()
	switch {
	case l.Meter == plan.Parallel:
		return fmt.Sprintf("%s is reached: %s held, of at most %d", name, failure.Counted(u.Reserved, "reservation"), l.Max)
	case l.Max == 0:
		return fmt.Sprintf("%s is 0: the %s does not include it", name, u.whose())
	case u.Used >= l.Max:
		return fmt.Sprintf("%s is used up: %s of %s %s", name, l.Amount(u.Used), l.Amount(l.Max), l.Unit())
	case u.Reserved > 0:
		return fmt.Sprintf("%s would be exceeded: %s used, %s reserved and %s requested, of %s %s", name,
			l.Amount(u.Used), l.Amount(u.Reserved), l.Amount(u.Requested), l.Amount(l.Max), l.Unit())
	}
	return fmt.Sprintf("%s would be exceeded: %s used and %s requested, of %s %s", name,
		l.Amount(u.Used), l.Amount(u.Requested), l.Amount(l.Max), l.Unit())
}

// messageWithoutAmounts is message for those who are not told how much there is of what a limit counts.
func (u LimitUse) messageWithoutAmounts() string {
	if u.Used >= u.Limit.Max {
		return u.Name() + " is used up"
	}
	return u.Name() + " would be exceeded"
}

func (d Verdict) overages() string {
	return d.naming(", as overage beyond ", func(v LimitVerdict) bool { return v.Overage })
}

func (d Verdict) warnings() string {
	return d.naming(", though over what only warns: ", func(v LimitVerdict) bool { return !v.OK })
}

// naming says something with the names of some of the limits, or nothing where
// there are none.
func (d Verdict) naming(what string, some func(LimitVerdict) bool) string {
	var names []string
	for _, v := range d.Limits {
		if some(v) {
			names = append(names, v.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return what + strings.Join(names, ", ")
}

// Reached tells whether so many percent of the limit are used. Unlimited limits
// and those of 0 have no percentages.
func (u LimitUse) Reached(percent int) bool { return reached(&u.Limit, u.Used, percent) }

func reached(l *plan.Limit, used int64, percent int) bool {
	if l.Unlimited || l.Max <= 0 || used < 0 {
		return false
	}
	usedHi, usedLo := bits.Mul64(uint64(used), 100)
	maxHi, maxLo := bits.Mul64(uint64(l.Max), uint64(percent))
	return usedHi > maxHi || usedHi == maxHi && usedLo >= maxLo
}

// PerMille returns how much of the limit is used, in thousandths rounded down,
// and false for a limit that has no percentages.
func (u LimitUse) PerMille() (int64, bool) {
	if u.Limit.Unlimited || u.Limit.Max <= 0 || u.Used < 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(u.Used), 1000)
	if hi >= uint64(u.Limit.Max) {
		return 1<<63 - 1, true
	}
	quotient, _ := bits.Div64(hi, lo, uint64(u.Limit.Max))
	return int64(min(quotient, 1<<63-1)), true
}
