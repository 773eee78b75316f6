package pages

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// billingRoutes are the pages of a customer.
func (p *pages) billingRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing", Scope: access.ScopeRead, Do: p.overview},
		{Pattern: "GET /billing/alerts", Scope: access.ScopeRead, Do: p.allAlerts},
		{Pattern: "POST /billing/alerts/read", Scope: access.ScopeRead, Do: p.readAlerts},
	}
}

// overviewData is the page that comes first: how much is left, what will be used up when, and what it costs.
type overviewData struct {
	Verdict    verdict
	Plan       string
	Period     string
	Figures    []fact
	Meters     meters
	Usage      breakdown
	Alerts     []alertRow
	MoreAlerts []alertRow
	AlertIDs   string
	Bills      []billRow
	MoreBills  bool
	Terms      []fact // of the plan
	AsOf       string
}

// fact is a figure with its name and a note.
type fact struct{ Name, Value, Note string }

// userToShow returns whose page it is. Who may see many and named none is told how.
func userToShow(c *web.Call) (string, error) {
	user, err := userOf(c)
	if err == nil && user == "" {
		err = failure.Invalidf("this page shows one user, and you are none").
			WithHint("name one in the address: /billing?user=NAME")
	}
	return user, err
}

func (p *pages) overview(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	q := c.Query()
	q.Text("user")
	q.Text("done")
	want, err := p.wanted(q)
	if err := cmp.Or(err, q.Err()); err != nil {
		return err
	}
	question := fmt.Sprintf("overview %s %t", want, p.ShowCost)
	data, err := web.Kept(c, user, question, func() (overviewData, time.Time, error) {
		return p.overviewOf(c, user, want)
	})
	if failure.Is(err, failure.NotFound) && user == c.Who.User {
		return p.show(w, c, http.StatusOK, page{template: "nothing", title: "Usage", section: "/billing"})
	}
	if err != nil {
		return err
	}
	data.Usage.draw(p, c, want)
	return p.show(w, c, http.StatusOK, page{template: "overview", title: "Usage", section: "/billing", data: data})
}

// overviewOf makes the overview, and says until when it is one if nobody changes anything.
func (p *pages) overviewOf(c *web.Call, user string, want wanted) (d overviewData, until time.Time, err error) {
	ctx := c.Context()
	used, err := c.Usage.Show(ctx, user, c.Now, c.Now)
	if err != nil {
		return d, until, err
	}
	subscriber, err := c.Billing.Subscriber(ctx, user)
	if err != nil {
		return d, until, err
	}
	if d.Usage, err = p.breakdownOf(c, subscriber.Account, want); err != nil {
		return d, until, err
	}
	alerts, err := c.Lists.Alerts(ctx, usage.AlertQuery{User: user, Unread: true, Limit: mostAlerts})
	if err != nil {
		return d, until, err
	}
	bills, err := c.Billing.AllBills(ctx, billing.Query{UserID: user})
	if err != nil {
		return d, until, err
	}
	d.Plan, d.Period = used.Plan.Name, periodText(used.Period)
	d.Meters = p.metersOf(used, c.Now)
	d.Verdict = p.verdictOf(used, d.Meters, c.Now)
	d.Alerts, d.AlertIDs = p.alertRows(alerts.Rows, used.Period)
	if len(d.Alerts) > alertsShown+1 {
		d.Alerts, d.MoreAlerts = d.Alerts[:alertsShown], d.Alerts[alertsShown:]
	}
	d.Bills, d.MoreBills = billRows(bills, c.Now, 4)
	d.Terms = termsOf(subscriber.Account, used.Plan, c.Now)
	if d.Figures, err = p.figuresOf(c, used, d.Meters, bills); err != nil {
		return d, until, err
	}
	d.AsOf = report.Time(c.Now)
	until = overviewUntil(subscriber.Account, bills, c.Now)
	return d, until, nil
}

