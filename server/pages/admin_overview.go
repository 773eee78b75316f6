package pages

import (
	"cmp"
	"net/http"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// adminOverviewData is what operators see first: whether something is to be done, and how today goes.
type adminOverviewData struct {
	Verdict   verdict
	Todo      []todo
	Figures   []fact
	Usage     breakdown
	Providers *table
	Refusals  *table
	Plans     *table
	AsOf      string
}

// todo is something that somebody should look at.
type todo struct{ State, Text, Path, Do string }

func (p *pages) adminOverview(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	show := cmp.Or(q.Text("show"), "cost")
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	if show != "calls" && show != "tokens" && show != "cost" {
		return failure.UnknownName(failure.Invalid, "show", show, []string{"calls", "tokens", "cost"})
	}
	o, err := c.Health.Overview(c.Context(), c.Now)
	if err != nil {
		return err
	}
	d := adminOverviewData{Todo: todosOf(o), Figures: todaysFigures(o), AsOf: report.Time(c.Now)}
	d.Verdict = verdict{"ok", "All is well", "Nothing waits for you."}
	if n := len(d.Todo); n > 0 {
		d.Verdict = verdict{"near", failure.Counted(n, "thing") + " to look at", ""}
	}
	asked := wanted{show: show, by: "provider"}
	d.Usage = breakdown{By: "Provider", Daily: dailyOf(o.Usage, asked, o.From, o.To, c.Now),
		Total: asked.text(o.Usage.Sum)}
	d.Usage.Charts, d.Usage.Nothing = d.Usage.Daily.charts(), len(d.Usage.Daily.Groups) == 0
	d.Usage.Shown, d.Usage.Rows = d.Usage.Daily.what(), dayRows(d.Usage.Daily, o.Usage, asked)
	for _, s := range []string{"cost", "calls", "tokens"} {
		d.Usage.Shows = append(d.Usage.Shows, choice{title(s), "/admin?show=" + s + "#usage", s == show})
	}
	month := usage.Report{Query: usage.ReportQuery{By: []usage.Dimension{usage.ByProvider}}, Rows: o.Providers,
		Sum: o.Month}
	d.Providers = firstTable(partsOf(report.Report(month, false), nil))
	if len(o.Refusals.Rows) > 0 {
		d.Refusals = firstTable(partsOf(report.Refusals(o.Refusals), links{
			"user": func(i int) string { return userPath(o.Refusals.Rows[i].User) }}))
	}
	d.Plans = firstTable(partsOf(report.Plans(o.Plans, o.Subscribers), links{
		"name": func(i int) string { return at("/admin/plan", "name", o.Plans[i].Name) }}))
	return p.show(w, c, http.StatusOK, page{template: "admin", title: "Today", section: "/admin", data: d})
}

// todosOf are what waits for somebody, the most urgent first.
func todosOf(o health.Overview) []todo {
	var list []todo
	add := func(count int64, state, text, path, do string) {
		if count > 0 {
			list = append(list, todo{state, text, path, do})
		}
	}
	dead := o.Outbox.Deliveries[notify.Dead] + o.Outbox.Deliveries[notify.Unconfirmed]
	today := o.Days[len(o.Days)-1]
	add(int64(o.Overdue.Bills), "full", failure.Counted(o.Overdue.Bills, "bill")+" past due, "+
		o.Overdue.Revenue.NearestCent().Display(), "/admin/bills?status=past_due", "See them")
	add(dead, "full", failure.Counted(dead, "message")+" did not arrive, or may not have", "/admin/outbox?status=dead",
		"See the outbox")
	add(o.Month.Unpriced, "full", failure.Counted(o.Month.Unpriced, "call")+
		" without a price this month, counted as $0.00", "/admin/health?all=1", "Find the models")
	add(o.Counts.Due, "near", failure.Counted(o.Counts.Due, "user")+
		" with a period that has ended and is not closed: the nightly alwrity-sub billing close does it", "/admin/health",
		"See the health")
	if failed := today.Errors; failed > 20 && failed*10 > today.Calls+failed {
		add(failed, "near", share(failed, today.Calls+failed)+" of today’s calls failed", "", "")
	}
	add(o.Counts.UnreadAlerts, "near", failure.Counted(o.Counts.UnreadAlerts, "alert")+" that nobody has read",
		"/admin/alerts?show=unread", "Read them")
	return list
}

// share writes which part of a whole something is.
func share(part, whole int64) string {
	if whole == 0 {
		return report.Dash
	}
	return report.ShortPercent(part * 1000 / whole)
}

func todaysFigures(o health.Overview) []fact {
	today, yesterday := o.Days[len(o.Days)-1], o.Days[len(o.Days)-2]
	failed := "none failed"
	if today.Errors > 0 {
		failed = share(today.Errors, today.Calls+today.Errors) + " failed"
	}
	margin := fact{"Margin last month", report.Dash, "nothing was billed"}
	if o.LastBilled.Bills > 0 {
		margin.Value = money(o.LastBilled.Margin())
		margin.Note = money(o.LastBilled.Revenue) + " billed, " + money(o.LastBilled.Cost) + " cost"
		if percent, ok := report.PercentOf(o.LastBilled.Margin(), o.LastBilled.Revenue); ok {
			margin.Note = percent + "% of " + money(o.LastBilled.Revenue)
		}
	}
	priced := fact{"Calls without a price", report.Count(o.Month.Unpriced), "this month: all are priced"}
	if o.Month.Unpriced > 0 {
		priced.Note = share(o.Month.Unpriced, o.Month.Calls) + " of this month’s calls"
	}
	estimated := fact{"Estimated calls", report.Count(o.Month.Estimated), "this month: vendors said what all used"}
	if o.Month.Estimated > 0 {
		estimated.Note = share(o.Month.Estimated, o.Month.Calls) + " of this month’s calls, " +
			money(o.Month.EstimatedCost) + " of their cost"
	}
	waiting := o.Outbox.Unexpanded + o.Outbox.Deliveries[notify.Waiting] + o.Outbox.Deliveries[notify.Sending]
	return []fact{
		{"Calls today", report.Count(today.Calls), failed + " · " + report.Count(yesterday.Calls) + " yesterday"},
		{"Cost today", money(today.Cost), money(yesterday.Cost) + " yesterday"},
		{"Cost this month", money(o.Month.Cost), report.Count(o.Month.Calls) + " calls"},
		{"Billed this month", money(o.Billed.Revenue), failure.Counted(o.Billed.Bills, "bill") + ", " +
			money(o.Billed.Margin()) + " margin"},
		margin,
		{"To be paid", money(o.Unpaid.Revenue), failure.Counted(o.Unpaid.Bills, "bill") + ", " + money(o.Overdue.Revenue) +
			" past due"},
		{"Refused today", report.Count(o.Refused), "calls; " + failure.Counted(o.Counts.UsedUp, "limit") +
			" used up today"},
		priced, estimated,
		{"Subscriptions", report.Count(int64(sumOf(o.Subscribers))), "that run now"},
		{"Messages waiting", report.Count(waiting), failure.Counted(o.Counts.Held, "call") + " running now"},
	}
}

// money writes an amount to the cent; one that is less, exactly.
func money(t pricing.Total) string {
	if cents := t.NearestCent(); cents.Cmp(pricing.Total{}) != 0 {
		return cents.Display()
	}
	return t.Display()
}
