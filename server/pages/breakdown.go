package pages

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// breakdown is usage by day and by something else, with what can be chosen.
type breakdown struct {
	Daily   daily
	Charts  []columns `json:"-"` // drawn of the days
	Shows   []choice  `json:"-"` // calls, tokens, cost
	Bys     []choice  `json:"-"` // provider, model
	Times   []choice  `json:"-"`
	By      string    // “Provider”
	Shown   string    // “Calls”
	Total   string
	Rows    []dayRow // the newest first
	Nothing bool
	Note    string
}

// choice is a link that shows something else in the same place.
type choice struct {
	Name, Link string
	Current    bool
}

type dayRow struct {
	Day   string
	Cells []string
	Total string
}

const day = 24 * time.Hour

// wanted is what the address asks of a breakdown.
type wanted struct{ show, by, time string }

func (p *pages) wanted(q *web.Query) (wanted, error) {
	w := wanted{cmp.Or(q.Text("show"), "calls"), cmp.Or(q.Text("by"), "provider"), cmp.Or(q.Text("time"), "period")}
	shows := []string{"calls", "tokens"}
	if p.ShowCost {
		shows = append(shows, "cost")
	}
	for _, is := range []struct {
		name, text string
		known      []string
	}{{"show", w.show, shows}, {"by", w.by, []string{"provider", "model"}},
		{"time", w.time, []string{"period", "last", "30d", "90d"}}} {
		if !slices.Contains(is.known, is.text) {
			return w, failure.UnknownName(failure.Invalid, is.name, is.text, is.known)
		}
	}
	return w, nil
}

// days returns the days that are asked for: the first, and the one behind the last.
func (w wanted) days(account plan.Account, now time.Time) (from, to time.Time) {
	today := now.Truncate(day)
	switch w.time {
	case "30d":
		return today.AddDate(0, 0, -29), today.AddDate(0, 0, 1)
	case "90d":
		return today.AddDate(0, 0, -89), today.AddDate(0, 0, 1)
	}
	period := account.PeriodAt(now)
	if w.time == "last" {
		period = account.PeriodAt(period.Start.Add(-time.Microsecond))
	}
	from, to = period.Start.UTC().Truncate(day), period.End.UTC()
	if !to.Equal(to.Truncate(day)) {
		to = to.Truncate(day).Add(day)
	}
	return from, to
}

// breakdownOf reads a user's usage and breaks it down.
func (p *pages) breakdownOf(c *web.Call, account plan.Account, w wanted) (b breakdown, err error) {
	from, to := w.days(account, c.Now)
	by := usage.ByProvider
	if w.by == "model" {
		by = usage.ByModel
	}
	r, err := c.Reports.Report(c.Context(),
		usage.ReportQuery{From: from, To: to, By: []usage.Dimension{usage.ByDay, by}, User: account.UserID}, 0)
	if err != nil {
		return b, err
	}
	b.Daily = dailyOf(r, w, from, to, c.Now)
	b.Nothing = len(b.Daily.Groups) == 0
	b.By, b.Shown = title(w.by), b.Daily.what()
	b.Total = w.text(r.Sum)
	if w.show == "cost" && r.Sum.Unpriced > 0 {
		b.Note = failure.Counted(r.Sum.Unpriced, "call") + " had no price and are not in the cost."
	}
	if n := r.Sum.Estimated; n > 0 {
		b.Note = strings.TrimSpace(b.Note + " " + report.Count(n) + " of " + failure.Counted(r.Sum.Calls, "call") +
			" were estimated, since their providers did not say what was used.")
	}
	b.Rows = dayRows(b.Daily, r, w)
	return b, nil
}

// draw draws the charts, and makes the links to the same page with something else in them.
func (b *breakdown) draw(p *pages, c *web.Call, w wanted) {
	b.Charts = b.Daily.charts()
	link := func(key, value string) string {
		q := c.URL.Query()
		q.Del("done")
		q.Set(key, value)
		return c.URL.Path + "?" + q.Encode() + "#usage"
	}
	add := func(to *[]choice, key, value, name, current string) {
		*to = append(*to, choice{name, link(key, value), value == current})
	}
	add(&b.Shows, "show", "calls", "Calls", w.show)
	add(&b.Shows, "show", "tokens", "Tokens", w.show)
	if p.ShowCost {
		add(&b.Shows, "show", "cost", "Cost", w.show)
	}
	add(&b.Bys, "by", "provider", "Provider", w.by)
	add(&b.Bys, "by", "model", "Model", w.by)
	add(&b.Times, "time", "period", "This period", w.time)
	add(&b.Times, "time", "last", "Last period", w.time)
	add(&b.Times, "time", "30d", "30 days", w.time)
	add(&b.Times, "time", "90d", "90 days", w.time)
}