// overviewUntil returns when the overview says something else though nobody changes anything: that a bill is overdue,
// or that there is an hour less until the limits begin anew.
func overviewUntil(a plan.Account, bills []billing.Bill, now time.Time) time.Time {
	until := a.StandsUntil(now)
	end := a.PeriodAt(now).End
	moments := []time.Time{end.Add(-end.Sub(now).Truncate(time.Hour))}
	for _, b := range bills {
		moments = append(moments, b.DueAt, b.DueAt.Add(time.Microsecond))
	}
	for _, at := range moments {
		if at.After(now) && at.Before(until) {
			until = at
		}
	}
	return until
}

// mostAlerts is how many alerts are shown and marked as read together.
const mostAlerts = 50

// alertRow is an alert; Read is when it was read, "" for not yet.
type alertRow struct{ Text, When, State, Read string }

// alertsShown is how many alerts are shown at once; the others can be opened.
const alertsShown = 3

// alertRows are alerts as text, and their ids for marking them as read.
func (p *pages) alertRows(alerts []usage.Alert, period plan.Period) (rows []alertRow, ids string) {
	highest := map[string]bool{} // of a limit in a period: it is the newest, and says all
	for _, a := range alerts {
		ids += " " + strconv.FormatInt(a.ID, 10)
		key := a.Limit.Name + " " + a.PeriodStart.String()
		if !a.WithdrawnAt.IsZero() || highest[key] {
			continue
		}
		highest[key] = true
		rows = append(rows, p.alertRowOf(&a, period))
	}
	return rows, ids
}

func (p *pages) alertRowOf(a *usage.Alert, period plan.Period) alertRow {
	row := alertRow{When: report.Time(a.CreatedAt), State: "near"}
	row.Text = fmt.Sprintf("%s: %d%% used", title(a.Limit.Name), a.Threshold)
	if a.Threshold >= 100 {
		row.State, row.Text = "full", title(a.Limit.Name)+": used up"
	}
	if !p.hidden(a.Limit) {
		row.Text += fmt.Sprintf(" (%s of %s)", report.Amount(a.Limit.Meter, a.Used),
			report.Amount(a.Limit.Meter, a.Limit.Max))
	}
	if !a.PeriodStart.Equal(period.Start) {
		row.Text += " in the period from " + basis.Day(a.PeriodStart)
	}
	if !a.ReadAt.IsZero() {
		row.Read, row.State = report.Time(a.ReadAt), "soft"
	}
	return row
}

// alertsData is a page of all alerts that stand, the newest first.
type alertsData struct {
	Rows          []alertRow
	Newest, Older string // links; "" for none
}

func (p *pages) allAlerts(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	q := c.Query()
	q.Text("user")
	before := q.Key("after")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.Alerts(c.Context(),
		usage.AlertQuery{User: user, Standing: true, Before: before, Limit: mostAlerts})
	if err != nil {
		return err
	}
	var d alertsData
	for i := range found.Rows {
		d.Rows = append(d.Rows, p.alertRowOf(&found.Rows[i], plan.Period{}))
	}
	if before != 0 {
		d.Newest = following(c, "after", "")
	}
	if found.More {
		d.Older = following(c, "after", strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	return p.show(w, c, http.StatusOK, page{template: "alertlist", title: "Alerts", section: "/billing", data: d})
}

// readAlerts marks alerts as read.
func (p *pages) readAlerts(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return err
	}
	ids, err := idsOf(c.PostForm.Get("ids"))
	if err != nil {
		return err
	}
	if err := c.Lists.MarkReadOf(c.Context(), c.AuditFor(user, "alerts read"), user, ids); err != nil {
		return err
	}
	back(w, c, "/billing", "read")
	return nil
}

// back leads to a page of the same user after something was done.
func back(w http.ResponseWriter, c *web.Call, path, done string) {
	q := url.Values{"done": {done}}
	if user := c.URL.Query().Get("user"); user != "" {
		q.Set("user", user)
	}
	http.Redirect(w, c.Request, path+"?"+q.Encode(), http.StatusSeeOther)
}
