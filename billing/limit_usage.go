package billing

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// LimitUsage returns how far the usage on a bill, which comes with its lines, used up
// limits. What was billed late, of other periods, does not count.
func LimitUsage(b Bill, limits []plan.Limit) []usage.LimitUse {
	uses := make([]usage.LimitUse, len(limits))
	for i, limit := range limits {
		uses[i].Limit = limit
		for _, l := range b.Lines {
			if l.Kind == Usage && limit.Scope.Covers(l.Provider, l.Vendor) {
				uses[i].Used = usage.AtMost(uses[i].Used, l.Usage.Of(limit.Meter))
			}
		}
	}
	return uses
}
