package plan

import (
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Cycle says how a subscription is paid. Its limits count by the month always.
type Cycle string

// The cycles.
const (
	Monthly Cycle = "monthly"
	Yearly  Cycle = "yearly"
)

// ParseCycle reads "monthly" or "yearly"; anything else is an invalid failure.
func ParseCycle(text string) (Cycle, error) {
	switch c := Cycle(text); c {
	case Monthly, Yearly:
		return c, nil
	}
	return "", failure.Invalidf("the billing cycle is %q: it must be monthly or yearly", text)
}

// Months returns how many months one paid cycle has.
func (c Cycle) Months() int {
	if c == Yearly {
		return 12
	}
	return 1
}

// Status says whether a subscription's calls are let through.
type Status string

// The statuses. A pending subscription begins later; until then its user is on the default plan.
const (
	Active    Status = "active"
	Pending   Status = "pending"
	Suspended Status = "suspended"
	Cancelled Status = "cancelled"
	Expired   Status = "expired"
)

// Statuses returns all of them.
func Statuses() []Status { return []Status{Active, Pending, Suspended, Cancelled, Expired} }

// Ended tells whether the status is one that a subscription does not come back from by itself.
func (s Status) Ended() bool { return s == Cancelled || s == Expired }

// Subscription is one user's plan, billing cycle and state.
type Subscription struct {
	PlanID int64
	Cycle  Cycle
	Anchor time.Time // when it began; its periods and cycles count from here
	// PaidUntil is the end of the last cycle that was paid for. It ends the subscription only where AutoRenew is off.
	PaidUntil time.Time
	AutoRenew bool
	Suspended bool
	EndsAt    time.Time // from when on it is cancelled; zero where it goes on
	// NextPlanID is the plan that it has from NextAt on; 0 where no change lies ahead.
	NextPlanID int64
	NextAt     time.Time
}

// neverBegan tells whether the subscription was cancelled before it began.
func (s Subscription) neverBegan() bool { return !s.EndsAt.IsZero() && s.EndsAt.Before(s.Anchor) }

// StatusAt returns the status at a moment.
func (s Subscription) StatusAt(at time.Time) Status {
	switch {
	case s.Suspended:
		return Suspended
	case !s.EndsAt.IsZero() && !at.Before(s.EndsAt):
		return Cancelled
	case at.Before(s.Anchor):
		return Pending
	case !s.AutoRenew && !at.Before(s.PaidUntil):
		return Expired
	}
	return Active
}

// CycleAt returns the paid cycle, a month or a year counted from the anchor, that contains a moment.
func (s Subscription) CycleAt(at time.Time) Period { return cycleAt(s.Anchor, at, s.Cycle.Months()) }

// PaidPeriodAt returns the paid cycle of a moment: before the subscription begins the first one, and once it has ended
// the last one, up to its end.
func (s Subscription) PaidPeriodAt(at time.Time) Period {
	at = later(at, s.Anchor)
	if end := s.endedAt(); s.StatusAt(at).Ended() || s.Suspended && !s.RunsAt(at) {
		last := s.CycleAt(end.Add(-time.Microsecond))
		return Period{last.Start, end}
	}
	return s.CycleAt(at)
}

// PaidAt returns until when the subscription is paid, as of a moment: one that renews itself is paid to the end of the
// running cycle at least.
func (s Subscription) PaidAt(at time.Time) time.Time {
	if end := s.CycleAt(at).End; s.AutoRenew && s.StatusAt(at) == Active && end.After(s.PaidUntil) {
		return end
	}
	return s.PaidUntil
}

// PlanIDAt returns the plan that the subscription has at a moment, now or later: a change that was set for before then
// counts.
func (s Subscription) PlanIDAt(at time.Time) int64 {
	if s.NextPlanID != 0 && !at.Before(s.NextAt) {
		return s.NextPlanID
	}
	return s.PlanID
}

// EndsWithin returns when the subscription ends by itself or by a cancellation, where that is after one moment and not
// after another.
func (s Subscription) EndsWithin(after, until time.Time) (time.Time, bool) {
	if s.neverBegan() || s.EndsAt.IsZero() && s.AutoRenew {
		return time.Time{}, false
	}
	end := s.endedAt()
	return end, end.After(after) && !end.After(until)
}

// RunsAt tells whether the subscription is paid for at a moment: it has begun and has not ended. One that is suspended
// goes on.
func (s Subscription) RunsAt(at time.Time) bool {
	s.Suspended = false
	return s.StatusAt(at) == Active
}

// endedAt returns when an ended subscription ended.
func (s Subscription) endedAt() time.Time {
	if s.EndsAt.IsZero() || !s.AutoRenew && s.PaidUntil.Before(s.EndsAt) {
		return s.PaidUntil
	}
	return s.EndsAt
}
