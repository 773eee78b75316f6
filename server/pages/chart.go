package pages

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
)

// daily is an amount for each of some days and groups, such as calls by provider.
type daily struct {
	Unit   string // calls, tokens; "" for dollars
	Days   []time.Time
	Groups []group // the largest first
	Today  int     // the day that is running; -1: none of these
}

// group is one of the things that amounts are broken down by.
type group struct {
	Name    string
	Class   string // of its colour
	Amounts []float64
	Texts   []string // the exact amounts; "" where there is none
	Sum     float64
	Text    string // the exact sum
	Share   string // of all groups
}

// columns is a chart of stacked columns, a column for each day, ready to be drawn.
type columns struct {
	Class         string
	Label         string
	Width, Height int
	Left, Right   int
	TickX         int
	Bottom        string
	Ticks         []tick
	Columns       []column
	Labels        []label
}

type tick struct {
	Y, TextY, Text string
	Zero           bool
}

type column struct {
	Title    string // what a pointer over it shows
	X, Width string
	Height   string
	Segments []segment
}

type segment struct{ Class, X, Y, Width, Height string }

type label struct{ X, Y, Text string }

const (
	chartTop   = 10 // above the highest line
	chartUnder = 26 // for the days
)

// charts draws amounts for a page as wide as a screen and, narrow, for a phone.
func (d daily) charts() []columns { return []columns{d.draw(false), d.draw(true)} }

func (d daily) draw(narrow bool) columns {
	c := columns{Class: "across", Width: 690, Height: 270, Left: 48}
	if narrow {
		c.Class, c.Width, c.Height, c.Left = "narrow", 344, 220, 44
	}
	c.Right, c.TickX = c.Width, c.Left-8
	bottom := float64(c.Height - chartUnder)
	c.Bottom = coordinate(bottom)
	c.Label = d.summary()
	most := d.most()
	step := basis.RoundStep(most / 4)
	if d.Unit != "" {
		step = math.Max(1, step)
	}
	high := math.Max(step, math.Ceil(most/step-1e-9)*step)
	y := func(amount float64) float64 { return bottom - amount/high*(bottom-chartTop) }
	for v := 0.0; v <= high+step/2; v += step {
		c.Ticks = append(c.Ticks, tick{coordinate(y(v)), coordinate(y(v) + 4), d.short(v, step), v < step/2})
	}
	slot := float64(c.Width-c.Left) / float64(max(1, len(d.Days)))
	width := math.Min(slot*.72, 28)
	every := labelEvery(len(d.Days), narrow)
	for i, day := range d.Days {
		middle := float64(c.Left) + (float64(i)+.5)*slot
		c.Columns = append(c.Columns, d.column(i, middle, slot, width, y))
		if i%every == 0 {
			c.Labels = append(c.Labels, label{coordinate(middle), coordinate(float64(c.Height - 6)), d.dayLabel(i, day)})
		}
	}
	return c
}

// column stacks the amounts of a day, the largest group at the bottom.
func (d daily) column(i int, middle, slot, width float64, y func(float64) float64) column {
	col := column{Title: d.dayTitle(i), X: coordinate(middle - slot/2), Width: coordinate(slot)}
	col.Height = coordinate(y(0) - chartTop)
	base := 0.0
	for _, g := range d.Groups {
		amount := g.Amounts[i]
		if amount <= 0 {
			continue
		}
		top, under := y(base+amount), y(base)
		height := math.Max(under-top-.75, .75) // a line of paper between two of them
		col.Segments = append(col.Segments, segment{g.Class, coordinate(middle - width/2), coordinate(under - height),
			coordinate(width), coordinate(height)})
		base += amount
	}
	return col
}

// most is the largest sum of a day.
func (d daily) most() (most float64) {
	for i := range d.Days {
		sum := 0.0
		for _, g := range d.Groups {
			sum += math.Max(0, g.Amounts[i])
		}
		most = math.Max(most, sum)
	}
	return most
}

func (d daily) summary() string {
	if len(d.Days) == 0 {
		return "Nothing to show"
	}
	return fmt.Sprintf("%s by day from %s to %s; the table below has the figures", d.what(), basis.Day(d.Days[0]),
		basis.Day(d.Days[len(d.Days)-1]))
}

func (d daily) what() string {
	return cmp.Or(strings.ToUpper(d.Unit[:min(1, len(d.Unit))])+d.Unit[min(1, len(d.Unit)):], "Cost")
}

// dayTitle says what was used on a day.
func (d daily) dayTitle(i int) string {
	var parts []string
	for _, g := range d.Groups {
		if g.Texts[i] != "" {
			parts = append(parts, g.Name+" "+g.Texts[i])
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	return basis.Day(d.Days[i]) + ": " + strings.Join(parts, ", ")
}

func (d daily) dayLabel(i int, day time.Time) string {
	if i == 0 || day.Day() == 1 {
		return day.Format("2 Jan")
	}
	return day.Format("2")
}

// labelEvery says how many days apart labels stand so that they don't run into each other.
func labelEvery(days int, narrow bool) int {
	room := 16
	if narrow {
		room = 7
	}
	for _, every := range []int{1, 2, 5, 7, 10, 14, 30, 60, 90} {
		if days <= every*room {
			return every
		}
	}
	return 365
}

// short writes an amount at a line across: “1,500”, “20k”, “3M”, “$0.05”.
func (d daily) short(amount, step float64) string {
	sign := ""
	if d.Unit == "" {
		sign = "$"
	}
	if d.Unit == "" && step < 1 && amount > 0 {
		return sign + fmt.Sprintf("%.*f", int(math.Max(2, math.Ceil(-math.Log10(step)))), amount)
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}} {
		if step >= unit.size/2 && amount > 0 && math.Mod(amount, unit.size/2) == 0 {
			text := fmt.Sprintf("%.1f", amount/unit.size)
			return sign + strings.TrimSuffix(text, ".0") + unit.name
		}
	}
	return sign + report.Count(int64(math.Round(amount)))
}

// coordinate writes a place on a chart with one decimal.
func coordinate(f float64) string { return fmt.Sprintf("%.1f", f+0) }

// mostGroups is how many groups have a colour of their own; the others are one together.
const mostGroups = 5

// groupTogether sorts groups, and makes one of those that have no colour left.
func groupTogether(groups []group, text func(amount float64) string) []group {
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Name, b.Name))
	})
	if len(groups) > mostGroups+1 {
		rest := groups[mostGroups:]
		other := group{Name: fmt.Sprintf("%d others", len(rest)), Amounts: make([]float64, len(rest[0].Amounts)),
			Texts: make([]string, len(rest[0].Amounts))}
		for _, g := range rest {
			other.Sum += g.Sum
			for i, amount := range g.Amounts {
				if other.Amounts[i] += amount; other.Amounts[i] > 0 {
					other.Texts[i] = text(other.Amounts[i])
				}
			}
		}
		other.Text = text(other.Sum)
		groups = append(groups[:mostGroups:mostGroups], other)
	}
	all := 0.0
	for _, g := range groups {
		all += g.Sum
	}
	for i := range groups {
		groups[i].Class = fmt.Sprintf("s%d", i+1)
		if all > 0 {
			groups[i].Share = fmt.Sprintf("%.1f%%", 100*groups[i].Sum/all)
		}
	}
	return groups
}
