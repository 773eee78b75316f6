package usage

import (
	"time"
)

// ResetsAt returns when the limits that refuse a call begin anew, zero where that would not let it pass either.
func (d *Decision) ResetsAt() time.Time {
	if d.Allowed || d.Reason != LimitExceeded && d.Reason != TokenLimitExceeded {
		return time.Time{}
	}
	for _, v := range d.Limits {
		if v.Token == d.Token && v.Limit.Name == d.Limit && !v.ResetsAt.IsZero() {
			return v.ResetsAt
		}
	}
	return d.Period.End
}

// CallOf returns the call that an event would be the report of.
func CallOf(e Event) Call {
	return Call{UserID: e.UserID, Provider: e.Provider, Model: e.Model, Vendor: e.Vendor, Quantities: e.Quantities,
		ServiceTier: e.ServiceTier, TokenID: e.TokenID}
}
