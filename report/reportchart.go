package report

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

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

// timeChart draws costs over time. Where there are more points than columns,
// neighbours are drawn as their mean.
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

// trendChart draws the months of a trend, and the projection of the last one as
// a dashed line.
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
