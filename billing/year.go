package billing

import "github.com/alwrity/alwrity-sub/plan"

// withinYear tells whether a line of the bill is the fee of 0 of a month of a year that was
// paid before: not that of a year that begins, whose period is the year.
func (b *Bill) withinYear(l Line) bool {
	return l.Kind == Fee && b.Cycle == plan.Yearly && l.Period == b.Period
}
