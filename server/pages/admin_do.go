package pages

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// doing is one thing that an operator can do. It is asked for twice: the first time it is only tried, and what it would
// do is shown.
type doing struct {
	heading string
	button  string
	danger  bool
	// try says what would be done; do does it.
	try func(c *web.Call, f url.Values) (preview, error)
	do  func(c *web.Call, f url.Values) error
	// back is the page that comes after.
	back func(f url.Values) string
	done string // the word of its message
}

// preview is what something would do, in words and as a report tells it.
type preview struct {
	Text  string
	Parts []part
	Add   map[string]string // fields that doing it has in addition
}

func (p *pages) doings() map[string]doing {
	return map[string]doing{
		"subscribe":   subscriptionDoing("Begin a subscription", "Begin the subscription", "users subscribe", subscribe),
		"change-plan": subscriptionDoing("Change the plan", "Change the plan", "users change-plan", changePlan),
		"cancel":      subscriptionDoing("Cancel the subscription", "Cancel the subscription", "users cancel", cancel),
		"renew": subscriptionDoing("Renew the subscription", "Renew it for one more cycle", "users renew",
			func(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error) {
				return b.Renew(c.Context(), a, f.Get("user"))
			}),
		"suspend": subscriptionDoing("Suspend the subscription", "Refuse calls from now on", "users suspend",
			func(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error) {
				return b.Suspend(c.Context(), a, f.Get("user"))
			}),
		"resume": subscriptionDoing("Resume the subscription", "Let calls through again", "users resume",
			func(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error) {
				return b.Resume(c.Context(), a, f.Get("user"))
			}),
		"credit":      creditDoing(),
		"void-events": voidDoing(),
		"mark-paid":   paidDoing(),
		"void-bill":   voidBillDoing(),
		"set-price":   priceDoing(),
		"read-alerts": alertsDoing(),
		"retry": outboxDoing("Send again", "Send them with the next run", "retried",
			func(c *web.Call, ids []int64) error {
				return c.Notify.Retry(c.Context(), c.Audit("alerts outbox retry"), ids)
			}),
		"drop": outboxDoing("Never send", "Never send them", "dropped",
			func(c *web.Call, ids []int64) error {
				return c.Notify.Drop(c.Context(), c.Audit("alerts outbox drop"), ids)
			}),
	}
}

// confirmData is the page that says what would be done, or why it can't be.
type confirmData struct {
	Heading string
	Subject string
	Button  string
	Danger  bool
	Action  string
	Preview preview
	Fields  []pair
	Back    string
	Problem string
	Hint    string
}

// adminDo tries something and asks whether it is meant, or does it once that was said.
func (p *pages) adminDo(w http.ResponseWriter, c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	name, f := c.PathValue("action"), c.PostForm
	d, known := p.doings()[name]
	if !known {
		return failure.NotFoundf("there is nothing to do called %s", failure.Shorten(name))
	}
	confirmed := f.Get("confirm") == "yes"
	f.Del("confirm")
	page := confirmData{Heading: d.heading, Button: d.button, Danger: d.danger, Action: c.URL.Path, Back: d.back(f)}
	if user := f.Get("user"); user != "" {
		page.Subject = report.Visible(user)
	}
	if !confirmed {
		shown, err := d.try(c, f)
		if err != nil {
			return p.cannot(w, c, page, err)
		}
		page.Preview, page.Fields = shown, fieldsOf(f, shown.Add)
		return p.confirm(w, c, http.StatusOK, page)
	}
	if err := d.do(c, f); err != nil {
		return p.cannot(w, c, page, err)
	}
	to, _ := url.Parse(page.Back)
	q := to.Query()
	q.Set("done", d.done)
	to.RawQuery = q.Encode()
	http.Redirect(w, c.Request, to.String(), http.StatusSeeOther)
	return nil
}

