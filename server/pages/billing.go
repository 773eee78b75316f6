package pages

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// billingRoutes are the pages of a customer.
func (p *pages) billingRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing", Scope: access.ScopeRead, Do: p.overview},
		{Pattern: "POST /billing/alerts/read", Scope: access.ScopeRead, Do: p.readAlerts},
		{Pattern: "GET /billing/bills/{file}", Scope: access.ScopeRead, Do: p.bill},
	}
}

// overviewData is the page that comes first: how much is left, what will be used up when, and what it costs.
type overviewData struct {
	Verdict   verdict
	Plan      string
	Period    string
	Figures   []fact
	Meters    meters
	Usage     breakdown
	Alerts    []alertRow
	AlertIDs  string
	Bills     []billRow
	MoreBills bool
	Terms     []fact // of the plan
	AsOf      string
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
	data, err := p.overviewOf(c, user, want)
	if failure.Is(err, failure.NotFound) && user == c.Who.User {
		return p.show(w, c, http.StatusOK, page{template: "nothing", title: "Usage", section: "/billing"})
	}
	if err != nil {
		return err
	}
	return p.show(w, c, http.StatusOK, page{template: "overview", title: "Usage", section: "/billing", data: data})
}

func (p *pages) overviewOf(c *web.Call, user string, want wanted) (d overviewData, err error) {
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
	alerts, err := c.Lists.Alerts(ctx, usage.AlertQuery{User: user, Unread: true, Limit: mostAlerts})
	if err != nil {
		return d, err
	}
	bills, err := c.Billing.AllBills(ctx, billing.Query{UserID: user})
	if err != nil {
		return d, err
	}
	d.Plan, d.Period = used.Plan.Name, basis.Days(used.Period)
	d.Meters = p.metersOf(used, c.Now)
	d.Verdict = p.verdictOf(used, d.Meters, c.Now)
	d.Alerts, d.AlertIDs = p.alertRows(alerts.Rows)
	d.Bills, d.MoreBills = billRows(bills, c.Now, 4)
	d.Terms = termsOf(subscriber.Account, used.Plan, c.Now)
	d.Figures = p.figuresOf(used, d.Meters, subscriber.Account, bills, c.Now)
	d.AsOf = report.Time(c.Now)
	return d, nil
}

// verdict is what a customer wants to know first, in a sentence.
type verdict struct {
	State string // its class: ok, near, full
	Text  string
	Note  string
}

// verdictOf says how things stand: what refuses calls comes before what will, and that before what is nearly used up.
func (p *pages) verdictOf(u usage.PeriodUsage, m meters, now time.Time) verdict {
	switch u.Status {
	case plan.Suspended:
		return verdict{"full", "Your subscription is suspended", "Calls are refused until it is resumed. Pay what is " +
			"overdue, or ask us why."}
	case plan.Cancelled, plan.Expired:
		return verdict{"full", "Your subscription has ended", "Calls are refused until you have a plan again."}
	}
	var full, over, soon []string
	var first time.Time
	for _, v := range u.Limits {
		if v.Limit.Unlimited || v.Limit.Max == 0 || v.Limit.Action == plan.Warn {
			continue
		}
		at, runsOut := v.RunsOut(u.Period, now)
		name := title(v.Limit.Name)
		switch {
		case v.Used >= v.Limit.Max && u.Plan.Overage == plan.OverageAllow:
			over = append(over, name)
		case v.Used >= v.Limit.Max:
			full = append(full, name)
		case runsOut:
			soon = append(soon, name)
			if first.IsZero() || at.Before(first) {
				first = at
				soon[0], soon[len(soon)-1] = soon[len(soon)-1], soon[0]
			}
		}
	}
	reset := moment(u.Period.End)
	switch {
	case len(full) > 0:
		return verdict{"full", "Used up: " + few(full), "Calls that count there are refused until " + reset + "."}
	case len(over) > 0:
		return verdict{"near", "Beyond your plan: " + few(over), "Calls go on. What is beyond is billed as overage."}
	case len(soon) > 0:
		return verdict{"near", few(soon[:1]) + " will be used up about " + basis.Day(first),
			"That is the pace since the period began. It starts anew on " + reset + "."}
	case len(m.Used) > 0 && m.Used[0].perMille >= 800:
		return verdict{"near", m.Used[0].Name + ": " + m.Used[0].Percent + " used", "It starts anew on " + reset + "."}
	case u.Sum.Calls == 0 && u.Sum.Errors == 0:
		return verdict{"ok", "Nothing used yet in this period", "It ends on " + reset + "."}
	}
	return verdict{"ok", "You are within your plan", "At this pace nothing is used up before " + reset + "."}
}

