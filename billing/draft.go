package billing

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// billInput is what one bill is made of.
type billInput struct {
	account BillingAccount
	period  plan.Period
	used    []Series // in the period
	rated   map[SeriesKey][]pricing.Rated
	parts   []plan.Part  // of the period
	byPlan  ByPlan       // what was used in it, where it has several parts
	late    []Difference // of closed periods
	book    *pricing.Book
}

// draft makes the bill of a period, without its number. There is none, and false is returned, where it would have no
// line.
func (in billInput) draft() (Bill, bool, error) {
	current := in.parts[len(in.parts)-1].Plan
	owner := in.account.Account
	b := Bill{
		Kind: Invoice, UserID: owner.UserID, Email: owner.Email,
		PlanID: current.ID, PlanName: current.Name, Period: in.period,
	}
	if c, runs := in.account.phaseAt(in.period.Start); runs {
		b.Cycle = c.Subscription.Cycle
	}
	var err error
	if b.Lines, err = in.account.fees(in.period); err != nil {
		return b, false, err
	}
	used, err := in.usageLines(&b)
	if err != nil {
		return b, false, err
	}
	b.Lines = append(append(b.Lines, used...), in.corrections()...)
	if len(b.Lines) == 0 {
		return b, false, nil
	}
	return b, true, b.applyCredit(in.account.Balance)
}

// usageLines returns a line for each provider and model, and one for the overage of each where the plan allows that.
func (in billInput) usageLines(b *Bill) ([]Line, error) {
	used := slices.Clone(in.used)
	slices.SortFunc(used, compareSeries)
	var lines []Line
	for _, s := range used {
		lines = append(lines, Line{Kind: Usage, Description: s.name(), Period: in.period, Provider: s.Provider,
			Vendor: s.Vendor, Model: s.Model, Usage: s.Usage, Prices: pricesWithin(in.book, s, in.period),
			Charges: chargesOf(in.book, s, in.period, in.rated[s.Key()])})
	}
	if in.account.EndedBefore(in.period) {
		return lines, nil
	}
	if b.Terms = TermsOf(in.parts, in.byPlan); b.Terms == nil {
		return lines, nil
	}
	amounts, err := b.Terms.Overage(used, in.byPlan)
	for i, amount := range amounts {
		if s := used[i]; amount != 0 {
			lines = append(lines, Line{Kind: Overage, Description: s.name() + " beyond the plan's limits",
				Period: in.period, Provider: s.Provider, Vendor: s.Vendor, Model: s.Model, Amount: amount})
		}
	}
	return lines, err
}

func (in billInput) corrections() []Line {
	var lines []Line
	for _, d := range in.late {
		lines = append(lines, Line{Kind: Adjustment, Period: d.Period, Provider: d.Provider, Vendor: d.Vendor,
			Model: d.Model, Usage: d.Usage, Amount: d.Overage, Charges: d.Charges,
			Description: fmt.Sprintf("%s, %s to %s", d.name(), d.Period.Start.Format(time.DateOnly),
				d.Period.End.Format(time.DateOnly))})
	}
	return lines
}

func compareSeries(a, b Series) int {
	return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Vendor, b.Vendor))
}

// name is how a line calls its usage.
func (s Series) name() string {
	if s.Model == "" {
		return s.Provider
	}
	return s.Provider + " " + s.Model
}

// applyCredit completes a bill: what the user has with us is used up, what is owed to the user is moved there, and what
// is left is rounded to whole cents, once.
func (b *Bill) applyCredit(balance pricing.USD) error {
	if err := b.sum(); err != nil {
		return err
	}
	switch {
	case b.Subtotal < 0:
		b.add(Line{Kind: Carried, Description: "carried over to your credit", Period: b.Period, Amount: -b.Subtotal})
	case b.Subtotal > 0 && balance > 0:
		b.add(Line{Kind: Credit, Description: "from your credit", Period: b.Period, Amount: -min(balance, b.Subtotal)})
	}
	if err := b.sum(); err != nil {
		return err
	}
	total, err := wholeCents(b.Subtotal)
	if err != nil {
		return err
	}
	b.Total, b.Rounding = total, total-b.Subtotal
	if b.Rounding != 0 {
		b.add(Line{Kind: Rounding, Description: "rounding to whole cents", Period: b.Period, Amount: b.Rounding})
	}
	return nil
}

