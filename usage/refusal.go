package usage

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// ResetsAt returns when the limits that refuse a call begin anew, zero where that would not let it pass either.
func (d *Decision) ResetsAt() time.Time {
	if d.Allowed || d.Reason != LimitExceeded {
		return time.Time{}
	}
	return d.Period.End
}

// waitForOthers is how long to wait for what running calls have reserved.
const waitForOthers = 2 * time.Second

// Wait returns how long to wait until a refused call may pass: until calls that are running have used less than they
// reserved, or a rate has room again. 0: to wait does not help.
func (d *Decision) Wait() time.Duration {
	switch {
	case d.Reason == TooManyParallelCalls || d.Reason == RateLimited:
		return waitForOthers
	case d.Allowed || d.Reason != LimitExceeded:
		return 0
	}
	for _, v := range d.Limits {
		alone := v.LimitUse
		alone.Reserved = 0
		if !v.OK && v.Limit.Action == plan.Block && !alone.fits() {
			return 0
		}
	}
	return waitForOthers
}

// CallOf returns the call that an event would be the report of.
func CallOf(e Event) Call {
	return Call{UserID: e.UserID, Provider: e.Provider, Model: e.Model, Vendor: e.Vendor, Quantities: e.Quantities,
		ServiceTier: e.ServiceTier}
}