// few names the first of some things, and how many others there are.
func few(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
	}
	return words(names)
}

// figuresOf are the figures that come first.
func (p *pages) figuresOf(u usage.PeriodUsage, m meters, a plan.Account, bills []billing.Bill, now time.Time) []fact {
	left := u.Period.End.Sub(now)
	resets := fact{"Resets in", failure.Counted(int64((left+day-1)/day), "day"), "on " + moment(u.Period.End)}
	if left < day {
		resets.Value = failure.Counted(int64((left+time.Hour-1)/time.Hour), "hour")
	}
	fullest := fact{"Fullest limit", report.Dash, "no limit is used yet"}
	if len(m.Used) > 0 && m.Used[0].Percent != "" {
		fullest.Value, fullest.Note = m.Used[0].Percent, m.Used[0].Name
	}
	calls := fact{"Calls this period", report.Count(u.Sum.Calls), "none failed"}
	if u.Sum.Errors > 0 {
		calls.Note = report.Count(u.Sum.Errors) + " failed, not counted"
	}
	figures := []fact{fullest, resets, calls}
	if p.ShowCost {
		figures = append(figures, fact{"Cost of usage", report.Amount(plan.Cost, int64(u.Sum.Cost)),
			"what it comes to by itself"})
	}
	return append(figures, owed(bills, a, u.Plan, now))
}

// owed is what is to be paid, or else what the plan costs.
func owed(bills []billing.Bill, a plan.Account, current plan.Plan, now time.Time) fact {
	var sum pricing.Total
	var due time.Time
	count := 0
	for _, b := range bills {
		if b.Status.Unpaid() && b.Total > 0 {
			sum = sum.Add(pricing.TotalOf(b.Total))
			if count++; due.IsZero() || b.DueAt.Before(due) {
				due = b.DueAt
			}
		}
	}
	if count > 0 {
		note := "due " + basis.Day(due)
		if due.Before(now) {
			note = "overdue since " + basis.Day(due)
		}
		if count > 1 {
			note = failure.Counted(count, "bill") + ", the first " + note
		}
		return fact{"To pay", sum.Display(), note}
	}
	price, each := priceOf(a, current)
	if price == 0 {
		return fact{"Price", "Free", current.Name + " plan"}
	}
	return fact{"Price", price.Display(), each + ", nothing is owed now"}
}

// priceOf returns what the plan costs in the subscription's cycle.
func priceOf(a plan.Account, current plan.Plan) (price pricing.USD, each string) {
	if a.Subscription == nil {
		return 0, ""
	}
	if a.Subscription.Cycle == plan.Yearly {
		return current.Yearly, "a year"
	}
	return current.Monthly, "a month"
}

// termsOf are the facts about a subscription.
func termsOf(a plan.Account, current plan.Plan, now time.Time) []fact {
	price, each := priceOf(a, current)
	facts := []fact{{Name: "Plan", Value: current.Name, Note: report.Visible(current.Description)}}
	if price == 0 {
		facts = append(facts, fact{Name: "Price", Value: "Free"})
	} else {
		facts = append(facts, fact{Name: "Price", Value: price.Display() + " " + each})
	}
	s := a.Subscription
	if s == nil {
		return facts
	}
	facts = append(facts, fact{Name: "Status", Value: string(a.StatusAt(now))})
	switch {
	case !s.EndsAt.IsZero() && s.EndsAt.After(now):
		facts = append(facts, fact{Name: "Ends", Value: moment(s.EndsAt)})
	case s.NextPlanID != 0:
		next, _ := a.Plans.ByID(s.NextPlanID)
		facts = append(facts, fact{Name: "Changes to " + next.Name, Value: moment(s.NextAt)})
	case s.AutoRenew:
		facts = append(facts, fact{Name: "Renews", Value: moment(s.PaidAt(now))})
	case s.PaidUntil.After(now):
		facts = append(facts, fact{Name: "Paid until", Value: moment(s.PaidUntil), Note: "it does not renew by itself"})
	}
	if current.Overage == plan.OverageAllow {
		facts = append(facts, fact{Name: "Beyond the limits", Value: "calls go on, and are billed"})
	}
	return facts
}

