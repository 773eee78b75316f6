package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// choicesOf are links to this page with one parameter changed, each a value and a name.
func choicesOf(c *web.Call, name, current string, values ...string) []choice {
	var list []choice
	for i := 0; i < len(values); i += 2 {
		q := c.URL.Query()
		q.Del("after")
		q.Del("done")
		q.Del(name)
		if values[i] != "" {
			q.Set(name, values[i])
		}
		link := c.URL.Path
		if len(q) > 0 {
			link = with(link, q)
		}
		list = append(list, choice{values[i+1], link, values[i] == current})
	}
	return list
}

func (p *pages) list(w http.ResponseWriter, c *web.Call, section string, d listPage) error {
	return p.show(w, c, http.StatusOK, page{template: "list", title: d.Heading, section: section, data: d})
}

func (p *pages) adminBills(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	status, user := q.Text("status"), strings.TrimSpace(q.Text("user"))
	query := billing.Query{UserID: user, Newest: true, After: q.Key("after"), Limit: pageSize}
	q.Text("done")
	var err error
	if query.Statuses, err = billing.ParseStatuses(status); cmp.Or(err, q.Err()) != nil {
		return cmp.Or(err, q.Err())
	}
	found, err := c.Billing.Bills(c.Context(), query)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Bills", Lead: "The newest first.", Empty: "There is no bill like that.",
		Choices: choicesOf(c, "status", status, "", "All", "open", "Open", "past_due", "Past due", "paid", "Paid", "void",
			"Void"),
		Search: &searchForm{Action: "/admin/bills", Label: "Bills of the user", Name: "user", Value: user}}
	if status != "" {
		d.Search.Keep = []pair{{"status", status}}
	}
	if len(found.Rows) > 0 {
		d.Parts = []part{{Table: billTable(found.Rows, false)}}
	}
	if query.After != 0 {
		d.First = following(c, "after", "")
	}
	if found.More {
		d.Next = following(c, "after", strconv.FormatInt(found.Rows[len(found.Rows)-1].Number, 10))
	}
	return p.list(w, c, "/admin/bills", d)
}

// billData is a bill with what can be done with it.
type billData struct {
	Number  string
	Heading string
	Total   string
	Status  string
	State   string
	User    string
	Path    string // of the user
	Parts   []part
	Page    string
	PDF     string
	Unpaid  bool
	Void    bool // it can be
}

func (p *pages) adminBill(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	number := q.Key("number")
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	b, err := c.Billing.Show(c.Context(), number)
	if err != nil {
		return err
	}
	rows, _ := billRows([]billing.Bill{b}, c.Now, 1)
	file := "/billing/bills/" + rows[0].Number
	d := billData{Number: rows[0].Number, Heading: rows[0].Name + " " + rows[0].Number, Total: rows[0].Total,
		Status: rows[0].Status, State: rows[0].State, User: report.Visible(b.UserID), Path: userPath(b.UserID),
		Parts: partsOf(report.Bill(b), nil)[1:],
		Page:  at(file+".html", "user", b.UserID), PDF: at(file+".pdf", "user", b.UserID),
		Unpaid: b.Status.Unpaid(), Void: b.Kind == billing.Invoice && b.Status != billing.Void}
	return p.show(w, c, http.StatusOK, page{template: "bill", title: d.Heading, section: "/admin/bills", data: d})
}

func (p *pages) adminPlans(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	plans, subscribers, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Plans",
		Lead:  "They are changed as a file: alwrity-sub plans export, edit, plans diff, plans apply.",
		Empty: "There is no plan.", Parts: partsOf(report.Plans(plans, subscribers), links{
			"name": func(i int) string { return at("/admin/plan", "name", plans[i].Name) }})}
	return p.list(w, c, "/admin/plans", d)
}

