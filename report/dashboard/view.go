package dashboard

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report/page"
)

type revenuePage struct {
	Title      string
	Company    string
	Month      string
	MonthText  string
	AsOf       string
	Figures    []namedFigure
	History    *historyPage
	Parts      *partsPage
	Unpaid     *unpaidPage
	Breakdowns []breakdown
	Providers  *breakdown
	Near       *listed[nearRow]
	Idle       *listed[idleRow]
	Unpriced   string
	Estimated  string
}

type namedFigure struct {
	Name  string
	Value figure
	Note  string
}

// moneyRow is a row of a table of revenue, cost and margin.
type moneyRow struct {
	Name    string
	Bills   string
	Bars    []page.Bar
	Revenue figure
	Cost    figure
	Margin  figure
	Percent string
}

type historyPage struct {
	Charts []monthChart
	Rows   []moneyRow // the newest first
}

type partsPage struct {
	Rows []namedFigure
	Sum  figure
}

type breakdown struct {
	ID, Title, Column, Lead string
	Legend                  bool
	Rows                    []moneyRow
	Sum                     moneyRow
}

// Short tells whether a table is printed on one page and never broken.
func (b breakdown) Short() bool { return len(b.Rows) <= 8 }

type unpaidPage struct {
	Rows   []unpaidRow
	Bills  string
	Amount figure
}

type unpaidRow struct {
	Name   string
	Bar    page.Bar
	Bills  string
	Amount figure
}

// listed are the rows of a table that has no room for all.
type listed[R any] struct {
	Rows []R
	More string // says how many others there are
}

type nearRow struct {
	User, Plan, Limit, Used, Max, Percent, Until string
	Bar                                          page.Bar
}

type idleRow struct {
	User, Plan, Period string
	Fee                figure
	Each               string // "a year", or ""
}

// figure is an amount of money on a page: what is shown, and the exact amount beside it for whoever looks.
type figure struct {
	Exact    string
	Shown    string
	Negative bool
}

// cents shows an amount in whole cents.
func cents(t pricing.Total) figure {
	return figure{t.String(), minusSign(t.NearestCent().Display()), t.NearestCent().Cmp(pricing.Total{}) < 0}
}

// neutral shows an amount that is no loss where it is below 0.
func neutral(t pricing.Total) figure {
	f := cents(t)
	f.Negative = false
	return f
}

// minusSign writes a real minus before an amount, as wide as a digit.
func minusSign(amount string) string {
	if rest, ok := strings.CutPrefix(amount, "-"); ok {
		return "−" + rest
	}
	return amount
}

// barOf returns the bar of an amount. What is there at all shows.
func barOf(class string, amount, most pricing.Total) page.Bar {
	perMille, ok := amount.PerMilleOf(most)
	if !ok || perMille < 0 {
		return page.Bar{Class: class}
	}
	width := int(min(perMille, 1000) / 10)
	if width == 0 && amount.Cmp(pricing.Total{}) > 0 {
		width = 1
	}
	return page.Bar{Class: class, Width: width}
}