// mostAlerts is how many alerts are shown and marked as read together.
const mostAlerts = 20

type alertRow struct{ Text, When, State string }

// alertRows are alerts as text, and their ids for marking them as read.
func (p *pages) alertRows(alerts []usage.Alert) (rows []alertRow, ids string) {
	for _, a := range alerts {
		if !a.WithdrawnAt.IsZero() {
			continue
		}
		row := alertRow{When: report.Time(a.CreatedAt), State: "near"}
		row.Text = fmt.Sprintf("%s: %d%% used", title(a.Limit.Name), a.Threshold)
		if a.Threshold >= 100 {
			row.State, row.Text = "full", title(a.Limit.Name)+": used up"
		}
		if !p.hidden(a.Limit) {
			row.Text += fmt.Sprintf(" (%s of %s)", report.Amount(a.Limit.Meter, a.Used), a.Limit.Amount(a.Limit.Max))
		}
		rows = append(rows, row)
		ids += " " + strconv.FormatInt(a.ID, 10)
	}
	return rows, ids
}

type billRow struct {
	Number, Name, Period, Issued, Total, Status, State string
}

// billRows are the newest bills first, so many at most.
func billRows(bills []billing.Bill, now time.Time, most int) (rows []billRow, more bool) {
	for _, b := range slices.Backward(bills) {
		if len(rows) == most {
			return rows, true
		}
		row := billRow{Number: strconv.FormatInt(b.Number, 10), Name: "Bill", Period: basis.Days(b.Period),
			Issued: basis.Day(b.IssuedAt), Total: pricing.TotalOf(b.Total).NearestCent().Display(), Status: string(b.Status)}
		if b.Kind == billing.CreditNote {
			row.Name, row.Status = "Credit note", "corrects "+strconv.FormatInt(b.RefersTo, 10)
		}
		switch {
		case b.Kind == billing.CreditNote:
		case b.Status == billing.Paid:
			row.State = "good"
			if b.Total == 0 {
				row.Status = "nothing to pay"
			}
		case b.Status.Unpaid() && b.DueAt.Before(now):
			row.Status, row.State = "overdue", "full"
		case b.Status.Unpaid():
			row.Status = "due " + basis.Day(b.DueAt)
		}
		rows = append(rows, row)
	}
	return rows, false
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
	if err := c.Lists.MarkReadOf(c.Context(), user, ids, c.Now); err != nil {
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

// bill writes a bill of a user as a page or PDF, by its number with the ending of the file.
func (p *pages) bill(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	name, ending, _ := strings.Cut(c.PathValue("file"), ".")
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil || number < 1 || ending != "html" && ending != "pdf" {
		return failure.NotFoundf("there is no bill %s", failure.Shorten(c.PathValue("file")))
	}
	statements, err := c.Billing.Statements(c.Context(), user,
		billing.StatementQuery{Number: number, WithCost: p.ShowCost})
	if err != nil {
		return err
	}
	written, kind := statement.HTML(statements, c.Sender, c.Now), "text/html; charset=utf-8"
	if ending == "pdf" {
		kind = "application/pdf"
		if written, _, err = statement.PDF(statements, c.Sender, statement.A4, c.Now); err != nil {
			return err
		}
	}
	var body bytes.Buffer
	if err := written(&body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="bill-%d.%s"`, number, ending))
	if ending == "html" {
		h.Set("Content-Security-Policy", policyFor(body.Bytes()))
	}
	_, _ = w.Write(body.Bytes()) // who has gone is not there to be told
	return nil
}

// policyFor is the policy of a page that has its style within it: that style, by its hash, and nothing else.
func policyFor(html []byte) string {
	_, rest, _ := bytes.Cut(html, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
