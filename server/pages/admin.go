package pages

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// adminRoutes are the pages of operators. What usage costs is shown there, whatever customers see.
func (p *pages) adminRoutes() []web.Route {
	admin := *p
	admin.ShowCost = true
	p = &admin
	routes := []web.Route{
		{Pattern: "GET /admin", Do: p.adminOverview},
		{Pattern: "GET /admin/users", Do: p.adminUsers},
		{Pattern: "GET /admin/user", Do: p.adminUser},
		{Pattern: "GET /admin/explain", Do: p.adminExplain},
		{Pattern: "GET /admin/plans", Do: p.adminPlans},
		{Pattern: "GET /admin/plan", Do: p.adminPlan},
		{Pattern: "GET /admin/prices", Do: p.adminPrices},
		{Pattern: "GET /admin/price", Do: p.adminPrice},
		{Pattern: "GET /admin/bills", Do: p.adminBills},
		{Pattern: "GET /admin/bill", Do: p.adminBill},
		{Pattern: "GET /admin/alerts", Do: p.adminAlerts},
		{Pattern: "GET /admin/outbox", Do: p.adminOutbox},
		{Pattern: "GET /admin/audit", Do: p.adminAudit},
		{Pattern: "GET /admin/health", Do: p.adminHealth},
		{Pattern: "POST /admin/do/{action}", Do: p.adminDo},
	}
	for i := range routes {
		routes[i].Scope = access.ScopeAdmin
	}
	return routes
}

func adminNavigation(section string) []entry {
	entries := []entry{{Path: "/admin", Name: "Today"}, {Path: "/admin/users", Name: "Users"},
		{Path: "/admin/bills", Name: "Bills"}, {Path: "/admin/plans", Name: "Plans"}, {Path: "/admin/prices", Name: "Prices"},
		{Path: "/admin/alerts", Name: "Alerts"}, {Path: "/admin/outbox", Name: "Outbox"},
		{Path: "/admin/audit", Name: "Audit"}, {Path: "/admin/health", Name: "Health"}}
	for i := range entries {
		entries[i].Current = entries[i].Path == section
	}
	return entries
}

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

// listPage is a page of a list, with what it can be narrowed by.
type listPage struct {
	Heading, Lead string
	Search        *searchForm // nil: none
	Choices       []choice
	Parts         []part
	Empty         string // what is said where there is nothing
	Select        *selectForm
	First, Next   string // links; "" for none
}

// searchForm is a field to search in, with the parameters that stay.
type searchForm struct {
	Action, Label, Name, Value string
	Keep                       []pair
	Options                    []optionList
}

type pair struct{ Name, Value string }

type optionList struct {
	Label, Name string
	Options     []option
}

// selectForm does something with the rows that are chosen, or with all that are shown.
type selectForm struct {
	Buttons []button
}

type button struct{ Action, Name string }

// pageSize is how many rows a page of a list has.
const pageSize = 100

// following is the address of this page with one parameter changed.
func following(c *web.Call, name, value string) string {
	q := c.URL.Query()
	q.Del("done")
	if q.Del(name); value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return c.URL.Path
	}
	return c.URL.Path + "?" + q.Encode()
}

func (p *pages) adminUsers(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	query := usage.UserQuery{Search: strings.TrimSpace(q.Text("q")), Status: plan.Status(q.Text("status")),
		Plan: q.Text("plan"), After: q.Text("after"), Now: c.Now, Limit: pageSize}
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.FindUsers(c.Context(), query)
	if err != nil {
		return err
	}
	plans, subscribers, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Users", Lead: subscriptionsText(subscribers), Empty: "No user was ever seen here. " +
		"The first event, or the first subscription, makes one."}
	if query.Search != "" || query.Status != "" || query.Plan != "" || query.After != "" {
		d.Empty = "No user is like that."
	}
	d.Search = &searchForm{Action: "/admin/users", Label: "Id, name or mail", Name: "q", Value: query.Search,
		Options: []optionList{statusOptions(query.Status), planOptions(plans, query.Plan)}}
	if len(found.Rows) > 0 {
		d.Parts = []part{{Table: firstTable(partsOf(report.Users(found.Rows, c.Now), links{
			"user_id": func(i int) string { return userPath(found.Rows[i].UserID) }}))}}
	}
	if query.After != "" {
		d.First = following(c, "after", "")
	}
	if found.More {
		d.Next = following(c, "after", found.Rows[len(found.Rows)-1].UserID)
	}
	return p.show(w, c, http.StatusOK, page{template: "list", title: "Users", section: "/admin/users", data: d})
}

func subscriptionsText(subscribers map[int64]int) string {
	sum := sumOf(subscribers)
	return failure.Counted(sum, "subscription") + " that " + map[bool]string{true: "runs", false: "run"}[sum == 1] +
		". Who has none is on the free plan."
}

func sumOf(subscribers map[int64]int) (sum int) {
	for _, n := range subscribers {
		sum += n
	}
	return sum
}

func statusOptions(selected plan.Status) optionList {
	list := optionList{"Status", "status", []option{{"", "All", selected == ""}}}
	for _, s := range plan.Statuses() {
		list.Options = append(list.Options, option{string(s), title(string(s)), s == selected})
	}
	return list
}

func planOptions(plans plan.Plans, selected string) optionList {
	list := optionList{"Plan", "plan", []option{{"", "All", selected == ""}}}
	for _, name := range plans.Names() {
		list.Options = append(list.Options, option{name, report.Visible(name), strings.EqualFold(name, selected)})
	}
	return list
}

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
