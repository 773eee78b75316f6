package billing

import (
	"cmp"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Age is how long a bill has been due, in steps that accountants use.
type Age int

// The ages.
const (
	NotDue Age = iota
	UpTo30Days
	UpTo60Days
	UpTo90Days
	Older
	AgeCount // how many ages there are
)

// String returns the name that scripts use.
func (a Age) String() string {
	return [AgeCount]string{"not_due", "1-30", "31-60", "61-90", "older"}[a]
}

// DaysOverdue returns on which day since it was due a bill is: 0 until then, 1 in the 24 hours from then on.
func DaysOverdue(b Bill, now time.Time) int {
	if b.DueAt.After(now) {
		return 0
	}
	return int(now.Sub(b.DueAt)/(24*time.Hour)) + 1
}

// AgeOf returns the age of a bill at a moment.
func AgeOf(b Bill, now time.Time) Age {
	switch days := DaysOverdue(b, now); {
	case days == 0:
		return NotDue
	case days <= 30:
		return UpTo30Days
	case days <= 60:
		return UpTo60Days
	case days <= 90:
		return UpTo90Days
	}
	return Older
}

// unpaidAt tells whether a bill was owed at a moment.
func (b Bill) unpaidAt(at time.Time) bool {
	return b.Kind != CreditNote && !b.IssuedAt.After(at) && (b.Status.Unpaid() || b.SettledAt.After(at))
}

// AgeSum is what is unpaid of one age.
type AgeSum struct {
	Bills  int
	Amount pricing.Total
}

// Ageing is what is unpaid at a moment.
type Ageing struct {
	AsOf  time.Time
	Ages  [AgeCount]AgeSum
	Sum   AgeSum
	Bills []Bill // those that have been due for longest first
}

// AgeingOf sorts the bills that were unpaid at a moment by their age then, and says of each what its status was. Others
// are left out.
func AgeingOf(bills []Bill, now time.Time) Ageing {
	a := Ageing{AsOf: now}
	for _, b := range bills {
		if !b.unpaidAt(now) {
			continue
		}
		if b.Status = Open; !b.DueAt.After(now) {
			b.Status = PastDue
		}
		a.Bills = append(a.Bills, b)
		for _, sum := range []*AgeSum{&a.Ages[AgeOf(b, now)], &a.Sum} {
			sum.Bills++
			sum.Amount = sum.Amount.Add(pricing.TotalOf(b.Total))
		}
	}
	slices.SortStableFunc(a.Bills, func(b, c Bill) int {
		return cmp.Or(b.DueAt.Compare(c.DueAt), cmp.Compare(b.Number, c.Number))
	})
	return a
}
