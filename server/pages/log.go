package pages

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

func (p *pages) logRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing/log", Scope: access.ScopeRead, Do: p.log},
		{Pattern: "GET /billing/log.csv", Scope: access.ScopeRead, Do: p.logCSV},
	}
}

// logData is a page of the usage log.
type logData struct {
	Filter   logFilter
	Rows     []logRow
	Cost     bool
	Filtered bool
	Newest   string // a link to the first page; "" on it
	Older    string // a link to the page after; "" on the last
	User     string // of whom it is, where that is not the caller
}

// logFilter is what the form over the log has in it.
type logFilter struct {
	Providers, Statuses []option
	Model, From, To     string
}

type option struct {
	Value, Name string
	Selected    bool
}

type logRow struct {
	Time, Provider, Model, Input, Output, Duration, Cost string
	Status, State                                        string
	Note                                                 string // what went wrong
	ID                                                   string
}

// logPageSize is how many calls a page of the log has.
const logPageSize = 50

// logQuery reads what the address asks for.
func logQuery(c *web.Call) (q usage.LogQuery, after string, err error) {
	user, err := userToShow(c)
	if err != nil {
		return q, "", err
	}
	in := c.Query()
	in.Text("user")
	q = usage.LogQuery{User: user, Provider: in.Text("provider"), Model: in.Text("model"),
		Status: usage.LogStatus(in.Text("status")), From: in.Time("from"), To: in.Time("to"), Limit: logPageSize}
	if !q.To.IsZero() && q.To.Equal(q.To.Truncate(day)) {
		q.To = q.To.AddDate(0, 0, 1) // people mean the day as well
	}
	after = in.Text("after")
	return q, after, cmp.Or(in.Err(), q.Validate())
}

func (p *pages) log(w http.ResponseWriter, c *web.Call) error {
	q, after, err := logQuery(c)
	if err != nil {
		return err
	}
	q.Limit++
	entries, _, err := c.Reports.Logs(c.Context(), q, after)
	if err != nil {
		return err
	}
	d := logData{Cost: p.ShowCost}
	if len(entries) == q.Limit {
		entries = entries[:logPageSize]
		d.Older = pageLink(c, entries[logPageSize-1].ID)
	}
	if after != "" {
		d.Newest = pageLink(c, "")
	}
	if user := c.URL.Query().Get("user"); user != "" {
		d.User = user
	}
	for i := range entries {
		d.Rows = append(d.Rows, logRowOf(&entries[i]))
	}
	if d.Filter, err = p.filterOf(c, q); err != nil {
		return err
	}
	d.Filtered = q.Provider != "" || q.Model != "" || q.Status != "" || !q.From.IsZero() || !q.To.IsZero()
	return p.show(w, c, http.StatusOK, page{template: "log", title: "Usage log", section: "/billing/log", data: d})
}

// pageLink is a link to the same log from after a call on, or with "" from its beginning.
func pageLink(c *web.Call, after string) string {
	q := c.URL.Query()
	q.Del("after")
	if after != "" {
		q.Set("after", after)
	}
	return c.URL.Path + "?" + q.Encode()
}

// filterOf fills the form: its providers are those that the user has used of late.
func (p *pages) filterOf(c *web.Call, q usage.LogQuery) (f logFilter, err error) {
	tomorrow := c.Now.Truncate(day).AddDate(0, 0, 1)
	used, err := c.Reports.Report(c.Context(), usage.ReportQuery{From: tomorrow.AddDate(-1, 0, 0), To: tomorrow,
		By: []usage.Dimension{usage.ByProvider}, User: q.User}, 0)
	if err != nil {
		return f, err
	}
	f.Providers = []option{{"", "All", q.Provider == ""}}
	found := q.Provider == ""
	for _, row := range used.Rows {
		name := row.Keys[0]
		found = found || name == q.Provider
		f.Providers = append(f.Providers, option{name, title(name), name == q.Provider})
	}
	if !found {
		f.Providers = append(f.Providers, option{q.Provider, title(q.Provider), true})
	}
	statuses := []usage.LogStatus{usage.LogAll, usage.LogOK, usage.LogFailed}
	if p.ShowCost {
		statuses = append(statuses, usage.LogUnpriced)
	}
	for _, s := range statuses {
		names := map[usage.LogStatus]string{usage.LogAll: "All", usage.LogOK: "Succeeded", usage.LogFailed: "Failed",
			usage.LogUnpriced: "Without a price"}
		f.Statuses = append(f.Statuses, option{string(s), names[s], s == q.Status})
	}
	in := c.URL.Query()
	f.Model, f.From, f.To = in.Get("model"), in.Get("from"), in.Get("to")
	return f, nil
}

