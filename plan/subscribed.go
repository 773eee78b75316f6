package plan

import (
	"slices"
	"time"
)

// SubscribedAt tells whether the user has a subscription at a moment, be it a
// suspended one: it has begun and has not ended.
func (a Account) SubscribedAt(at time.Time) bool {
	segments := a.timeline()
	i := segmentAt(segments, at)
	if i < 0 {
		return false
	}
	s := segments[i]
	if !s.EndsAt.IsZero() && !at.Before(s.EndsAt) {
		return false
	}
	sub := a.Subscription
	return sub == nil || !sub.Anchor.Equal(s.Anchor) || sub.AutoRenew || at.Before(sub.PaidUntil)
}

// LastSubscribed returns the last moment of a period at which the user has a
// subscription, and false where there is none.
func (a Account) LastSubscribed(within Period) (time.Time, bool) {
	const tick = time.Microsecond
	moments := []time.Time{within.Start, within.End.Add(-tick)}
	for _, s := range a.Segments {
		moments = append(moments, s.From, s.From.Add(-tick), s.EndsAt.Add(-tick))
	}
	if a.Subscription != nil {
		moments = append(moments, a.Subscription.PaidUntil.Add(-tick))
	}
	slices.SortFunc(moments, func(a, b time.Time) int { return b.Compare(a) })
	for _, at := range moments {
		if within.Contains(at) && a.SubscribedAt(at) {
			return at, true
		}
	}
	return time.Time{}, false
}
