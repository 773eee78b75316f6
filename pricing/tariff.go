package pricing

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Tariff is what one unit of each quantity costs: always, at some times, or in a service tier. A band or a tier has
// only what is other than without it.
type Tariff struct {
	Rates Rates
	// Given has the quantities whose rates count: of a whole price the parts that have one of their own, of a band or a
	// tier all that it names.
	Given QuantitySet
	Above *LongContext
}

// LongContext holds the rates of a call whose input is longer than OverInputTokens. Parts of the tokens that are not
// in Given cost what they cost in a shorter call: their own rate if they have one, else that of their total here.
type LongContext struct {
	OverInputTokens int64
	InputToken      USD
	OutputToken     USD
	Parts           Rates
	Given           QuantitySet
}

// tariff is what holds without a band and a tier.
func (p *Price) tariff() Tariff { return Tariff{p.Rates, p.Given & parts, p.Above} }

// parts are the quantities that are a part of a total.
var parts = setOfParts() // read-only

func setOfParts() (set QuantitySet) {
	for q := range QuantityCount {
		if _, is := q.Total(); is {
			set |= SetOf(q)
		}
	}
	return set
}

// same tells whether two tariffs charge the same.
func (t Tariff) same(u Tariff) bool {
	return t.Rates == u.Rates && t.Given == u.Given && (t.Above == nil) == (u.Above == nil) &&
		(t.Above == nil || *t.Above == *u.Above)
}

// with returns the tariff with what another one gives in its place.
func (t Tariff) with(over Tariff) Tariff {
	for q := range QuantityCount {
		if over.Given.Has(q) {
			t.Rates[q] = over.Rates[q]
		}
	}
	t.Given |= over.Given & parts
	if over.Above != nil {
		t.Above = over.Above
	}
	return t
}

// rates returns all rates of a long call that are given.
func (a *LongContext) rates() Rates {
	rates := a.Parts
	rates[InputTokens], rates[OutputTokens] = a.InputToken, a.OutputToken
	return rates
}

// setRates is the opposite of rates.
func (a *LongContext) setRates(rates Rates) {
	a.InputToken, a.OutputToken = rates[InputTokens], rates[OutputTokens]
	rates[InputTokens], rates[OutputTokens] = 0, 0
	a.Parts = rates
}

// long returns the tariff of a long call.
func (t Tariff) long() Tariff {
	return t.with(Tariff{t.Above.rates(), t.Above.Given | SetOf(InputTokens, OutputTokens), nil})
}

// Tier is what a service tier costs: a factor of everything, or rates of its own.
type Tier struct {
	Name   string
	Factor Factor // 0: none
	Tariff
}

func (t Tier) same(u Tier) bool {
	return t.Name == u.Name && t.Factor == u.Factor && t.Tariff.same(u.Tariff)
}

// in returns the tariff in a tier. A product that is no whole pico-dollar is an invalid failure.
func (t Tariff) in(tier *Tier) (Tariff, error) {
	if tier.Factor == 0 {
		return t.with(tier.Tariff), nil
	}
	if err := tier.Factor.times(&t.Rates); err != nil {
		return t, err
	}
	if t.Above != nil {
		above := *t.Above
		rates := above.rates()
		if err := tier.Factor.times(&rates); err != nil {
			return t, err
		}
		above.setRates(rates)
		t.Above = &above
	}
	return t, nil
}

// NormaliseTier returns the name of a service tier in lower case, or "" for one that is none: vendors report
// "standard", "default" and "auto" for calls that cost the usual price.
func NormaliseTier(name string) string {
	switch name = strings.ToLower(name); name {
	case "standard", "default", "auto":
		return ""
	}
	return name
}

// mostVariants is how many bands or tiers a price may have: a band for each hour of the week.
const mostVariants = 7 * 24

func validateTiers(tiers []Tier) error {
	if len(tiers) > mostVariants {
		return failure.Invalidf("it has %d tiers: %d are enough", len(tiers), mostVariants)
	}
	for i, tier := range tiers {
		if err := ValidateName("tier", tier.Name); err != nil {
			return err
		}
		switch {
		case NormaliseTier(tier.Name) == "":
			return failure.Invalidf("the tier %s is the usual price: it is given without a tier", tier.Name)
		case slices.ContainsFunc(tiers[:i], func(t Tier) bool { return t.Name == tier.Name }):
			return failure.Invalidf("the tier %s appears twice", tier.Name)
		case tier.Factor != 0 && (tier.Given != 0 || tier.Above != nil):
			return failure.Invalidf("the tier %s has a factor and prices: give one or the other", tier.Name)
		case tier.Factor == 0 && tier.Given == 0 && tier.Above == nil:
			return failure.Invalidf("the tier %s has neither a factor nor a price", tier.Name)
		}
	}
	return nil
}

