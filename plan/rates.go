package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Rates bound how fast calls may follow each other, whatever the limits have room for. 0 is no bound.
type Rates struct {
	RequestsPerMinute int64
	TokensPerMinute   int64
	ParallelCalls     int64 // how many reservations may be held at once
}

// RatesOf are the rates of somebody, such as "user alice".
type RatesOf struct {
	Who string
	Rates
}

// The names of the rates, in files and answers.
const (
	RequestsPerMinute = "requests_per_minute"
	TokensPerMinute   = "tokens_per_minute"
	ParallelCalls     = "parallel_calls"
)

// Rate is one of the rates. Max is 0 where there is no bound.
type Rate struct {
	Name string
	Max  int64
	Who  string // whose it is, as RatesOf names it; "" where that is not asked
}

// List returns the rates in the order in which they are shown.
func (r Rates) List() []Rate {
	return []Rate{{Name: RequestsPerMinute, Max: r.RequestsPerMinute}, {Name: TokensPerMinute, Max: r.TokensPerMinute},
		{Name: ParallelCalls, Max: r.ParallelCalls}}
}

// PerMinute tells whether calls have to be counted by the minute.
func (r Rates) PerMinute() bool { return r.RequestsPerMinute > 0 || r.TokensPerMinute > 0 }

// String writes the rates for people: "60 requests a minute, 4 parallel calls".
func (r Rates) String() string {
	var parts []string
	for i, what := range []string{"requests a minute", "tokens a minute", "parallel calls"} {
		if rate := r.List()[i]; rate.Max != 0 {
			parts = append(parts, rate.MaxText()+" "+what)
		}
	}
	return strings.Join(parts, ", ")
}

// MaxText writes the rate as plan files have it.
func (r Rate) MaxText() string {
	if r.Max == 0 {
		return "unlimited"
	}
	return strconv.FormatInt(r.Max, 10)
}

// Parallel returns the limit of the calls that run at the same time; false where there is none.
func (r Rates) Parallel() (Limit, bool) {
	return Limit{Name: ParallelCalls, Meter: Parallel, Max: r.ParallelCalls, Action: Block}, r.ParallelCalls > 0
}

// ParseRate reads a rate: a whole number from 1 on, or unlimited, as which nothing counts too. What a plan does not
// include at all has a limit of 0, which says so better than a rate that never passes anything.
func ParseRate(name, text string) (int64, error) {
	if text == "" || text == "unlimited" {
		return 0, nil
	}
	n, err := pricing.ParseQuantity(name, text)
	if err != nil || n == 0 {
		return 0, failure.Invalidf("%s is %q: it must be a whole number from 1 to %d, or unlimited", name,
			failure.Shorten(text), pricing.MaxQuantity)
	}
	return n, nil
}

// rates reads those of a plan file.
func (e planEntry) rates() (r Rates, err error) {
	for _, each := range []struct {
		name string
		text pricing.ScalarText
		to   *int64
	}{
		{RequestsPerMinute, e.RequestsPerMinute, &r.RequestsPerMinute},
		{TokensPerMinute, e.TokensPerMinute, &r.TokensPerMinute},
		{ParallelCalls, e.ParallelCalls, &r.ParallelCalls},
	} {
		if *each.to, err = ParseRate(each.name, string(each.text)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// yaml writes the lines of a plan file about rates: none of those without a bound.
func (r Rates) yaml() string {
	text := ""
	for _, rate := range r.List() {
		if rate.Max != 0 {
			text += fmt.Sprintf("    %s: %d\n", rate.Name, rate.Max)
		}
	}
	return text
}
