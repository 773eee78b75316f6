package billing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Sums are what bills add up to. Revenue is all that was billed, which is the sum of their totals; its parts are kept
// apart by what they are for.
type Sums struct {
	Bills       int // credit notes too
	Fees        pricing.Total
	Overage     pricing.Total
	Adjustments pricing.Total
	Credits     pricing.Total // used up: less than 0; carried over to the balance: above
	Rounding    pricing.Total
	Cost        pricing.Total // of the usage on them
	Unpriced    int64         // calls without a price, which the cost lacks

	Calls         int64
	Estimated     int64         // of the calls: those of which it was estimated what they used
	EstimatedCost pricing.Total // what they cost
}

// Revenue returns what was billed.
func (s Sums) Revenue() pricing.Total {
	return s.Fees.Add(s.Overage).Add(s.Adjustments).Add(s.Credits).Add(s.Rounding)
}

// Margin returns what is left of the revenue once the usage is paid for.
func (s Sums) Margin() pricing.Total { return s.Revenue().Sub(s.Cost) }

// line counts one line of a bill.
func (s *Sums) line(l Line) {
	part := map[LineKind]*pricing.Total{
		Fee: &s.Fees, Proration: &s.Fees, Usage: &s.Overage, Overage: &s.Overage, Adjustment: &s.Adjustments,
		Credit: &s.Credits, Carried: &s.Credits, Rounding: &s.Rounding,
	}[l.Kind]
	if part != nil {
		*part = part.Add(pricing.TotalOf(l.Amount))
	}
	if l.Kind == Usage || l.Kind == Adjustment { // overage is of usage that has a line already
		s.Cost = s.Cost.Add(pricing.TotalOf(l.Usage.Cost))
		s.Unpriced = usage.AtMost(s.Unpriced, l.Usage.Unpriced)
		s.Calls, s.Estimated = usage.AtMost(s.Calls, l.Usage.Calls), usage.AtMost(s.Estimated, l.Usage.Estimated)
		s.EstimatedCost = s.EstimatedCost.Add(pricing.TotalOf(l.Usage.EstimatedCost))
	}
}

// plus returns s + t.
func (s Sums) plus(t Sums) Sums {
	return Sums{s.Bills + t.Bills, s.Fees.Add(t.Fees), s.Overage.Add(t.Overage), s.Adjustments.Add(t.Adjustments),
		s.Credits.Add(t.Credits), s.Rounding.Add(t.Rounding), s.Cost.Add(t.Cost), usage.AtMost(s.Unpriced, t.Unpriced),
		usage.AtMost(s.Calls, t.Calls), usage.AtMost(s.Estimated, t.Estimated), s.EstimatedCost.Add(t.EstimatedCost)}
}

// SumsOf returns what one bill, with its lines, adds up to.
func SumsOf(b Bill) Sums {
	s := Sums{Bills: 1}
	for _, l := range b.Lines {
		s.line(l)
	}
	return s
}

// Share is the part of the sums that one plan, user or provider has.
type Share struct {
	// Key is the plan's name, the user's id or the provider. As a provider it is "" for what is of none: fees, credits,
	// rounding.
	Key string
	Sums
}

// MonthSums are the sums of a month. They are not broken down.
type MonthSums struct {
	Month   time.Time // its first day
	Bills   int
	Revenue pricing.Total
	Cost    pricing.Total
}

// Margin returns what is left of the revenue.
func (m MonthSums) Margin() pricing.Total { return m.Revenue.Sub(m.Cost) }

// Idle is a user who paid for a period and made no call in it.
type Idle struct {
	UserID   string
	Email    string
	PlanName string
	Cycle    plan.Cycle
	Period   plan.Period
	Fee      pricing.Total // of the bill; within a year that was paid, what a year costs now
}

// Revenue is what an owner reads about one month.
type Revenue struct {
	Month     time.Time // its first day; see Bill.BookedIn
	AsOf      time.Time
	Sum       Sums
	Plans     []Share // each of them: the highest revenue first
	Users     []Share
	Providers []Share     // the most expensive first
	Months    []MonthSums // up to this one, oldest first
	Idle      []Idle
	Near      []usage.Near // as of now
	Unpaid    Ageing       // as of now
}

const (
	historyMonths = 12 // in a report, up to its month
	nearPercent   = 80 // of a limit has been used by who is near it
)

// LastClosed returns the last month that has ended.
func LastClosed(now time.Time) plan.Month {
	return plan.MonthOf(plan.CalendarMonth(now).Start.AddDate(0, -1, 0))
}