func (p *pages) adminPlan(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	name, moment := q.Text("name"), q.Time("at")
	if err := q.Err(); err != nil {
		return err
	}
	one, subscribers, err := c.Catalogue.Plan(c.Context(), c.Now, name)
	if err != nil {
		return err
	}
	shownAt := cmp.Or(moment, c.Now)
	d := listPage{Heading: report.Visible(one.Name), Parts: partsOf(report.Plan(one, subscribers, shownAt), nil)[1:]}
	versions := []string{"", "Now"}
	for _, v := range slices.Backward(one.Past) {
		until := v.Until.Add(-1).UTC().Truncate(day)
		versions = append(versions, until.Format("2006-01-02"), "Until "+report.Time(v.Until))
	}
	if len(versions) > 2 {
		d.Choices = choicesOf(c, "at", q.Text("at"), versions...)
	}
	return p.list(w, c, "/admin/plans", d)
}

// mostPrices is how many prices a page shows.
const mostPrices = pageSize

func (p *pages) adminPrices(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	provider, search := q.Name("provider"), strings.ToLower(strings.TrimSpace(q.Text("q")))
	after := q.Int("after", 0, 0, 1_000_000)
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	book, err := c.Catalogue.Book(c.Context())
	if err != nil {
		return err
	}
	prices, _, err := c.Catalogue.Prices(c.Context(), catalogue.PriceQuery{Provider: provider, At: c.Now})
	if err != nil {
		return err
	}
	prices = slices.DeleteFunc(prices, func(one pricing.Price) bool {
		return search != "" && !strings.Contains(strings.ToLower(one.Model), search)
	})
	d := listPage{Heading: "Prices",
		Lead:  "What calls cost you now. Each price has a history; what was used keeps its cost.",
		Empty: "No price is like that.", Search: &searchForm{Action: "/admin/prices", Label: "Model", Name: "q",
			Value: q.Text("q"), Options: []optionList{providerOptions(book, provider)}}}
	shown := prices[min(after, len(prices)):min(after+mostPrices, len(prices))]
	if len(shown) > 0 {
		d.Parts = partsOf(report.Prices(shown, nil), links{"model": func(i int) string {
			return with("/admin/price", url.Values{"provider": {shown[i].Provider}, "model": {shown[i].Model}})
		}})
	}
	if after > 0 {
		d.First = following(c, "after", "")
	}
	if after+mostPrices < len(prices) {
		d.Next = following(c, "after", strconv.Itoa(after+mostPrices))
	}
	return p.list(w, c, "/admin/prices", d)
}

func providerOptions(book *pricing.Book, selected string) optionList {
	list := optionList{"Provider", "provider", []option{{"", "All", selected == ""}}}
	for _, one := range book.Providers.Sorted() {
		list.Options = append(list.Options, option{one.Name, title(one.Name), one.Name == selected})
	}
	return list
}

// priceData is the history of a price, with a form to set the next one.
type priceData struct {
	Provider, Model string // as they are, for the form
	Heading         string
	Parts           []part
	Fields          []priceField
}

type priceField struct{ Name, Label, Now string }

func (p *pages) adminPrice(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	provider, model := q.Name("provider"), cmp.Or(q.Text("model"), pricing.DefaultModel)
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	history, err := c.Catalogue.History(c.Context(), provider, model)
	if err != nil {
		return err
	}
	inForce, _, err := c.Catalogue.Prices(c.Context(), catalogue.PriceQuery{Provider: provider, Model: model, At: c.Now})
	if err != nil {
		return err
	}
	d := priceData{Provider: provider, Model: model, Heading: title(provider) + " " + report.Visible(model),
		Parts: partsOf(report.PriceHistory(history), nil)}
	if model == pricing.DefaultModel {
		d.Heading = title(provider) + ": models without a price of their own"
	}
	for i := range pricing.QuantityCount {
		if quantity := i; common(quantity) || len(inForce) > 0 && inForce[0].Rates[quantity] != 0 {
			field := priceField{quantity.Unit(), "One " + strings.ReplaceAll(quantity.Unit(), "_", " "), "not set"}
			if len(inForce) > 0 && inForce[0].Rates[quantity] != 0 {
				field.Now = report.UnitPrice(quantity, inForce[0].Rates[quantity])
			}
			d.Fields = append(d.Fields, field)
		}
	}
	return p.show(w, c, http.StatusOK, page{template: "price", title: d.Heading, section: "/admin/prices", data: d})
}

