package pages_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// adminPages are the pages of operators, of the users and bills of the demonstration.
func adminPages() map[string]string {
	user := func(id string) string { return "/admin/user?" + url.Values{"id": {id}}.Encode() }
	return map[string]string{
		"today": "/admin", "today-calls": "/admin?show=calls", "users": "/admin/users",
		"users-found": "/admin/users?q=AGENCY",
		"users-none":  "/admin/users?q=nobody", "users-suspended": "/admin/users?status=suspended&plan=Basic",
		"user-busy": user(busy), "user-over": user(over), "user-suspended": user(suspended), "user-long": user(long),
		"user-arabic": user(arabic), "user-hostile": user(hostile), "bills": "/admin/bills",
		"bills-open": "/admin/bills?status=open",
		"bill":       "/admin/bill?number=1", "plans": "/admin/plans", "plan": "/admin/plan?name=Pro",
		"prices":       "/admin/prices",
		"prices-found": "/admin/prices?provider=openai&q=mini", "price": "/admin/price?provider=openai&model=gpt-4o-mini",
		"alerts": "/admin/alerts", "alerts-unread": "/admin/alerts?show=unread", "outbox": "/admin/outbox",
		"audit": "/admin/audit", "health": "/admin/health", "health-all": "/admin/health?all=1",
		"explain": "/admin/explain?user=" + busy + "&provider=openai&model=gpt-4o-mini&input_tokens=1000&output_tokens=",
	}
}