func logRowOf(e *usage.Entry) logRow {
	r := logRow{Time: e.Time.UTC().Format("2 Jan 15:04:05"), Provider: title(e.Provider), Model: report.Visible(e.Model),
		Status: strconv.Itoa(e.StatusCode), Cost: e.Cost.Display(), ID: report.Visible(e.ID),
		Note: report.Visible(e.ErrorMessage)}
	tokens := e.Amounts().Quantities
	r.Input, r.Output = tokenCount(tokens, true), tokenCount(tokens, false)
	if e.ResponseTimeMS > 0 {
		r.Duration = report.Count(e.ResponseTimeMS) + " ms"
	}
	if e.Failed() {
		r.State, r.Status = "full", r.Status+" failed"
	}
	if l := e.Links; l != nil {
		switch {
		case l.Voids != "":
			r.Status, r.State = "takes back", "soft"
		case l.ReplacedBy != "":
			r.Status, r.State = "corrected", "soft"
		case l.VoidedBy != "":
			r.Status, r.State = "taken back", "soft"
		}
	}
	return r
}

// mostExported is how many calls one file has at most.
const mostExported = 1_000_000

// logCSV writes the log that the page shows, all of it.
func (p *pages) logCSV(w http.ResponseWriter, c *web.Call) error {
	q, after, err := logQuery(c)
	if err != nil {
		return err
	}
	q.Limit = usage.PageSize
	for rows := 0; rows < mostExported; rows += q.Limit {
		entries, plans, err := c.Reports.Logs(c.Context(), q, after)
		if err != nil && rows > 0 {
			panic(http.ErrAbortHandler) // half a file is broken off, and does not look like a whole one
		}
		if err != nil {
			return err
		}
		if rows == 0 {
			h := w.Header()
			h.Set("Content-Type", "text/csv; charset=utf-8")
			h.Set("Content-Disposition", `attachment; filename="usage-`+c.Now.Format(time.DateOnly)+`.csv"`)
		}
		part, err := p.csvOf(c, entries, plans, rows == 0)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(part); err != nil || len(entries) < q.Limit {
			return nil // who has gone is not there to be told
		}
		after = entries[len(entries)-1].ID
	}
	return nil
}

// csvOf writes log rows as CSV, with the names of the columns or without.
func (p *pages) csvOf(c *web.Call, entries []usage.Entry, plans map[int64]string, header bool) ([]byte, error) {
	document := report.Logs(entries, func(id int64) string { return plans[id] })
	if !p.ShowCost {
		document = document.WithoutCost()
	}
	var out bytes.Buffer
	printer := report.Printer{Out: &out, Format: report.FormatCSV, Rehearsal: c.Rehearsal}
	if err := printer.Print(document); err != nil {
		return nil, err
	}
	if header {
		return out.Bytes(), nil
	}
	_, rest, ok := bytes.Cut(out.Bytes(), []byte("\n"))
	if !ok {
		return nil, errors.New("CSV without a line")
	}
	return rest, nil
}

// tokenCount writes the input or output tokens of a call; nothing where it had neither.
func tokenCount(all pricing.Quantities, input bool) string {
	in, out := all[pricing.InputTokens], all[pricing.OutputTokens]
	switch {
	case in == 0 && out == 0:
		return report.Dash
	case input:
		return report.Count(in)
	}
	return report.Count(out)
}