// common tells whether nearly every price may have a cost of a quantity.
func common(q pricing.Quantity) bool {
	return q == pricing.Requests || q == pricing.InputTokens || q == pricing.OutputTokens
}

// priceDoing sets a price. What is left empty stays as it is.
func priceDoing() doing {
	set := func(c *web.Call, f url.Values, dry bool) (catalogue.Changes, error) {
		setting := catalogue.PriceSetting{Provider: f.Get("provider"), Model: f.Get("model"), DryRun: dry,
			Force: f.Get("force") != ""}
		for q := range pricing.QuantityCount {
			text := strings.TrimSpace(f.Get(q.Unit()))
			if text == "" {
				continue
			}
			cost, err := pricing.ParseUnitPrice(text)
			if err != nil {
				return catalogue.Changes{}, failure.Within(err, "one %s", strings.ReplaceAll(q.Unit(), "_", " "))
			}
			setting.Rates[q] = &cost
		}
		if from := f.Get("from"); from != "" {
			var err error
			if setting.From, err = usage.ParseTime("from", from); err != nil {
				return catalogue.Changes{}, err
			}
		}
		prices, err := c.Catalogue.SetPrice(c.Context(), c.Audit("pricing set"), setting, c.Configuration.Lookup)
		return catalogue.Changes{Prices: prices}, err
	}
	return doing{
		heading: "Set a price", button: "Set the price", done: "priced",
		back: func(f url.Values) string {
			return with("/admin/price", url.Values{"provider": {f.Get("provider")}, "model": {f.Get("model")}})
		},
		try: func(c *web.Call, f url.Values) (preview, error) {
			changes, err := set(c, f, true)
			return preview{Text: "Calls from then on cost this. What was used before keeps its cost.",
				Parts: partsOf(report.PriceChanges(changes), nil)}, err
		},
		do: func(c *web.Call, f url.Values) error {
			_, err := set(c, f, false)
			return err
		},
	}
}

func (p *pages) adminAlerts(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	show, user := q.Text("show"), strings.TrimSpace(q.Text("user"))
	query := usage.AlertQuery{User: user, Unread: show == "unread", Before: q.Key("after"), Limit: pageSize}
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.Alerts(c.Context(), query)
	if err != nil {
		return err
	}
	rows := found.Rows
	d := listPage{Heading: "Alerts", Lead: "Limits that users have nearly or wholly used up, the newest first.",
		Empty:   "There is no alert.",
		Choices: choicesOf(c, "show", show, "", "All", "unread", "Unread"),
		Search:  &searchForm{Action: "/admin/alerts", Label: "Alerts of the user", Name: "user", Value: user}}
	if show != "" {
		d.Search.Keep = []pair{{"show", show}}
	}
	if len(rows) > 0 {
		t := firstTable(partsOf(report.Alerts(rows), links{
			"user_id": func(i int) string { return userPath(rows[i].UserID) }}))
		d.Parts = []part{{Table: t}}
		var ids []string
		for i := range rows {
			if rows[i].ReadAt.IsZero() && rows[i].WithdrawnAt.IsZero() {
				t.Rows[i].Check = strconv.FormatInt(rows[i].ID, 10)
				ids = append(ids, t.Rows[i].Check)
			}
		}
		if len(ids) > 0 {
			t.Checks = true
			d.Select = &selectForm{Buttons: []button{{"/admin/do/read-alerts", "Mark as read"}}}
		}
	}
	if query.Before != 0 {
		d.First = following(c, "after", "")
	}
	if found.More {
		d.Next = following(c, "after", strconv.FormatInt(rows[len(rows)-1].ID, 10))
	}
	return p.list(w, c, "/admin/alerts", d)
}

