package dashboard

import (
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/report/page"
)

// monthChart is a chart of revenue and cost as bars and of the margin as a line, ready to
// be drawn. Floating point is good enough for where a bar ends.
type monthChart struct {
	Class         string
	Label         string // what it shows, for who can't see it
	Width, Height int
	Left, TickX   int
	Ticks         []chartTick
	Bars          []chartBar
	Line          string
	Dots          []chartPoint
	Labels        []chartPoint
}

type chartTick struct {
	Y, TextY string
	Text     string
	Zero     bool
}

type chartBar struct{ Class, X, Y, Width, Height string }

type chartPoint struct{ X, Y, Text string }

const (
	chartTop   = 8  // above the highest line
	chartUnder = 28 // for the names of the months
)

// chartOfMonths draws at least two months: for a page as wide as paper or, narrow, for a phone.
func chartOfMonths(months []billing.MonthSums, narrow bool) monthChart {
	c := monthChart{Class: "across", Width: 912, Height: 260, Left: 56}
	if narrow {
		c.Class, c.Width, c.Height, c.Left = "narrow", 344, 220, 44
	}
	c.TickX = c.Left - 8
	c.Label = fmt.Sprintf("Revenue, cost and margin from %s to %s; the table below has the figures",
		months[0].Month.Format("January 2006"), months[len(months)-1].Month.Format("January 2006"))
	scale := scaleFor(months, float64(chartTop), float64(c.Height-chartUnder))
	for tick := scale.low; tick <= scale.high+scale.step/2; tick += scale.step {
		y := scale.y(tick)
		c.Ticks = append(c.Ticks, chartTick{Y: number1(y), TextY: number1(y + 4), Text: dollarsShort(tick, scale.step),
			Zero: math.Abs(tick) < scale.step/2})
	}
	slot := float64(c.Width-c.Left) / float64(len(months))
	bar := math.Min(slot*.3, 26)
	var points []string
	for i, m := range months {
		middle := float64(c.Left) + (float64(i)+.5)*slot
		c.Bars = append(c.Bars, scale.bar("revenue", middle-bar-.5, bar, m.Revenue.Float()),
			scale.bar("cost", middle+.5, bar, m.Cost.Float()))
		at := chartPoint{X: number1(middle), Y: number1(scale.y(m.Margin().Float()))}
		points = append(points, at.X+","+at.Y)
		c.Dots = append(c.Dots, at)
		c.Labels = append(c.Labels, chartPoint{number1(middle), number1(float64(c.Height - 8)),
			monthLabel(months, i, narrow)})
	}
	c.Line = strings.Join(points, " ")
	return c
}

// monthLabel names a month; the first, and each January, with its year where there is room for it.
func monthLabel(months []billing.MonthSums, i int, narrow bool) string {
	m := months[i].Month
	switch {
	case narrow && len(months) > 6:
		return m.Format("Jan")[:1]
	case narrow || i > 0 && m.Month() != 1:
		return m.Format("Jan")
	}
	return m.Format("Jan 2006")
}

// moneyScale turns dollars into places on a chart.
type moneyScale struct {
	low, high, step float64 // of the lines across
	top, bottom     float64
}

// scaleFor fits a scale of round numbers around everything that is drawn, and 0.
func scaleFor(months []billing.MonthSums, top, bottom float64) moneyScale {
	low, high := 0.0, 0.0
	for _, m := range months {
		for _, v := range []float64{m.Revenue.Float(), m.Cost.Float(), m.Margin().Float()} {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	step := page.RoundStep((high - low) / 4)
	return moneyScale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step, top, bottom}
}

func (s moneyScale) y(dollars float64) float64 {
	if s.high <= s.low {
		return s.bottom
	}
	return s.bottom - (dollars-s.low)/(s.high-s.low)*(s.bottom-s.top)
}

func (s moneyScale) bar(class string, x, width, dollars float64) chartBar {
	from, to := s.y(0), s.y(dollars)
	return chartBar{class, number1(x), number1(math.Min(from, to)), number1(width), number1(math.Abs(from - to))}
}

// number1 writes a coordinate with one decimal.
func number1(f float64) string { return fmt.Sprintf("%.1f", f+0) }

// dollarsShort writes the amount at a line across: "$1,500", "$20k", "$3M", "$0.05".
func dollarsShort(amount, step float64) string {
	sign := ""
	if amount < -step/2 {
		sign = "−"
	}
	amount = math.Abs(amount)
	switch {
	case amount < step/2:
		return "$0"
	case step >= 1_000_000:
		return sign + "$" + humanize.Comma(int64(math.Round(amount/1_000_000))) + "M"
	case step >= 1_000:
		return sign + "$" + humanize.Comma(int64(math.Round(amount/1_000))) + "k"
	case step >= 1:
		return sign + "$" + humanize.Comma(int64(math.Round(amount)))
	}
	return sign + "$" + fmt.Sprintf("%.*f", int(math.Max(2, math.Ceil(-math.Log10(step)))), amount)
}
