package report

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/guptarohit/asciigraph"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// defaultWidth is how wide a chart is where the terminal's width is not known.
const defaultWidth = 80

// chartWidth is how many columns a chart may take. A line across a very wide terminal is hard to read.
func (t *Text) chartWidth() int {
	if t.width <= 0 {
		return defaultWidth
	}
	return min(t.width, 120)
}

// curve is one line of a chart; NaN where it has no point.
type curve struct {
	points []float64
	dashed bool
}

// lineChart draws curves of dollars over points in time that have labels.
func (t *Text) lineChart(labels []string, curves ...curve) {
	top, rows := scale(highest(curves))
	write := dollars(top / float64(rows))
	axis, overhang := len(write(top))+3, len(labels[0])/2+1
	width := plotWidth(labels, t.chartWidth()-axis-overhang)
	labels = shortMonths(labels, width)
	last := float64(len(labels) - 1)
	options := []asciigraph.Option{
		asciigraph.Width(width), asciigraph.Height(rows),
		asciigraph.LowerBound(0), asciigraph.UpperBound(top),
		asciigraph.YAxisValueFormatter(write),
		asciigraph.XAxisRange(0, last), asciigraph.XAxisTickCount(ticks(labels, width)),
		asciigraph.XAxisValueFormatter(func(x float64) string { return labels[int(math.Round(min(max(x, 0), last)))] }),
	}
	var series [][]float64
	var colors []asciigraph.AnsiColor
	var chars []asciigraph.CharSet
	for _, c := range curves {
		color, char := asciigraph.Green, asciigraph.DefaultCharSet
		if c.dashed {
			color, char.Horizontal, char.VerticalLine = asciigraph.Yellow, "╌", "╎"
		}
		series, colors, chars = append(series, c.points), append(colors, color), append(chars, char)
	}
	options = append(options, asciigraph.SeriesChars(chars...))
	if t.color {
		options = append(options, asciigraph.SeriesColors(colors...))
	}
	t.out.WriteString(asciigraph.PlotMany(series, options...) + "\n")
}

func highest(curves []curve) float64 {
	top := 0.0
	for _, c := range curves {
		for _, y := range c.points {
			if y > top { // false for NaN
				top = y
			}
		}
	}
	return top
}