func TestAdminPages(t *testing.T) {
	f := demo(t)
	admin, customer := signIn(f, f.Token("", access.ScopeAdmin)), signIn(f, f.Token(busy))
	for name, path := range adminPages() {
		answer := f.Ask("GET", path, "", "", admin)
		if answer.StatusCode != http.StatusOK || strings.Contains(answer.Text, "<script>") ||
			strings.Contains(answer.Text, "<img") || !strings.HasSuffix(answer.Text, "</html>\n") {
			t.Errorf("%s: %s %.3000s", name, answer.Status, answer.Text)
		}
		if forbidden := f.Ask("GET", path, "", "", customer); forbidden.StatusCode != http.StatusForbidden {
			t.Errorf("%s for a customer: %s", name, forbidden.Status)
		}
	}
	for _, path := range []string{"/admin/user?id=nobody", "/admin/bill?number=999", "/admin/plan?name=x",
		"/admin/price?provider=openai&model=x"} {
		if answer := f.Ask("GET", path, "", "", admin); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	for _, path := range []string{"/admin/user", "/admin/users?status=x", "/admin/bills?status=x",
		"/admin/outbox?status=x", "/admin?show=x", "/admin/users?nonsense=1", "/admin/prices?provider=x",
		"/admin/bills?after=-1"} {
		if answer := f.Ask("GET", path, "", "", admin); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

const formType = "Content-Type: application/x-www-form-urlencoded"

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// confirm does something as a browser does: it sends a form, and then the one that asks once more.
func confirm(f *servertest.Fixture, who, action string, form url.Values) servertest.Answer {
	f.Helper()
	asked := f.Ask("POST", "/admin/do/"+action, "", form.Encode(), who, formType)
	if asked.StatusCode != http.StatusOK || !strings.Contains(asked.Text, "Do nothing") {
		f.Fatalf("%s: %s %s", action, asked.Status, asked.Text)
	}
	again := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(asked.Text, -1) {
		again.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	done := f.Ask("POST", "/admin/do/"+action, "", again.Encode(), who, formType)
	if done.StatusCode != http.StatusSeeOther {
		f.Fatalf("%s: %s %s", action, done.Status, done.Text)
	}
	return done
}

func lastAudit(f *servertest.Fixture) usage.AuditEntry {
	f.Helper()
	page, err := f.Lists.Audit(f.Context(), 0, 1)
	f.Must(err)
	return page.Rows[0]
}

func TestAdminActions(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		token := f.Token("", access.ScopeAdmin)
		admin := signIn(f, token)
		actor := "token " + token[:16]
		user := hostile
		status := func() plan.Status {
			account, err := f.Billing.Account(f.Context(), user)
			f.Must(err)
			return account.StatusAt(f.Now())
		}
		do := func(action, audited string, form url.Values) {
			t.Helper()
			form.Set("user", user)
			before := lastAudit(f).ID
			confirm(f, admin, action, form)
			if last := lastAudit(f); last.ID == before || last.Action != audited || last.Actor != actor {
				t.Errorf("%s left %+v in the audit log", action, last)
			}
		}
		do("subscribe", "users subscribe", url.Values{"plan": {"basic"}, "cycle": {"monthly"}, "renews": {"yes"}})
		do("suspend", "users suspend", url.Values{})
		if status() != plan.Suspended {
			t.Errorf("it is %s", status())
		}
		do("resume", "users resume", url.Values{})
		do("change-plan", "users change-plan", url.Values{"plan": {"pro"}, "when": {"now"}})
		do("renew", "users renew", url.Values{})
		do("cancel", "users cancel", url.Values{"when": {"now"}})
		if status() != plan.Cancelled {
			t.Errorf("it is %s", status())
		}
		do("credit", "billing credit", url.Values{"amount": {"5.00"}, "reason": {"outage"}})
		credits, err := f.Billing.AllCredits(f.Context(), user)
		f.Must(err)
		if len(credits) != 1 || credits[0].Amount.Display() != "$5.00" || credits[0].Actor != actor {
			t.Errorf("the credit is %+v", credits)
		}
	})
}

func TestAdminVoidsAndPays(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		admin := signIn(f, f.Token("", access.ScopeAdmin))
		record(f, "ann")
		entries, _, err := f.Reports.Logs(f.Context(), usage.LogQuery{User: "ann", Limit: 1}, "")
		f.Must(err)
		confirm(f, admin, "void-events", url.Values{"user": {"ann"}, "ids": {entries[0].ID}, "reason": {"a test"}})
		used, err := f.Usage.Show(f.Context(), "ann", f.Now(), f.Now())
		f.Must(err)
		if used.Sum.Calls != 0 {
			t.Errorf("%d calls are left", used.Sum.Calls)
		}
		_, err = f.Billing.Subscribe(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "users subscribe"}, "ann",
			billing.Order{Plan: "pro", Cycle: plan.Monthly, AutoRenew: true})
		f.Must(err)
		f.Wait(40 * 24 * time.Hour)
		_, err = f.Billing.Close(f.Context(), f.Now(), billing.CloseOptions{})
		f.Must(err)
		bills, err := f.Billing.AllBills(f.Context(), billing.Query{UserID: "ann", Statuses: []billing.Status{billing.Open}})
		f.Must(err)
		if len(bills) == 0 {
			t.Fatal("there is no bill to pay")
		}
		number := fmt.Sprint(bills[0].Number)
		admin = signIn(f, f.Token("", access.ScopeAdmin)) // the session has ended meanwhile
		confirm(f, admin, "mark-paid", url.Values{"number": {number}, "reference": {"<b>transfer</b>"}})
		if b, err := f.Billing.Show(f.Context(), bills[0].Number); err != nil || b.Status != billing.Paid {
			t.Errorf("it is %s, %v", b.Status, err)
		}
		confirm(f, admin, "void-bill", url.Values{"number": {number}, "reason": {"by mistake"}})
		if b, err := f.Billing.Show(f.Context(), bills[0].Number); err != nil || b.Status != billing.Void {
			t.Errorf("it is %s, %v", b.Status, err)
		}
	})
}

func TestAdminSetsPrice(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		admin := signIn(f, f.Token("", access.ScopeAdmin))
		form := url.Values{"provider": {"openai"}, "model": {"gpt-4o"}, "input_token": {"3/1M"}}
		asked := f.Ask("POST", "/admin/do/set-price", "", form.Encode(), admin, formType)
		if !strings.Contains(asked.Text, "$3.00") {
			t.Errorf("it does not say what differs: %s", asked.Text)
		}
		history, err := f.Catalogue.History(f.Context(), "openai", "gpt-4o")
		f.Must(err)
		confirm(f, admin, "set-price", form)
		now, err := f.Catalogue.History(f.Context(), "openai", "gpt-4o")
		f.Must(err)
		if len(now) != len(history)+1 {
			t.Errorf("%d prices after %d", len(now), len(history))
		}
		form.Set("input_token", "300")
		slip := f.Ask("POST", "/admin/do/set-price", "", form.Encode(), admin, formType)
		if slip.StatusCode != http.StatusBadRequest || !strings.Contains(slip.Text, `role="alert"`) {
			t.Errorf("a slip: %s", slip.Status)
		}
	})
}

