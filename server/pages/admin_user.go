package pages

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// adminUserData is all that is known of one user.
type adminUserData struct {
	User         string
	ID           string   // of the user, as it is
	Simple       []string // what can be done without being asked more
	Lead         string
	State        string
	Status       string
	Figures      []fact
	Meters       meters
	Usage        breakdown
	Providers    *table
	Terms        []fact
	Can          userActions
	Plans        []option
	Bills        *table
	Credits      *table
	Alerts       *table
	Reservations *table
	Refusals     *table
	History      *table
	Log          *table
	Providing    []string // providers, for the form that explains
	Links        []pathName
	AsOf         string
}

type pathName struct{ Path, Name string }

// userActions are what can be done to a subscription as it is.
type userActions struct{ Subscribe, ChangePlan, Cancel, Renew, Suspend, Resume bool }

func (p *pages) adminUser(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	user := q.Text("id")
	q.Text("done")
	want, err := p.wanted(q)
	if err := cmp.Or(err, q.Err()); err != nil {
		return err
	}
	if user == "" {
		return failure.Invalidf("the user is missing: /admin/user?id=…")
	}
	d, err := p.adminUserOf(c, user, want)
	if err != nil {
		return err
	}
	return p.show(w, c, http.StatusOK, page{template: "user", title: d.User, section: "/admin/users", data: d})
}

func (p *pages) adminUserOf(c *web.Call, user string, want wanted) (d adminUserData, err error) {
	ctx := c.Context()
	used, err := c.Usage.Show(ctx, user, c.Now, c.Now)
	if err != nil {
		return d, err
	}
	subscriber, err := c.Billing.Subscriber(ctx, user)
	if err != nil {
		return d, err
	}
	if d.Usage, err = p.breakdownOf(c, subscriber.Account, want); err != nil {
		return d, err
	}
	d.Usage.draw(p, c, want)
	d.ID, d.Simple = user, []string{"renew", "suspend", "resume"}
	d.User, d.AsOf = report.Visible(user), report.Time(c.Now)
	d.Status, d.State = title(string(used.Status)), "ok"
	if used.Status != plan.Active && used.Status != plan.Pending {
		d.State = "full"
	}
	d.Lead = used.Plan.Name + " plan · " + basis.Days(used.Period)
	if subscriber.Subscription == nil {
		d.Lead = used.Plan.Name + " plan, without a subscription · " + basis.Days(used.Period)
	}
	d.Meters = p.metersOf(used, c.Now)
	d.Terms = termsOf(subscriber.Account, used.Plan, c.Now)
	d.Can = actionsOf(subscriber.Account, c)
	if d.Plans, err = p.planChoices(c, used.Plan.Name); err != nil {
		return d, err
	}
	for _, one := range used.Providers {
		d.Providing = append(d.Providing, one.Provider)
	}
	d.Providers = firstTable(partsOf(report.Usage(used), nil))
	if len(used.Providers) == 0 {
		d.Providers = nil
	}
	d.Links = []pathName{{at("/billing", "user", user), "The page that the customer sees"},
		{at("/billing/log", "user", user), "All calls"}, {at("/admin/bills", "user", user), "All bills"}}
	if err := p.moneyOf(c, user, used, &d); err != nil {
		return d, err
	}
	return d, p.eventsOf(c, user, &d)
}

// actionsOf returns what can be done to a subscription now.
func actionsOf(a plan.Account, c *web.Call) userActions {
	if a.Subscription == nil {
		return userActions{Subscribe: true}
	}
	status := a.Subscription.StatusAt(c.Now)
	running := !status.Ended()
	return userActions{Subscribe: !running, ChangePlan: running, Cancel: running, Renew: true,
		Suspend: running && status != plan.Suspended, Resume: status == plan.Suspended}
}

func (p *pages) planChoices(c *web.Call, current string) ([]option, error) {
	plans, _, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	var list []option
	for _, one := range plans {
		name := report.Visible(one.Name) + ", " + one.Monthly.Display() + " a month"
		list = append(list, option{one.Name, name, one.Name == current})
	}
	return list, err
}

// moneyOf fills in bills and credit, and the figures that come first.
func (p *pages) moneyOf(c *web.Call, user string, used usage.PeriodUsage, d *adminUserData) error {
	bills, err := c.Billing.Bills(c.Context(), billing.Query{UserID: user, Newest: true, Limit: 8})
	if err != nil {
		return err
	}
	credits, err := c.Billing.AllCredits(c.Context(), user)
	if err != nil {
		return err
	}
	owed, err := c.Billing.AllBills(c.Context(), billing.Query{UserID: user,
		Statuses: []billing.Status{billing.Open, billing.PastDue}})
	if err != nil {
		return err
	}
	var balance, unpaid pricing.Total
	for _, entry := range credits {
		balance = balance.Add(pricing.TotalOf(entry.Amount))
	}
	for _, b := range owed {
		unpaid = unpaid.Add(pricing.TotalOf(b.Total))
	}
	note := "nothing is owed"
	if len(owed) > 0 {
		note = failure.Counted(len(owed), "bill") + " to be paid"
	}
	fullest := fact{"Fullest limit", report.Dash, "no limit is used yet"}
	if len(d.Meters.Used) > 0 && d.Meters.Used[0].Percent != "" {
		fullest.Value, fullest.Note = d.Meters.Used[0].Percent, d.Meters.Used[0].Name
	}
	failed := "none failed"
	if used.Sum.Errors > 0 {
		failed = report.Count(used.Sum.Errors) + " failed"
	}
	cost := fact{"Cost this period", money(pricing.TotalOf(used.Sum.Cost)), "all priced"}
	if used.Sum.Unpriced > 0 {
		cost.Note = report.Count(used.Sum.Unpriced) + " calls without a price"
	}
	if used.Sum.Estimated > 0 {
		cost.Note += ", " + money(pricing.TotalOf(used.Sum.EstimatedCost)) + " of it estimated"
	}
	d.Figures = []fact{{"Calls this period", report.Count(used.Sum.Calls), failed}, cost, fullest,
		{"To be paid", unpaid.Display(), note}, {"Credit", balance.Display(), "used up by the next bills"}}
	if len(bills.Rows) > 0 {
		d.Bills = billTable(bills.Rows, true)
	}
	if newest := credits[max(0, len(credits)-8):]; len(newest) > 0 {
		d.Credits = firstTable(partsOf(report.Credits(newest), links{"number": func(i int) string {
			return billPath(newest[i].Number)
		}}))
		d.Credits.drop("user_id")
		d.Credits.Footer = nil
	}
	return nil
}