// Revenue returns what an owner reads about a month; month 0 is the last one that has ended.
func (s *Service) Revenue(ctx context.Context, now time.Time, month plan.Month) (Revenue, error) {
	if month == 0 {
		month = LastClosed(now)
	}
	plans, _, err := s.Store.Plans(ctx, now)
	if err != nil {
		return Revenue{}, err
	}
	builder := NewRevenueBuilder(month.Start(), now, historyMonths, plans.At(now))
	err = s.EachBill(ctx, Query{Month: month, Lines: true}, func(b Bill) error {
		builder.Add(b)
		return nil
	})
	if err != nil {
		return Revenue{}, err
	}
	r := builder.Revenue()
	for i := range r.Months {
		if err := s.sumMonth(ctx, &r.Months[i]); err != nil {
			return Revenue{}, err
		}
	}
	unsettled, err := s.AllBills(ctx, Query{UnsettledAt: now})
	if err != nil {
		return Revenue{}, err
	}
	r.Unpaid = AgeingOf(unsettled, now)
	r.Near, err = s.Usage.NearLimits(ctx, now, nearPercent)
	return r, err
}

// sumMonth adds up the bills of a month.
func (s *Service) sumMonth(ctx context.Context, m *MonthSums) error {
	sums, err := s.Store.SumBills(ctx, Query{Month: plan.MonthOf(m.Month)})
	m.Bills, m.Revenue, m.Cost = sums.Bills, sums.Revenue, sums.Cost
	return err
}

// RevenueBuilder adds up the bills of a month, one after the other.
type RevenueBuilder struct {
	revenue                 Revenue
	onOffer                 plan.Plans
	plans, users, providers shares
}

// NewRevenueBuilder returns a builder for a month, with a history of so many months up to it. The plans are those on
// offer now.
func NewRevenueBuilder(month, now time.Time, history int, onOffer plan.Plans) *RevenueBuilder {
	r := &RevenueBuilder{Revenue{Month: month, AsOf: now}, onOffer, shares{}, shares{}, shares{}}
	for i := range history {
		r.revenue.Months = append(r.revenue.Months, MonthSums{Month: month.AddDate(0, i+1-history, 0)})
	}
	return r
}

// Add counts a bill, with its lines, that is booked in the month.
func (r *RevenueBuilder) Add(b Bill) {
	sums := SumsOf(b)
	r.revenue.Sum = r.revenue.Sum.plus(sums)
	r.plans.add(b.PlanName, sums)
	r.users.add(b.UserID, sums)
	r.providers.addByProvider(b)
	if idle, ok := r.idleUser(b); ok {
		r.revenue.Idle = append(r.revenue.Idle, idle)
	}
}

// Revenue returns what it all adds up to. The other months, Near and Unpaid are left to the caller.
func (r *RevenueBuilder) Revenue() Revenue {
	done := r.revenue
	done.Plans, done.Users = r.plans.sorted(Sums.Revenue), r.users.sorted(Sums.Revenue)
	done.Providers = r.providers.sorted(func(s Sums) pricing.Total { return s.Cost })
	slices.SortStableFunc(done.Idle, func(a, b Idle) int {
		return cmp.Or(b.Fee.Cmp(a.Fee), cmp.Compare(a.UserID, b.UserID))
	})
	return done
}

// shares collects sums by key.
type shares map[string]*Share

func (s shares) of(key string) *Share {
	if s[key] == nil {
		s[key] = &Share{Key: key}
	}
	return s[key]
}

func (s shares) add(key string, sums Sums) {
	share := s.of(key)
	share.Sums = share.plus(sums)
}

// addByProvider counts the lines of a bill to their providers, and the bill once for each.
func (s shares) addByProvider(b Bill) {
	seen := map[string]bool{}
	for _, l := range b.Lines {
		share := s.of(l.Provider)
		share.line(l)
		if !seen[l.Provider] {
			seen[l.Provider] = true
			share.Bills++
		}
	}
}

// sorted returns the shares, the largest first.
func (s shares) sorted(by func(Sums) pricing.Total) []Share {
	list := make([]Share, 0, len(s))
	for _, share := range s {
		list = append(list, *share)
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(by(b.Sums).Cmp(by(a.Sums)), b.Cost.Cmp(a.Cost), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// idleUser tells whether a bill is of a plan that is paid for, and of a period in which nothing was called. Calls that
// failed are calls that someone tried to make: they count as use.
func (r *RevenueBuilder) idleUser(b Bill) (Idle, bool) {
	if b.Kind != Invoice || b.Status == Void {
		return Idle{}, false
	}
	fee := r.feeOn(b)
	if fee.Cmp(pricing.Total{}) <= 0 {
		return Idle{}, false
	}
	for _, l := range b.Lines {
		if l.Kind == Usage && (l.Usage.Calls != 0 || l.Usage.Errors != 0) {
			return Idle{}, false
		}
	}
	return Idle{b.UserID, b.Email, b.PlanName, b.Cycle, b.Period, fee}, true
}

// feeOn returns the fees of a bill. Within a year that was paid before there are none but those of a change of plan:
// there it is what a year of the plan costs now, and nothing for a plan that is no longer on offer, which nobody has.
func (r *RevenueBuilder) feeOn(b Bill) pricing.Total {
	if !slices.ContainsFunc(b.Lines, b.withinYear) {
		return SumsOf(b).Fees
	}
	p, _ := r.onOffer.ByID(b.PlanID)
	return pricing.TotalOf(p.Yearly)
}