// scale returns a round upper end of an axis and how many rows it is divided
// into, so that every row stands for a round amount.
func scale(highest float64) (top float64, rows int) {
	const wanted = 8
	if highest <= 0 {
		return 1, 2
	}
	step := highest / wanted
	magnitude := math.Pow(10, math.Floor(math.Log10(step)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if factor*magnitude >= step*0.999999 {
			step = factor * magnitude
			break
		}
	}
	rows = int(math.Ceil(highest/step - 0.000001))
	return step * float64(rows), max(rows, 1)
}

// dollars returns how amounts are written on an axis whose rows are a step apart.
func dollars(step float64) func(float64) string {
	decimals := 0
	for scaled := step; decimals < 12 && math.Abs(scaled-math.Round(scaled)) > 0.001*scaled; scaled *= 10 {
		decimals++
	}
	if decimals == 1 {
		decimals = 2 // cents are written whole
	}
	format := "#,###." + strings.Repeat("#", decimals)
	return func(amount float64) string {
		if decimals > 9 { // more than humanize writes
			return "$" + strconv.FormatFloat(amount, 'f', decimals, 64)
		}
		return "$" + humanize.FormatFloat(format, amount)
	}
}

// plotWidth gives every point as many columns as its label takes, and never exceeds what there is.
func plotWidth(labels []string, available int) int {
	return max(2, min(available, max(40, len(labels)*(len(labels[0])+2))))
}

// ticks returns how many labels the axis of time gets: a number at which each
// stands under its own point, where there is one.
func ticks(labels []string, width int) int {
	most := max(2, min(len(labels), width/(len(labels[0])+2)))
	for n := most; n > 2; n-- {
		if (len(labels)-1)%(n-1) == 0 {
			return n
		}
	}
	return min(most, 5)
}

// shortMonths shortens the labels of months, where not all of them have room, to
// "Feb", and in January to the year. Other labels stay: not all of them are shown.
func shortMonths(labels []string, width int) []string {
	if len(labels)*(len(labels[0])+2) <= width || len(labels)*5 > width {
		return labels
	}
	short := make([]string, len(labels))
	for i, label := range labels {
		month, err := time.Parse("2006-01", label)
		if err != nil {
			return labels
		}
		short[i] = month.Format("Jan")
		if month.Month() == time.January {
			short[i] = month.Format("2006")
		}
	}
	return short
}

// point is the cost of one label of a chart.
type point struct {
	label string
	cost  pricing.Total
}

// chart draws the cost of a report: a line over time where its first dimension
// is time and no row is left out, else bars.
func (t *Text) chart(r usage.Report) {
	if unit := timeUnit(r); unit != "" {
		if points := overTime(r); len(points) > 1 {
			t.timeChart(points, unit)
			return
		}
	}
	t.bars(listOf(r.Rows, func(row usage.ReportRow) point { return point{keysLabel(row.Keys), row.Cost} }))
}

func timeUnit(r usage.Report) string {
	if len(r.Query.By) == 0 || r.Left > 0 {
		return ""
	}
	switch d := r.Query.By[0]; d {
	case usage.ByDay, usage.ByMonth:
		return string(d)
	}
	return ""
}

func keysLabel(keys []string) string {
	return strings.Join(listOf(keys, func(k string) string { return cmp.Or(k, Dash) }), " · ")
}

// overTime sums the rows of each day or month, from the first to the last, those
// without usage too. The rows are in the order of time.
func overTime(r usage.Report) []point {
	layout := time.DateOnly
	next := func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	if r.Query.By[0] == usage.ByMonth {
		layout = "2006-01"
		next = func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	}
	var points []point
	for _, row := range r.Rows {
		at, err := time.Parse(layout, row.Keys[0])
		if err != nil {
			return nil // not a day that a chart can place: bars can
		}
		for len(points) > 0 && points[len(points)-1].label < row.Keys[0] {
			before, _ := time.Parse(layout, points[len(points)-1].label)
			points = append(points, point{label: next(before).Format(layout)})
		}
		if len(points) == 0 {
			points = append(points, point{label: at.Format(layout)})
		}
		last := &points[len(points)-1]
		last.cost = last.cost.Add(row.Cost)
	}
	return points
}

// timeChart draws costs over time. Where there are more points than columns, neighbours are drawn as their mean.
func (t *Text) timeChart(points []point, unit string) {
	together := (len(points) + t.chartWidth() - 21) / (t.chartWidth() - 20)
	title := "cost by " + unit
	if together > 1 {
		title = fmt.Sprintf("cost by %s, mean of %d %ss", unit, together, unit)
	}
	t.Title("%s", title)
	var labels []string
	var costs []float64
	for i := 0; i < len(points); i += together {
		group := points[i:min(i+together, len(points))]
		sum := 0.0
		for _, p := range group {
			sum += p.cost.Float()
		}
		labels = append(labels, group[0].label)
		costs = append(costs, sum/float64(len(group)))
	}
	t.lineChart(labels, curve{points: costs})
}

// trendChart draws the months of a trend, and the projection of the last one as a dashed line.
func (t *Text) trendChart(tr usage.Trend) {
	last := len(tr.Months) - 1
	if last == 0 {
		t.bars([]point{{tr.Months[0].Month + " so far", tr.Months[0].Cost}, {"projected", tr.Projected.Cents()}})
		return
	}
	labels := make([]string, last+1)
	actual, projected := make([]float64, last+1), make([]float64, last+1)
	for i, m := range tr.Months {
		labels[i], actual[i], projected[i] = m.Month, m.Cost.Float(), math.NaN()
	}
	projected[last-1], projected[last] = actual[last-1], tr.Projected.Float()
	t.Title("cost by month, the running one so far; dashed: as projected")
	t.lineChart(labels, curve{points: projected, dashed: true}, curve{points: actual})
}

// bars draws amounts as horizontal bars.
func (t *Text) bars(points []point) {
	t.Title("cost")
	most, label, amount := 0.0, 0, 0
	for _, p := range points {
		most = max(most, p.cost.Float())
		label = max(label, displayWidth(p.label))
		amount = max(amount, len(p.cost.Display()))
	}
	if t.width > 0 {
		label = min(label, max(12, t.chartWidth()-amount-24))
	}
	room := max(10, t.chartWidth()-label-amount-4)
	for _, p := range points {
		bar := ""
		if most > 0 {
			bar = strings.Repeat("█", int(math.Round(p.cost.Float()/most*float64(room))))
			if bar == "" && p.cost.Float() > 0 {
				bar = "▏"
			}
		}
		t.line(text(padded(shortened(p.label, label), label)+"  "), good.of(bar), text(" "+p.cost.Display()))
	}
}