// billTable is a table of bills; of one user it does not name the user.
func billTable(bills []billing.Bill, ofOne bool) *table {
	t := firstTable(partsOf(report.Bills(bills), links{
		"number":  func(i int) string { return billPath(bills[i].Number) },
		"user_id": func(i int) string { return userPath(bills[i].UserID) }}))
	t.Footer = nil // it would be of this page alone
	if ofOne {
		t.drop("user_id")
	}
	return t
}

// drop takes a column out of a table.
func (t *table) drop(name string) {
	for j, column := range t.Columns {
		if column.Name != name {
			continue
		}
		without := append([]report.Column{}, t.Columns[:j]...)
		t.Columns = append(without, t.Columns[j+1:]...)
		for i := range t.Rows {
			cells := append([]cell{}, t.Rows[i].Cells[:j]...)
			t.Rows[i].Cells = append(cells, t.Rows[i].Cells[j+1:]...)
		}
		if t.Footer != nil {
			cells := append([]report.Cell{}, t.Footer[:j]...)
			t.Footer = append(cells, t.Footer[j+1:]...)
		}
		return
	}
}

// logShown is how many calls the page of a user shows.
const logShown = 20

// eventsOf fills in what has happened: alerts, what is held, changes of the subscription, and the latest calls.
func (p *pages) eventsOf(c *web.Call, user string, d *adminUserData) error {
	ctx := c.Context()
	alerts, err := c.Lists.Alerts(ctx, usage.AlertQuery{User: user, Limit: 10})
	if err != nil {
		return err
	}
	if len(alerts.Rows) > 0 {
		d.Alerts = firstTable(partsOf(report.Alerts(alerts.Rows), nil))
		d.Alerts.drop("user_id")
	}
	held, err := c.Lists.Reservations(ctx, usage.ReservationQuery{User: user, Now: c.Now, Limit: 20})
	if err != nil {
		return err
	}
	if len(held.Rows) > 0 {
		d.Reservations = firstTable(partsOf(report.Reservations(held.Rows, c.Now), nil))
		d.Reservations.drop("user_id")
	}
	if d.Refusals, err = refusalsOf(c, user); err != nil {
		return err
	}
	history, err := c.Billing.History(ctx, user)
	if err != nil {
		return err
	}
	if len(history) > 0 {
		d.History = firstTable(partsOf(report.History(history), nil))
	}
	entries, plans, err := c.Reports.Logs(ctx, usage.LogQuery{User: user, Limit: logShown}, "")
	if err != nil || len(entries) == 0 {
		return err
	}
	d.Log = firstTable(partsOf(report.Logs(entries, func(id int64) string { return plans[id] }), nil))
	d.Log.drop("user_id")
	for i := range entries {
		d.Log.Rows[i].Check = ""
		if entries[i].Stands() {
			d.Log.Rows[i].Check = entries[i].ID
		}
	}
	d.Log.Checks = true
	return nil
}

// refusalsOf returns which calls of a user were refused in the last 30 days, nil for none.
func refusalsOf(c *web.Call, user string) (*table, error) {
	tomorrow := c.Now.UTC().Truncate(day).AddDate(0, 0, 1)
	refused, err := c.Lists.Refusals(c.Context(), usage.RefusalQuery{From: tomorrow.AddDate(0, 0, -30), To: tomorrow,
		By: []usage.RefusalDimension{usage.RefusedReason, usage.RefusedLimit}, User: user}, 0)
	if err != nil || len(refused.Rows) == 0 {
		return nil, err
	}
	return firstTable(partsOf(report.Refusals(refused), nil)), nil
}

// adminExplain shows step by step whether a call would pass.
func (p *pages) adminExplain(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	call := usage.Call{UserID: q.Text("user"), Provider: strings.ToLower(q.Text("provider")), Model: q.Text("model"),
		Quantities: q.Quantities()}
	if err := q.Err(); err != nil {
		return err
	}
	decision, err := c.Usage.Explain(c.Context(), c.Now, call)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Would a call of " + report.Visible(call.UserID) + " pass?",
		Parts: partsOf(report.Explanation(decision), nil), First: userPath(call.UserID)}
	return p.show(w, c, http.StatusOK, page{template: "list", title: "Explain", section: "/admin/users", data: d})
}