func (p *pages) adminOutbox(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	status := notify.Status(q.Text("status"))
	q.Text("done")
	if err := q.Err(); err != nil {
		return err
	}
	values := []string{"", "All"}
	var names []string
	for _, s := range notify.Statuses() {
		values, names = append(values, string(s), title(string(s))), append(names, string(s))
	}
	if status != "" && !slices.Contains(notify.Statuses(), status) {
		return failure.UnknownName(failure.Invalid, "status", string(status), names)
	}
	found, err := c.Notify.Deliveries(c.Context(), notify.DeliveryQuery{Status: status, Limit: pageSize})
	if err != nil {
		return err
	}
	d := listPage{Heading: "Outbox", Lead: "Messages on their way, and those that did not arrive: the newest hundred.",
		Empty: "There is no message like that.", Choices: choicesOf(c, "status", string(status), values...)}
	if len(found) > 0 {
		t := firstTable(partsOf(report.Deliveries(found), links{
			"user_id": func(i int) string { return userPath(found[i].Message.UserID) }}))
		t.Checks, d.Parts = true, []part{{Table: t}}
		for i := range found {
			if s := found[i].Status; s != notify.Sent && s != notify.Sending {
				t.Rows[i].Check = strconv.FormatInt(found[i].ID, 10)
			}
		}
		d.Select = &selectForm{Buttons: []button{{"/admin/do/retry", "Send again"}, {"/admin/do/drop", "Never send"}}}
	}
	return p.list(w, c, "/admin/outbox", d)
}

func (p *pages) adminAudit(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	before := q.Key("after")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.Audit(c.Context(), before, pageSize)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Audit log",
		Lead:  "Who has changed what, the newest first: by the command line, the API and these pages.",
		Empty: "Nobody has changed anything."}
	if len(found.Rows) > 0 {
		d.Parts = []part{{Table: firstTable(partsOf(report.Audit(found.Rows), links{"subject": func(i int) string {
			return subjectPath(found.Rows[i].Subject)
		}}))}}
	}
	if before != 0 {
		d.First = following(c, "after", "")
	}
	if found.More {
		d.Next = following(c, "after", strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	return p.list(w, c, "/admin/audit", d)
}

// subjectPath is the page of what was changed, "" where there is none.
func subjectPath(subject string) string {
	if user, ok := strings.CutPrefix(subject, "user "); ok {
		return userPath(user)
	}
	if number, ok := strings.CutPrefix(subject, "bill "); ok {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			return billPath(n)
		}
	}
	return ""
}

// healthData is what was checked.
type healthData struct {
	Verdict verdict
	Checks  []health.Check
	All     bool
	AsOf    string
}

// adminHealth shows the checks of doctor: those that cost little, or all of them, which look through the whole log.
func (p *pages) adminHealth(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	d := healthData{All: q.Text("all") != "", AsOf: report.Time(c.Now)}
	if err := q.Err(); err != nil {
		return err
	}
	configuration := *c.Configuration
	configuration.Clock, configuration.Rehearsal = c.Clock(), c.Rehearsal
	check := c.Health.Quick
	if d.All {
		check = c.Health.Checks
	}
	var err error
	if d.Checks, err = check(c.Context(), c.Now, &configuration); err != nil {
		return err
	}
	bad, warnings := 0, 0
	for i := range d.Checks {
		one := &d.Checks[i]
		one.Detail = report.Visible(one.Detail)
		one.Hint = report.Visible(cmp.Or(one.Hint, web.Hint(&failure.Error{Reason: one.Reason, Args: one.Args})))
		if !one.OK {
			bad++
		} else if one.Warning {
			warnings++
		}
	}
	d.Verdict = verdict{"ok", "All is well", failure.Counted(len(d.Checks), "check")}
	switch {
	case bad > 0:
		d.Verdict = verdict{"full", failure.Counted(bad, "problem"), "in " + failure.Counted(len(d.Checks), "check")}
	case warnings > 0:
		d.Verdict = verdict{"near", failure.Counted(warnings, "warning"), "in " + failure.Counted(len(d.Checks), "check")}
	}
	return p.show(w, c, http.StatusOK, page{template: "health", title: "Health", section: "/admin/health", data: d})
}

// with is a path with parameters.
func with(path string, values url.Values) string { return path + "?" + values.Encode() }
