package plan

import (
	"slices"
	"sort"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Account is where one user stands: the subscription, if there is one, and every plan and anchor that has held since
// the user's first subscription.
type Account struct {
	UserID       string
	Email        string
	Subscription *Subscription // nil: the default plan, with calendar months
	Segments     []Segment     // in the order in which they were recorded
	Plans        Plans         // every plan, also those no longer offered
}

// Segment says which plan and anchor hold from a moment on, since one change of a subscription.
type Segment struct {
	From   time.Time
	Anchor time.Time
	PlanID int64
	EndsAt time.Time // of the subscription, as that change left it
}

// timeline returns the segments as they follow each other in time. What was recorded later overrides, from its moment
// on, everything before: a subscription that was cancelled before it began never takes force, nor does a change that
// was made after the moment from which another subscription holds.
func (a Account) timeline() []Segment {
	var line []Segment
	for _, s := range a.Segments {
		for len(line) > 0 && !line[len(line)-1].From.Before(s.From) {
			line = line[:len(line)-1]
		}
		line = append(line, s)
	}
	line = slices.DeleteFunc(line, a.neverBegan)
	if sub := a.Subscription; sub != nil && sub.NextPlanID != 0 {
		// A change that lies ahead, or that has come and was not noted yet.
		line = append(line, Segment{From: sub.NextAt, Anchor: sub.Anchor, PlanID: sub.NextPlanID, EndsAt: sub.EndsAt})
	}
	return line
}

// neverBegan tells whether a segment is of a subscription that was cancelled before it began: the last change of the
// subscription with its anchor says so.
func (a Account) neverBegan(s Segment) bool {
	for _, last := range slices.Backward(a.Segments) {
		if last.Anchor.Equal(s.Anchor) {
			return !last.EndsAt.IsZero() && last.EndsAt.Before(last.Anchor)
		}
	}
	return false
}

// segmentAt returns the index of the segment in force at a moment, -1 before the first.
func segmentAt(segments []Segment, at time.Time) int {
	return sort.Search(len(segments), func(i int) bool { return segments[i].From.After(at) }) - 1
}

// PlanAt returns the plan in force at a moment, or an unavailable failure where it is the default plan and there is
// none. A plan that is not among the account's is a fault of the program, and never taken for the default one.
func (a Account) PlanAt(at time.Time) (Plan, error) {
	segments := a.timeline()
	i := segmentAt(segments, at)
	if i < 0 {
		return a.Plans.Default()
	}
	if p, ok := a.Plans.ByID(segments[i].PlanID); ok {
		return p, nil
	}
	return Plan{}, failure.New(failure.Internal, "the plan %d of %s is not among the plans", segments[i].PlanID, a.UserID)
}

// PeriodAt returns the usage period that contains a moment. Periods count from the anchor in force; before the first
// subscription they are calendar months. Where another anchor takes over, the running period ends: periods neither
// overlap nor leave a gap.
func (a Account) PeriodAt(at time.Time) Period {
	segments := a.timeline()
	i := segmentAt(segments, at)
	p := CalendarMonth(at)
	if i >= 0 {
		p = PeriodAt(segments[i].Anchor, at)
	}
	for _, next := range segments[i+1:] {
		if i >= 0 && next.Anchor.Equal(segments[i].Anchor) {
			continue
		}
		if next.From.Before(p.End) {
			p.End = next.From
		}
		break
	}
	return p
}

// StatusAt returns the subscription's status at a moment; a user without one, or whose only one was cancelled before it
// began, is active on the default plan.
func (a Account) StatusAt(at time.Time) Status {
	if a.Subscription == nil || a.Subscription.neverBegan() {
		return Active
	}
	return a.Subscription.StatusAt(at)
}

// StandsUntil returns until when an account stays as it is at a moment, if nobody changes it: its plan, period and
// status, what its subscription is paid to, and the UTC day.
func (a Account) StandsUntil(now time.Time) time.Time {
	until := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	moments := []time.Time{a.PeriodAt(now).End}
	for _, s := range a.timeline() {
		moments = append(moments, s.From)
	}
	if s := a.Subscription; s != nil {
		moments = append(moments, s.Anchor, s.PaidUntil, s.PaidAt(now), s.EndsAt)
	}
	for _, at := range moments {
		if at.After(now) && at.Before(until) {
			until = at
		}
	}
	return until
}

// Begun returns the subscription, nil where there is none, or it begins later, or it was cancelled before it began.
func (a Account) Begun(at time.Time) *Subscription {
	if s := a.Subscription; s == nil || s.neverBegan() || at.Before(s.Anchor) {
		return nil
	}
	return a.Subscription
}

// After returns the account as it is once a change has been made.
func (a Account) After(c Change) Account {
	sub := c.Subscription
	a.Subscription = &sub
	if c.Email != "" {
		a.Email = c.Email
	}
	if c.Continues || c.Planned {
		return a
	}
	a.Segments = append(slices.Clone(a.Segments), Segment{From: c.EffectiveAt, Anchor: sub.Anchor, PlanID: sub.PlanID,
		EndsAt: sub.EndsAt})
	return a
}
