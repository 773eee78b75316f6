package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/guptarohit/asciigraph"
)

// defaultWidth is how wide a chart is where the terminal's width is not known.
const defaultWidth = 80

// chartWidth is how many columns a chart may take. A line across a very wide
// terminal is hard to read.
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
	labels = fitting(labels, width)
	last := float64(len(labels) - 1)
	options := []asciigraph.Option{
		asciigraph.Width(width), asciigraph.Height(rows),
		asciigraph.LowerBound(0), asciigraph.UpperBound(top),
		asciigraph.YAxisValueFormatter(write),
		asciigraph.XAxisRange(0, last), asciigraph.XAxisTickCount(ticks(labels, width)),
		asciigraph.XAxisValueFormatter(func(x float64) string { return labels[int(math.Round(min(max(x, 0), last)))] }),
	}
	series := make([][]float64, len(curves))
	var colors []asciigraph.AnsiColor
	var chars []asciigraph.CharSet
	for i, c := range curves {
		series[i] = c.points
		chars = append(chars, c.chars())
		colors = append(colors, c.color())
	}
	options = append(options, asciigraph.SeriesChars(chars...))
	if t.color {
		options = append(options, asciigraph.SeriesColors(colors...))
	}
	t.out.WriteString(asciigraph.PlotMany(series, options...) + "\n")
}

func (c curve) chars() asciigraph.CharSet {
	chars := asciigraph.DefaultCharSet
	if c.dashed {
		chars.Horizontal, chars.VerticalLine = "╌", "╎"
	}
	return chars
}

func (c curve) color() asciigraph.AnsiColor {
	if c.dashed {
		return asciigraph.Yellow
	}
	return asciigraph.Green
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

// plotWidth gives every point as many columns as its label takes, and never
// exceeds what there is.
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

// fitting shortens the labels of months, where not all of them have room, to
// "Feb", and in January to the year. Other labels stay: not all of them are shown.
func fitting(labels []string, width int) []string {
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