func (b *Bill) add(l Line) { b.Lines = append(b.Lines, l) }

// sum adds the lines up.
func (b *Bill) sum() error {
	b.Subtotal, b.Cost = 0, 0
	var err error
	for _, l := range b.Lines {
		if b.Subtotal, err = b.Subtotal.Add(l.Amount); err != nil {
			return err
		}
		if l.Kind != Usage && l.Kind != Adjustment {
			continue // overage is of usage that has a line already
		}
		if b.Cost, err = b.Cost.Add(l.Usage.Cost); err != nil {
			return err
		}
	}
	return nil
}

// credited returns what a bill changes of the user's balance: less than 0 where it uses it up.
func (b Bill) credited() pricing.USD {
	sum := pricing.USD(0)
	for _, l := range b.Lines {
		if l.Kind == Credit || l.Kind == Carried {
			sum += l.Amount
		}
	}
	return sum
}

// totalOf adds series up, for the history of a subscription.
func totalOf(series []Series) (usage.Amounts, error) {
	var sum usage.Amounts
	for _, s := range series {
		var err error
		if sum, err = sum.Add(s.Usage); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// pricesWithin returns the prices of a provider and model that were in force in a period, the first being the one at
// its beginning.
func pricesWithin(book *pricing.Book, s Series, p plan.Period) []UnitPrice {
	moments := []time.Time{p.Start}
	for _, at := range book.Changes(s.Provider, s.Model) {
		if at.After(p.Start) && at.Before(p.End) {
			moments = append(moments, at)
		}
	}
	var found []UnitPrice
	var last int64
	for _, at := range moments {
		price, basis := book.Find(s.Provider, s.Model, at)
		if price == nil {
			last = 0
			continue
		}
		if price.ID != last {
			u := unitPrice(*price, basis)
			if at.After(p.Start) {
				u.From = at // of an alias, not when the price of its model began
			}
			if price.Model != s.Model && basis != pricing.Default {
				u.Model = price.Model
			}
			found = append(found, u)
		}
		last = price.ID
	}
	return found
}

func unitPrice(price pricing.Price, basis pricing.Basis) UnitPrice {
	u := UnitPrice{From: price.EffectiveFrom, Rates: map[string]pricing.USD{}, Above: price.Above, Basis: basis,
		Terms: price.Terms()}
	for q := range pricing.QuantityCount {
		if price.Gives(q) {
			u.Rates[q.Unit()] = price.Rates[q]
		}
	}
	return u
}

// share returns amount * part / whole, rounded half to even to a pico-dollar: a share of time, or of a quantity. It is
// an invalid failure where the result does not fit.
func share(amount pricing.USD, part, whole int64) (pricing.USD, error) {
	n := new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(part))
	return halfEven(n, big.NewInt(whole))
}

// wholeCents rounds an amount half to even to whole cents.
func wholeCents(amount pricing.USD) (pricing.USD, error) {
	cents, err := halfEven(big.NewInt(int64(amount)), big.NewInt(int64(pricing.Cent)))
	if err != nil {
		return 0, err
	}
	return cents.Times(int64(pricing.Cent))
}

// halfEven returns n / by as an amount, rounded half to even: see pricing.HalfEven.
func halfEven(n, by *big.Int) (pricing.USD, error) {
	quotient := pricing.HalfEven(n, by)
	if !quotient.IsInt64() {
		return 0, failure.Invalidf("an amount of a bill is too large: it is at most %s dollars", pricing.USD(1<<63-1))
	}
	return pricing.USD(quotient.Int64()), nil
}