// Factor is what a price is multiplied by, in millionths.
type Factor int64

const (
	wholeFactor = 1_000_000
	mostFactor  = 1000 * wholeFactor
)

// ParseFactor reads a decimal number above 0 and up to 1000, with at most six decimals.
func ParseFactor(text string) (Factor, error) {
	n, err := ParseUSD(text)
	const millionth = Dollar / wholeFactor
	if err != nil || n <= 0 || n%millionth != 0 || n/millionth > mostFactor || strings.Contains(text, "$") {
		return 0, failure.Invalidf("factor is %q: it must be a number above 0, up to 1000, with at most 6 decimals",
			failure.Shorten(text))
	}
	return Factor(n / millionth), nil
}

// String writes the factor with as many decimals as it needs: "0.5".
func (f Factor) String() string { return (USD(f) * (Dollar / wholeFactor)).String() }

// times multiplies all rates, exactly.
func (f Factor) times(rates *Rates) error {
	for q, rate := range rates {
		if rate == 0 {
			continue
		}
		n := new(big.Int).Mul(big.NewInt(int64(rate)), big.NewInt(int64(f)))
		n, rest := n.QuoRem(n, big.NewInt(wholeFactor), new(big.Int))
		if rest.Sign() != 0 || !n.IsInt64() {
			return failure.Invalidf("%s times %s is no exact price of %s: give the tier prices of its own", rate, f,
				Quantity(q).Unit())
		}
		rates[q] = USD(n.Int64())
	}
	return nil
}

// Band is what holds at some times of the day or week, in UTC.
type Band struct {
	// From and To are minutes of the day. To is the first that is not in the band. A band that ends at or before its
	// beginning goes on into the next day, and belongs to the day on which it began. 0 and 0 are the whole day.
	From, To int
	Days     DaySet // on which the band begins; 0: on all
	Tariff
}

// DaySet is a set of days of the week.
type DaySet uint8

const (
	allDays      = DaySet(1<<7 - 1)
	minutesOfDay = 24 * 60
)

func (d DaySet) has(day time.Weekday) bool { return d == 0 || d&(1<<day) != 0 }

func (b Band) same(c Band) bool {
	return b.From == c.From && b.To == c.To && b.Days == c.Days && b.Tariff.same(c.Tariff)
}

// length is how many minutes the band has.
func (b *Band) length() int {
	if b.To > b.From {
		return b.To - b.From
	}
	return b.To - b.From + minutesOfDay
}

// holdsAt tells whether a moment lies in the band.
func (b *Band) holdsAt(at time.Time) bool {
	at = at.UTC()
	minute := at.Hour()*60 + at.Minute()
	if minute >= b.From && minute < b.From+b.length() && b.Days.has(at.Weekday()) {
		return true
	}
	minute += minutesOfDay // of a band that began the day before
	return minute < b.From+b.length() && b.Days.has((at.Weekday()+6)%7)
}

func validateBands(bands []Band) error {
	if len(bands) > mostVariants {
		return failure.Invalidf("it has %d bands: %d are enough", len(bands), mostVariants)
	}
	taken := make([]bool, 7*minutesOfDay)
	for _, b := range bands {
		switch {
		case b.From < 0 || b.From >= minutesOfDay || b.To < 0 || b.To >= minutesOfDay || b.Days >= allDays:
			return failure.Invalidf("a band is from minute %d to %d of the day: there are %d", b.From, b.To, minutesOfDay)
		case b.length() == minutesOfDay && b.Days == 0:
			return failure.Invalidf("a band holds always: give it hours, days or both")
		case b.Given == 0 && b.Above == nil:
			return failure.Invalidf("the band %s has no price", b.Times())
		}
		for day := range 7 {
			if !b.Days.has(time.Weekday(day)) {
				continue
			}
			for minute := range b.length() {
				place := (day*minutesOfDay + b.From + minute) % len(taken)
				if taken[place] {
					return failure.Invalidf("the band %s overlaps another one", b.Times())
				}
				taken[place] = true
			}
		}
	}
	return nil
}