func TestAdminRefuses(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		admin, customer := signIn(f, f.Token("", access.ScopeAdmin)), signIn(f, f.Token("ann"))
		form := url.Values{"user": {"ann"}, "amount": {"5.00"}, "reason": {"x"}, "confirm": {"yes"}, "key": {"k"}}.Encode()
		answer := f.Ask("POST", "/admin/do/credit", "", form, customer, formType)
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("a customer: %s", answer.Status)
		}
		elsewhere := f.Ask("POST", "/admin/do/credit", "", form, admin, formType, "Origin: https://evil.example.com")
		if elsewhere.StatusCode != http.StatusForbidden {
			t.Errorf("from elsewhere: %s", elsewhere.Status)
		}
		if credits, err := f.Billing.AllCredits(f.Context(), "ann"); err != nil || len(credits) != 0 {
			t.Errorf("credit %+v, %v", credits, err)
		}
		for action, form := range map[string]url.Values{
			"credit": {"user": {"ann"}, "amount": {"x"}}, "void-events": {"user": {"ann"}, "reason": {"x"}},
			"mark-paid": {"number": {"x"}}, "read-alerts": {}, "retry": {"ids": {"x"}}, "subscribe": {"user": {"ann"}},
			"change-plan": {"user": {"ann"}, "plan": {"pro"}}, "suspend": {"user": {"nobody"}},
		} {
			answer := f.Ask("POST", "/admin/do/"+action, "", form.Encode(), admin, formType)
			if answer.StatusCode < 400 || answer.StatusCode > 409 || !strings.Contains(answer.Text, `role="alert"`) {
				t.Errorf("%s: %s %s", action, answer.Status, answer.Text)
			}
		}
		if answer := f.Ask("POST", "/admin/do/nonsense", "", "", admin, formType); answer.StatusCode != http.StatusNotFound {
			t.Errorf("nonsense: %s", answer.Status)
		}
	})
}

func TestAdminWithNobody(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		admin := signIn(f, f.Token("", access.ScopeAdmin))
		for _, page := range []string{"", "/users", "/bills", "/alerts", "/outbox", "/health"} {
			path := "/admin" + page
			if answer := f.Ask("GET", path, "", "", admin); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
			}
		}
	})
}

// TestAdminManyUsers turns the pages of a list that no page has all of.
func TestAdminManyUsers(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		admin := signIn(f, f.Token("", access.ScopeAdmin))
		var rows strings.Builder
		for i := range 250 {
			fmt.Fprintf(&rows, `{"user_id":"user-%03d","provider":"gemini","model":"gemini-2.5-flash","input_tokens":9,`+
				`"time":%q}`+"\n", i, f.Now().Format(time.RFC3339))
		}
		done, err := f.Usage.Import(f.Context(), f.Now(), strings.NewReader(rows.String()),
			usage.ImportOptions{Format: usage.JSONLines})
		if err != nil || done.Recorded != 250 {
			t.Fatalf("%+v, %v", done, err)
		}
		seen, path := map[string]bool{}, "/admin/users"
		for pages := 1; path != ""; pages++ {
			answer := f.Ask("GET", path, "", "", admin)
			links := regexp.MustCompile(`href="/admin/user\?id=(user-\d+)"`).FindAllStringSubmatch(answer.Text, -1)
			if len(links) > 100 || pages > 3 {
				t.Fatalf("%d users on page %d", len(links), pages)
			}
			for _, link := range links {
				seen[link[1]] = true
			}
			next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(answer.Text)
			if path = ""; next != nil {
				path = html.UnescapeString(next[1])
			}
		}
		if len(seen) != 250 {
			t.Errorf("%d users on all pages", len(seen))
		}
		found := f.Ask("GET", "/admin/users?q=USER-24", "", "", admin)
		if n := strings.Count(found.Text, `href="/admin/user?id=`); n != 10 {
			t.Errorf("%d users found", n)
		}
	})
}