// of returns how much a row has of what is shown.
func (w wanted) of(r usage.ReportRow) float64 {
	switch w.show {
	case "tokens":
		return float64(r.Tokens())
	case "cost":
		return r.Cost.Float()
	}
	return float64(r.Calls)
}

// text writes how much a row has of what is shown.
func (w wanted) text(r usage.ReportRow) string {
	switch w.show {
	case "tokens":
		return report.Count(r.Tokens())
	case "cost":
		return money(r.Cost)
	}
	return report.Count(r.Calls)
}

// rough writes a sum of several groups.
func (w wanted) rough(amount float64) string {
	if w.show == "cost" {
		return pricing.USD(amount * 1e12).Display()
	}
	return report.Count(int64(amount))
}

func dailyOf(r usage.Report, w wanted, from, to, now time.Time) daily {
	d := daily{Unit: w.show, Today: -1}
	if w.show == "cost" {
		d.Unit = ""
	}
	at := map[string]int{}
	for t := from; t.Before(to); t = t.AddDate(0, 0, 1) {
		if t.Equal(now.Truncate(day)) {
			d.Today = len(d.Days)
		}
		at[t.Format(time.DateOnly)] = len(d.Days)
		d.Days = append(d.Days, t)
	}
	sums := map[string]*usage.ReportRow{}
	groups := map[string]*group{}
	for _, row := range r.Rows {
		i, key := at[row.Keys[0]], row.Keys[1]
		g := groups[key]
		if g == nil {
			g = &group{Name: groupName(key, w), Amounts: make([]float64, len(d.Days)), Texts: make([]string, len(d.Days))}
			groups[key], sums[key] = g, &usage.ReportRow{}
		}
		if amount := w.of(row); amount > 0 {
			g.Amounts[i] += amount
			g.Texts[i] = w.text(row)
			g.Sum += amount
		}
		sum := sums[key]
		sum.Calls, sum.InputTokens, sum.OutputTokens = sum.Calls+row.Calls, usage.AtMost(sum.InputTokens, row.InputTokens),
			usage.AtMost(sum.OutputTokens, row.OutputTokens)
		sum.Cost = sum.Cost.Add(row.Cost)
	}
	var list []group
	for key, g := range groups {
		if g.Text = w.text(*sums[key]); g.Sum > 0 {
			list = append(list, *g)
		}
	}
	d.Groups = groupTogether(list, w.rough)
	return d
}

func groupName(key string, w wanted) string {
	switch {
	case key == "":
		return "No " + w.by
	case w.by == "provider":
		return title(key)
	}
	return report.Visible(key)
}

// dayRows are the table of the chart: the days with anything, the newest first.
func dayRows(d daily, r usage.Report, w wanted) []dayRow {
	sums := map[string]usage.ReportRow{}
	for _, row := range r.Rows {
		sum := sums[row.Keys[0]]
		sum.Calls += row.Calls
		sum.InputTokens = usage.AtMost(sum.InputTokens, row.InputTokens)
		sum.OutputTokens = usage.AtMost(sum.OutputTokens, row.OutputTokens)
		sum.Cost = sum.Cost.Add(row.Cost)
		sums[row.Keys[0]] = sum
	}
	var rows []dayRow
	for i := range slices.Backward(d.Days) {
		sum, ok := sums[d.Days[i].Format(time.DateOnly)]
		if !ok {
			continue
		}
		row := dayRow{Day: d.Days[i].Format("Mon 2 Jan"), Total: w.text(sum)}
		for _, g := range d.Groups {
			row.Cells = append(row.Cells, cmp.Or(g.Texts[i], report.Dash))
		}
		rows = append(rows, row)
	}
	return rows
}

// words joins names: “a, b and c”.
func words(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}