// Times says when the band holds: "16:30-00:30 UTC" or "sat,sun 00:00-24:00 UTC".
func (b *Band) Times() string { return strings.TrimSpace(b.DaysText()+" "+b.HoursText()) + " UTC" }

// HoursText writes the hours as a price file has them, also those of a whole day.
func (b *Band) HoursText() string {
	to := b.To
	if b.length() == minutesOfDay && b.From == 0 {
		to = minutesOfDay
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", b.From/60, b.From%60, to/60, to%60)
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // read-only

// DaysText writes the days as a price file has them, and nothing for all.
func (b *Band) DaysText() string {
	var names []string
	for day := range 7 {
		at := time.Weekday((day + 1) % 7) // from Monday on
		if b.Days != 0 && b.Days.has(at) {
			names = append(names, dayNames[at])
		}
	}
	return strings.Join(names, ",")
}

// parseHours reads "16:30-00:30", or whole hours as "16-24".
func parseHours(text string) (from, to int, err error) {
	first, last, _ := strings.Cut(text, "-")
	from, ok := parseMinute(first)
	to, alsoOK := parseMinute(last)
	if !ok || !alsoOK || from == minutesOfDay || from == to {
		return 0, 0, failure.Invalidf("hours is %q: write them in UTC as 16:30-00:30", failure.Shorten(text))
	}
	return from, to % minutesOfDay, nil
}

func parseMinute(text string) (int, bool) {
	hours, minutes, given := strings.Cut(strings.TrimSpace(text), ":")
	if !given {
		minutes = "00"
	}
	h, errHours := strconv.ParseUint(hours, 10, 8)
	m, errMinutes := strconv.ParseUint(minutes, 10, 8)
	minute := int(h)*60 + int(m)
	return minute, errHours == nil && errMinutes == nil && len(minutes) == 2 && len(hours) <= 2 && m < 60 &&
		minute <= minutesOfDay
}

// parseDays reads "mon-fri" and "sat,sun".
func parseDays(text string) (days DaySet, err error) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		from := slices.Index(dayNames[:], strings.TrimSpace(first))
		to := from
		if isRange {
			to = slices.Index(dayNames[:], strings.TrimSpace(last))
		}
		if from < 0 || to < 0 {
			return 0, failure.Invalidf("days is %q: write them as mon-fri or sat,sun", failure.Shorten(text))
		}
		for day := from; ; day = (day + 1) % 7 {
			days |= 1 << day
			if day == to {
				break
			}
		}
	}
	if days == allDays {
		days = 0
	}
	return days, nil
}

// at returns what the price charges for a call at a moment in a service tier: that of the band that holds, and then of
// the tier. The tier is nil where the price has none of that name.
func (p *Price) at(moment time.Time, tier string) (Tariff, *Tier, error) {
	t := p.tariff()
	for i := range p.Bands {
		if p.Bands[i].holdsAt(moment) {
			t = t.with(p.Bands[i].Tariff)
			break
		}
	}
	if tier == "" {
		return t, nil, nil
	}
	for i := range p.Tiers {
		if p.Tiers[i].Name == tier {
			t, err := t.in(&p.Tiers[i])
			return t, &p.Tiers[i], err
		}
	}
	return t, nil, nil
}

// MarshalJSON writes the rates under the names of their units: prices are kept with bills, so these names stay.
func (a LongContext) MarshalJSON() ([]byte, error) {
	object := map[string]any{"over_input_tokens": a.OverInputTokens, "input_token": a.InputToken,
		"output_token": a.OutputToken}
	for q := range QuantityCount {
		if a.Given.Has(q) {
			object[q.Unit()] = a.Parts[q]
		}
	}
	return json.Marshal(object)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *LongContext) UnmarshalJSON(text []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*a = LongContext{}
	for name, value := range all {
		var to any = &a.OverInputTokens
		switch q, ok := QuantityOfUnit(name); {
		case name == "over_input_tokens":
		case !ok:
			return failure.Invalidf("a long-context price has no %q", name)
		case q == InputTokens:
			to = &a.InputToken
		case q == OutputTokens:
			to = &a.OutputToken
		default:
			to, a.Given = &a.Parts[q], a.Given|SetOf(q)
		}
		if err := json.Unmarshal(value, to); err != nil {
			return err
		}
	}
	return nil
}