// fieldsOf are the fields that the second form repeats.
func fieldsOf(f url.Values, add map[string]string) []pair {
	fields := []pair{{"confirm", "yes"}}
	for name, values := range f {
		for _, value := range values {
			fields = append(fields, pair{name, value})
		}
	}
	for name, value := range add {
		fields = append(fields, pair{name, value})
	}
	slices.SortFunc(fields, func(a, b pair) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// cannot shows why something can't be done, beside the way back. A fault of ours is shown as elsewhere.
func (p *pages) cannot(w http.ResponseWriter, c *web.Call, page confirmData, err error) error {
	if f, ok := errors.AsType[*failure.Error](err); !ok || f.Code == failure.Internal {
		return err
	}
	web.NoteOf(c.Context()).Err = err
	told := web.Tell(c.Request, err)
	page.Problem, page.Hint = told.Message, told.Hint
	return p.confirm(w, c, web.StatusOf(err), page)
}

func (p *pages) confirm(w http.ResponseWriter, c *web.Call, status int, data confirmData) error {
	return p.show(w, c, status, page{template: "confirm", title: data.Heading, section: "/admin/confirm", data: data})
}

// change is an operation on a user's subscription.
type change func(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error)

// subscriptionDoing is a change of a subscription. It is tried whole: what refuses it then refuses it at once.
func subscriptionDoing(heading, button, action string, change change) doing {
	return doing{
		heading: heading, button: button, danger: action == "users cancel" || action == "users suspend", done: "changed",
		back: func(f url.Values) string { return pathOf(f.Get("user")) },
		try: func(c *web.Call, f url.Values) (preview, error) {
			before, err := c.Billing.Account(c.Context(), f.Get("user"))
			if err != nil && !failure.Is(err, failure.NotFound) {
				return preview{}, err
			}
			after, err := change(c, c.Billing.Dry(), c.Audit(action), f)
			if err != nil {
				return preview{}, err
			}
			return preview{Text: told[action], Parts: []part{{Table: differences(before, after.Account, c.Now)}}}, nil
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := change(c, c.Billing, c.Audit(action), f)
			return err
		},
	}
}

// pathOf is the page of a user, or the list where none is named.
func pathOf(user string) string {
	if user == "" {
		return "/admin/users"
	}
	return userPath(user)
}

// told are what is to be known before a subscription is changed.
//
//nolint:gochecknoglobals // read-only
var told = map[string]string{
	"users subscribe": "Usage periods run from the day it begins. What was used in that time already counts.",
	"users change-plan": "Now, the period goes on, what was used counts against the new limits, and the next bill takes " +
		"back the rest of the old price and adds that of the new one. At the end, nothing changes until then.",
	"users cancel":  "What is paid is not paid back. Until it ends calls go on as before, and then they are refused.",
	"users renew":   "One more cycle is paid: from the end of what is paid, or from now on where it has ended.",
	"users suspend": "Calls are refused at once, until somebody resumes the subscription. Its cycles go on.",
	"users resume":  "Calls are let through again at once.",
}

// differences is a table of what a change makes of an account.
func differences(before, after plan.Account, now time.Time) *table {
	t := &table{Columns: []report.Column{{Title: ""}, {Title: "Now"}, {Title: "Then"}}}
	was, is := accountFacts(before, now), accountFacts(after, now)
	for i := range is {
		if was[i].Value == is[i].Value && i > 1 { // plan and status are always shown
			continue
		}
		style := "strong"
		if was[i].Value == is[i].Value {
			style = ""
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{{Cell: report.Cell{Text: is[i].Name}},
			{Cell: report.Cell{Text: was[i].Value}}, {Cell: report.Cell{Text: is[i].Value, Style: style}}}})
	}
	return t
}

func accountFacts(a plan.Account, now time.Time) []fact {
	facts := []fact{{Name: "Plan", Value: report.Dash}, {Name: "Status", Value: "no subscription"},
		{Name: "Price", Value: report.Dash}, {Name: "Usage period", Value: report.Dash},
		{Name: "Paid until", Value: report.Dash}, {Name: "Renews by itself", Value: report.Dash},
		{Name: "Ends", Value: report.Dash}, {Name: "Then changes to", Value: report.Dash}}
	if current, err := a.PlanAt(now); err == nil {
		facts[0].Value = report.Visible(current.Name)
		if price, each := priceOf(a, current); each != "" {
			facts[2].Value = price.Display() + " " + each
		}
		facts[3].Value = basis.Days(a.PeriodAt(now))
	}
	s := a.Subscription
	if s == nil {
		return facts
	}
	facts[1].Value, facts[4].Value = string(a.StatusAt(now)), moment(s.PaidAt(now))
	facts[5].Value = map[bool]string{true: "yes", false: "no"}[s.AutoRenew && s.EndsAt.IsZero()]
	if !s.EndsAt.IsZero() {
		facts[6].Value = moment(s.EndsAt)
	}
	if next, ok := a.Plans.ByID(s.NextPlanID); ok {
		facts[7].Value = report.Visible(next.Name) + ", " + moment(s.NextAt)
	}
	return facts
}

func subscribe(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (r billing.SubscriptionResult, err error) {
	order := billing.Order{Plan: f.Get("plan"), AutoRenew: f.Get("renews") != "", Email: strings.TrimSpace(f.Get("email"))}
	if order.Cycle, err = plan.ParseCycle(f.Get("cycle")); err != nil {
		return r, err
	}
	if start := f.Get("start"); start != "" {
		if order.Start, err = usage.ParseTime("start", start); err != nil {
			return r, err
		}
	}
	return b.Subscribe(c.Context(), a, f.Get("user"), order)
}

func changePlan(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error) {
	return b.ChangePlan(c.Context(), a, f.Get("user"), f.Get("plan"), f.Get("when") != "now")
}

func cancel(c *web.Call, b *billing.Service, a usage.Audit, f url.Values) (billing.SubscriptionResult, error) {
	return b.Cancel(c.Context(), a, f.Get("user"), f.Get("when") != "now")
}

func creditDoing() doing {
	credit := func(c *web.Call, b *billing.Service, f url.Values) (billing.Credited, error) {
		amount, err := pricing.ParseUSD(strings.TrimSpace(f.Get("amount")))
		if err != nil {
			return billing.Credited{}, err
		}
		return b.Credit(c.Context(), c.Audit("billing credit"), billing.CreditEntry{UserID: f.Get("user"), Amount: amount,
			Reason: f.Get("reason"), Key: f.Get("key")})
	}
	return doing{
		heading: "Give credit", button: "Give the credit", done: "credited",
		back: func(f url.Values) string { return pathOf(f.Get("user")) },
		try: func(c *web.Call, f url.Values) (preview, error) {
			// With a key of its own the credit is given once, however often the button is pressed.
			f.Set("key", "admin-"+rand.Text())
			credited, err := credit(c, c.Billing.Dry(), f)
			if err != nil {
				return preview{}, err
			}
			return preview{Text: "The next bills use it up.", Parts: []part{{Facts: []report.Fact{
				{Title: "Credit", Cell: report.Cell{Text: credited.Amount.Display(), Style: "strong"}},
				{Title: "Reason", Cell: report.Cell{Text: report.Visible(credited.Reason)}},
				{Title: "Balance then", Cell: report.Cell{Text: credited.Balance.Display()}}}}}}, nil
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := credit(c, c.Billing, f)
			return err
		},
	}
}

// voidDoing takes back the events whose ids are chosen.
func voidDoing() doing {
	void := func(c *web.Call, f url.Values, dry bool) ([]usage.Voided, error) {
		if len(f["ids"]) == 0 {
			return nil, failure.Invalidf("no call is chosen").WithHint("choose those that are to be taken back")
		}
		k := usage.Correction{Audit: c.Audit("usage void"), Reason: f.Get("reason"), DryRun: dry}
		return c.Corrections.Void(c.Context(), k, f["ids"])
	}
	return doing{
		heading: "Take calls back", button: "Take them back", danger: true, done: "voided",
		back: func(f url.Values) string { return pathOf(f.Get("user")) },
		try: func(c *web.Call, f url.Values) (preview, error) {
			voided, err := void(c, f, true)
			return preview{Text: "Nothing is removed: a counter-entry takes each back, so that totals, limits and the " +
				"next bill are right at once. It can’t be undone.", Parts: partsOf(report.Voided(voided, false), nil)}, err
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := void(c, f, false)
			return err
		},
	}
}

func numberOf(f url.Values) (int64, error) {
	number, err := strconv.ParseInt(f.Get("number"), 10, 64)
	if err != nil || number < 1 {
		return 0, failure.Invalidf("the number of the bill is %q: it must be a whole number from 1 on",
			failure.Shorten(f.Get("number")))
	}
	return number, nil
}

func backToBill(f url.Values) string {
	if number, err := numberOf(f); err == nil {
		return billPath(number)
	}
	return "/admin/bills"
}

func paidDoing() doing {
	pay := func(c *web.Call, b *billing.Service, f url.Values) (billing.PaidBill, error) {
		number, err := numberOf(f)
		if err != nil {
			return billing.PaidBill{}, err
		}
		payment := billing.Payment{Reference: strings.TrimSpace(f.Get("reference")), FromCredit: f.Get("from") == "credit"}
		return b.MarkPaid(c.Context(), c.Audit("billing mark-paid"), number, payment)
	}
	return doing{
		heading: "Mark a bill as paid", button: "Mark it as paid", done: "paid", back: backToBill,
		try: func(c *web.Call, f url.Values) (preview, error) {
			paid, err := pay(c, c.Billing.Dry(), f)
			if err != nil {
				return preview{}, err
			}
			text := "Who was suspended for unpaid bills is let through again once none is left that suspends."
			if paid.Duplicate {
				text = "The payment was noted before: nothing would change."
			}
			return preview{Text: text, Parts: []part{{Facts: []report.Fact{
				{Title: "Bill", Cell: report.Cell{Text: strconv.FormatInt(paid.Number, 10)}},
				{Title: "Of", Cell: report.Cell{Text: report.Visible(paid.UserID)}},
				{Title: "Paid", Cell: report.Cell{Text: paid.Total.Display(), Style: "strong"}},
				{Title: "Reference", Cell: report.Cell{Text: report.Visible(paid.Reference)}},
				{Title: "Still owed then", Cell: report.Cell{Text: paid.Unpaid.Display()}},
				{Title: "Credit then", Cell: report.Cell{Text: paid.Balance.Display()}}}}}}, nil
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := pay(c, c.Billing, f)
			return err
		},
	}
}

func voidBillDoing() doing {
	void := func(c *web.Call, b *billing.Service, f url.Values) (billing.Bill, error) {
		number, err := numberOf(f)
		if err != nil {
			return billing.Bill{}, err
		}
		return b.Void(c.Context(), c.Audit("billing void"), number, f.Get("reason"))
	}
	return doing{
		heading: "Take a bill back", button: "Take it back", danger: true, done: "voidedbill", back: backToBill,
		try: func(c *web.Call, f url.Values) (preview, error) {
			note, err := void(c, c.Billing.Dry(), f)
			return preview{Text: "A credit note over all of it is written. What was paid, and what the bill had used up " +
				"of the credit, becomes credit. It can’t be undone.", Parts: partsOf(report.Bill(note), nil)}, err
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := void(c, c.Billing, f)
			return err
		},
	}
}

// idsIn reads the ids that are chosen.
func idsIn(f url.Values) ([]int64, error) {
	ids, err := idsOf(strings.Join(f["ids"], " "))
	if err == nil && len(ids) == 0 {
		err = failure.Invalidf("nothing is chosen")
	}
	return ids, err
}

func alertsDoing() doing {
	return doing{
		heading: "Mark alerts as read", button: "Mark them as read", done: "read",
		back: func(url.Values) string { return "/admin/alerts" },
		try: func(_ *web.Call, f url.Values) (preview, error) {
			ids, err := idsIn(f)
			return preview{Text: failure.Counted(len(ids), "alert") + " will be marked as read, for their users too."}, err
		},
		do: func(c *web.Call, f url.Values) error {
			ids, err := idsIn(f)
			if err != nil {
				return err
			}
			return c.Lists.MarkRead(c.Context(), c.Audit("alerts read"), ids)
		},
	}
}

func outboxDoing(heading, button, done string, do func(c *web.Call, ids []int64) error) doing {
	return doing{
		heading: heading, button: button, danger: done == "dropped", done: done,
		back: func(url.Values) string { return "/admin/outbox" },
		try: func(_ *web.Call, f url.Values) (preview, error) {
			ids, err := idsIn(f)
			text := " is sent again with the next run of alerts send, with its whole digest. Who has got an unconfirmed one " +
				"already gets it a second time."
			if done == "dropped" {
				text = " is never sent, with its whole digest. It stays in the list as skipped."
			}
			return preview{Text: failure.Counted(len(ids), "message") + ": each" + text}, err
		},
		do: func(c *web.Call, f url.Values) error {
			ids, err := idsIn(f)
			if err != nil {
				return err
			}
			return do(c, ids)
		},
	}
}
