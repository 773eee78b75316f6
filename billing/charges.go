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

// Charge is what one price of a line comes to: how much was used at it, and what that cost.
type Charge struct {
	ChargeKey
	From   time.Time   `json:"from,omitzero"` // when the price began, where that was within the period
	Amount int64       `json:"amount"`        // of seconds milliseconds; of no unit calls
	Cost   pricing.USD `json:"cost"`
}

// ChargeKey tells the charges of a line apart. It is kept with bills, so its names stay.
type ChargeKey struct {
	Unit string      `json:"unit,omitempty"` // "input_token"; "" where no price of a unit made the cost
	Rate pricing.USD `json:"rate,omitzero"`  // of one unit
	// Basis is that of the calls: of no unit it is Reported or, where it is not known by which prices the cost came about,
	// "". That is so of calls that were archived before their period was closed.
	Basis pricing.Basis `json:"basis,omitempty"`
	Model string        `json:"model,omitempty"` // whose price it is, where the line's model has none of its own
	Tier  string        `json:"tier,omitempty"`  // the service tier whose price it is
	Band  string        `json:"band,omitempty"`  // when the price holds, if not always: "16:30-00:30 UTC"
	Over  int64         `json:"over,omitempty"`  // it is that of calls with more input tokens than this; 0: of any
}

// Quantity is what the charge is for: requests where no price of a unit made the cost.
func (c Charge) Quantity() pricing.Quantity {
	q, _ := pricing.QuantityOfUnit(c.Unit)
	return q
}

// RatedSeries are calls of a series that were rated alike.
type RatedSeries struct {
	SeriesKey
	pricing.Rated
}

// ratedBySeries sorts calls by their series.
func ratedBySeries(all []RatedSeries) map[SeriesKey][]pricing.Rated {
	of := map[SeriesKey][]pricing.Rated{}
	for _, r := range all {
		of[r.SeriesKey] = append(of[r.SeriesKey], r.Rated)
	}
	return of
}

// chargeSums adds charges up.
type chargeSums map[ChargeKey]Charge

func (sums chargeSums) add(c Charge) {
	if sum, ok := sums[c.ChargeKey]; ok {
		if sum.From.Before(c.From) {
			c.From = sum.From
		}
		c.Amount, c.Cost = c.Amount+sum.Amount, c.Cost+sum.Cost
	}
	sums[c.ChargeKey] = c
}

// list returns the charges of something in their order; it is not nil.
func (sums chargeSums) list() []Charge {
	list := []Charge{}
	for _, c := range sums {
		if c.Cost != 0 || c.Amount != 0 && c.Unit != "" {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Charge) int {
		return cmp.Or(cmp.Compare(min(len(b.Unit), 1), min(len(a.Unit), 1)), cmp.Compare(a.Quantity(), b.Quantity()),
			a.From.Compare(b.From), cmp.Compare(a.Over, b.Over), cmp.Compare(a.Band, b.Band), cmp.Compare(a.Tier, b.Tier),
			cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Basis, b.Basis))
	})
	return list
}

// chargesOf returns what each price came to by which the usage of a series was rated. They sum to its cost: what is not
// among the calls is a charge without a price.
func chargesOf(book *pricing.Book, s Series, p plan.Period, calls []pricing.Rated) []Charge {
	sums := chargeSums{}
	unknown := Charge{Amount: s.Usage.Calls, Cost: s.Usage.Cost}
	for _, r := range calls {
		price, variant, parts := book.Parts(r)
		if price == nil && r.Basis != pricing.Reported && r.Cost != 0 {
			continue
		}
		unknown.Amount, unknown.Cost = unknown.Amount-r.Used[pricing.Requests], unknown.Cost-r.Cost
		if price == nil {
			key := ChargeKey{Basis: pricing.Reported} // what has no price costs nothing
			sums.add(Charge{ChargeKey: key, Amount: r.Used[pricing.Requests], Cost: r.Cost})
			continue
		}
		key, from := keyOf(price, variant, r.Basis, s.Model), time.Time{}
		if price.EffectiveFrom.After(p.Start) {
			from = price.EffectiveFrom
		}
		for _, part := range parts {
			key.Unit, key.Rate = part.Quantity.Unit(), part.UnitPrice
			sums.add(Charge{ChargeKey: key, From: from, Amount: part.Amount, Cost: part.Cost})
		}
	}
	sums.add(unknown)
	return sums.list()
}

// keyOf is the key of what a variant of a price charges a model for, without a unit and its rate.
func keyOf(price *pricing.Price, v pricing.Variant, basis pricing.Basis, model string) ChargeKey {
	key := ChargeKey{Basis: basis, Over: v.Over}
	if price.Model != model && basis != pricing.Default {
		key.Model = price.Model
	}
	if v.Tier != nil {
		key.Tier = v.Tier.Name
	}
	if v.Band != nil {
		key.Band = v.Band.Times()
	}
	return key
}

// chargeDifferences gives the differences of one period their charges: those of all that was used in it, less those on
// bills. Where bills don't have them, or calls were archived since, they stay nil.
func chargeDifferences(
	ctx context.Context, reader Reader, book *pricing.Book, user string, differences []Difference,
) error {
	if !slices.ContainsFunc(differences, func(d Difference) bool { return d.Usage != usage.Amounts{} }) {
		return nil
	}
	period := differences[0].Period
	all, err := reader.Rated(ctx, user, period)
	if err != nil {
		return err
	}
	lines, err := reader.BilledCharges(ctx, user, period.Start)
	if err != nil {
		return err
	}
	rated := ratedBySeries(all)
	for i := range differences {
		d := &differences[i]
		used, sums, known := d.Series, chargeSums{}, true
		for _, l := range lines {
			if l.series() != d.Key() {
				continue
			}
			known = known && (l.Charges != nil || l.Usage.Cost == 0)
			used.Usage.Calls, used.Usage.Cost = used.Usage.Calls+l.Usage.Calls, used.Usage.Cost+l.Usage.Cost
			for _, c := range l.Charges {
				c.Amount, c.Cost = -c.Amount, -c.Cost
				sums.add(c)
			}
		}
		for _, c := range chargesOf(book, used, period, rated[d.Key()]) {
			sums.add(c)
		}
		if known && sums[ChargeKey{}].Cost == 0 {
			d.Charges = sums.list()
		}
	}
	return nil
}

// series tells of what the line is.
func (l Line) series() SeriesKey { return SeriesKey{l.Provider, l.Vendor, l.Model} }
