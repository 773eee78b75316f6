package pages_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// signIn signs a user in, and returns the cookie as a header.
func signIn(f *servertest.Fixture, token string) string {
	f.Helper()
	answer := f.Ask("POST", "/login", "", url.Values{"token": {token}}.Encode(),
		"Content-Type: application/x-www-form-urlencoded")
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		f.Fatalf("not signed in: %s %s", answer.Status, answer.Text)
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 12*60*60 {
		f.Errorf("the cookie is %s", cookie)
	}
	return "Cookie: " + cookie.Name + "=" + cookie.Value
}

func record(f *servertest.Fixture, user string) {
	f.Helper()
	_, err := f.Usage.Record(f.Context(), f.Now(), usage.Event{UserID: user, Provider: "gemini",
		Model: "gemini-2.5-flash", Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200},
		usage.RecordOptions{})
	f.Must(err)
}

func TestOnesOwnPage(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		record(f, "bob")
		ann := signIn(f, f.Token("ann"))
		for path, status := range map[string]int{
			"/billing": 200, "/billing?user=ann": 200, "/billing?user=bob": 403, "/billing?show=models": 400,
			"/billing?nonsense=1": 400, "/billing/bills/1.pdf": 404, "/billing/bills/1.exe": 404, "/billing/else": 404,
			"/billing/alerts": 200,
		} {
			answer := f.Ask("GET", path, "", "", ann)
			if answer.StatusCode != status {
				t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
			}
			if !strings.Contains(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s has no policy", path)
			}
		}
	})
}

func TestNobody(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		answer := f.Ask("GET", "/billing?by=model", "", "")
		if to := answer.Header.Get("Location"); answer.StatusCode != 303 || to != "/login?next=%2Fbilling%3Fby%3Dmodel" {
			t.Errorf("%s to %s", answer.Status, to)
		}
		bad := f.Ask("POST", "/login", "", "token=ask_nonsense", "Content-Type: application/x-www-form-urlencoded")
		if bad.StatusCode != http.StatusUnauthorized || len(bad.Cookies()) > 0 || strings.Contains(bad.Text, "ask_nonsense") {
			t.Errorf("%s %s", bad.Status, bad.Text)
		}
	})
}

func TestSessions(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		token := f.Token("ann")
		ann, other := signIn(f, token), signIn(f, token)
		status := func(cookie string) int { return f.Ask("GET", "/billing", "", "", cookie).StatusCode }
		if bearer := f.Ask("GET", "/billing", token, ""); bearer.StatusCode != http.StatusSeeOther {
			t.Errorf("a page takes a bearer: %s", bearer.Status)
		}
		if strings.Contains(ann, token) {
			t.Error("the token is in the cookie")
		}
		if out := f.Ask("POST", "/logout", "", "", ann); out.StatusCode != http.StatusSeeOther || status(ann) != 303 {
			t.Errorf("signed out, it is %d", status(ann))
		}
		if status(other) != 200 {
			t.Errorf("the other browser is %d", status(other))
		}
		_, err := f.Access.Revoke(t.Context(), f.Audit("test"), token[:16])
		f.Must(err)
		if status(other) != 303 {
			t.Errorf("with the token revoked, it is %d", status(other))
		}
		late := signIn(f, f.Token("ann"))
		f.Wait(12 * time.Hour)
		if status(late) != 303 {
			t.Errorf("after 12 hours it is %d", status(late))
		}
	})
}

func TestLinks(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		link, err := f.Access.CreateLink(t.Context(), f.Audit("tokens link"), "ann", false)
		f.Must(err)
		const form = "Content-Type: application/x-www-form-urlencoded"
		if looked := f.Ask("GET", "/login?link="+link.Secret, "", ""); looked.StatusCode != 200 || len(looked.Cookies()) > 0 {
			t.Errorf("who looks at the link: %s", looked.Status)
		}
		body := url.Values{"link": {link.Secret}, "next": {"//evil.example.com"}}.Encode()
		first := f.Ask("POST", "/login", "", body, form)
		if first.StatusCode != 303 || first.Header.Get("Location") != "/billing" || len(first.Cookies()) != 1 {
			t.Errorf("%s to %s", first.Status, first.Header.Get("Location"))
		}
		if again := f.Ask("POST", "/login", "", body, form); again.StatusCode != 401 || len(again.Cookies()) > 0 {
			t.Errorf("a second time: %s", again.Status)
		}
	})
}

func TestTooManyTries(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		const form = "Content-Type: application/x-www-form-urlencoded"
		var last servertest.Answer
		for range 21 {
			last = f.Ask("POST", "/login", "", "token=ask_nonsense", form)
		}
		if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" ||
			!strings.Contains(last.Text, "<h1>Too many tries</h1>") {
			t.Errorf("%s, after %q: %s", last.Status, last.Header.Get("Retry-After"), last.Text)
		}
	})
}

// A page behind a proxy that was named speaks HTTPS, and its cookie goes nowhere else.
func TestCookieOverHTTPS(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	record(f, "ann")
	answer := f.Ask("POST", "/login", "", url.Values{"token": {f.Token("ann")}}.Encode(),
		"Content-Type: application/x-www-form-urlencoded", "X-Forwarded-Proto: https")
	if c := answer.Cookies(); len(c) != 1 || !c[0].Secure || c[0].Name != "__Host-alwrity" || c[0].Path != "/" {
		t.Errorf("%s: %v", answer.Status, c)
	}
}

func TestOwnTokens(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		const form = "Content-Type: application/x-www-form-urlencoded"
		bob := f.Token("bob")
		reader := signIn(f, f.Token("ann", access.ScopeRead))
		for _, path := range []string{"tokens", "tokens/" + bob[:16] + "/revoke", "plan"} {
			if answer := f.Ask("POST", "/billing/"+path, "", "scope=read", reader, form); answer.StatusCode != 403 {
				t.Errorf("a token that may read: %s: %s", path, answer.Status)
			}
		}
		ann := signIn(f, f.Token("ann", access.ScopeRead, access.ScopeGateway))
		for body, status := range map[string]int{"name=a&scope=read&expiry=90d": 200, "name=a&scope=events": 403,
			"name=a&scope=admin": 403, "name=a": 400, "name=a&scope=read&expiry=yesterday": 400,
			"name=few&scope=read&calls=7": 200, "name=a&scope=read&calls=many": 400} {
			if answer := f.Ask("POST", "/billing/tokens", "", body, ann, form); answer.StatusCode != status {
				t.Errorf("%s: %s", body, answer.Status)
			}
		}
		if page := f.Ask("GET", "/billing/tokens", "", "", ann); !strings.Contains(page.Text, "0 of 7 calls") {
			t.Errorf("the page has no limit: %s", page.Text)
		}
		made, err := f.Access.Create(t.Context(), f.Audit("test"), access.NewToken{User: "ann", Models: []string{"gpt-4o"}})
		f.Must(err)
		bound := f.Ask("POST", "/billing/tokens", "", "scope=read", signIn(f, made.Secret), form)
		if bound.StatusCode != http.StatusForbidden {
			t.Errorf("a token for one model makes one for all: %s", bound.Status)
		}
		if others := f.Ask("POST", "/billing/tokens/"+bob[:16]+"/revoke", "", "", ann); others.StatusCode != 404 {
			t.Errorf("another's token is revoked: %s", others.Status)
		}
		if own := f.Ask("POST", "/billing/tokens/"+made.Token.Public+"/revoke", "", "", ann); own.StatusCode != 303 {
			t.Errorf("an own token is not revoked: %s %s", own.Status, own.Text)
		}
	})
}

// Nobody reads by ids what is another's.
func TestOthersEvents(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		_, err := f.Usage.Record(t.Context(), f.Now(), usage.Event{ID: "bobs", UserID: "bob", Provider: "gemini",
			Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200}, usage.RecordOptions{})
		f.Must(err)
		ann := signIn(f, f.Token("ann"))
		if answer := f.Ask("GET", "/billing/log?after=bobs", "", "", ann); answer.StatusCode != http.StatusNotFound {
			t.Errorf("the log goes on after another's event: %s", answer.Status)
		}
		csv := f.Ask("GET", "/billing/log.csv", "", "", ann)
		if strings.Contains(csv.Text, "bob") || strings.Contains(csv.Text, "cost") || strings.Count(csv.Text, "\n") != 2 {
			t.Errorf("the CSV is %s", csv.Text)
		}
	})
}

// What usage costs the operator stands nowhere, unless that is configured.
func TestWhatCustomersAreNotTold(t *testing.T) {
	for _, told := range []bool{false, true} {
		f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) { o.Pages.ShowCost = told })
		_, err := f.Usage.Record(t.Context(), f.Now(), usage.Event{UserID: "ann", Provider: "gemini",
			Model: "gemini-2.5-pro", Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 100_000},
			StatusCode: 200}, usage.RecordOptions{})
		f.Must(err)
		ann := signIn(f, f.Token("ann"))
		seen := false
		for _, path := range []string{"", "?by=model", "/log", "/log.csv", "/bills", "/plan"} {
			seen = seen || strings.Contains(f.Ask("GET", "/billing"+path, "", "", ann).Text, "0.125")
		}
		asked := f.Ask("GET", "/billing?show=cost", "", "", ann).StatusCode == http.StatusOK
		if seen != told || asked != told {
			t.Errorf("with ShowCost %t it is seen: %t, and can be asked for: %t", told, seen, asked)
		}
	}
}

func TestRehearsal(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	f.Services.Rehearsal = true
	record(f, "ann")
	ann := signIn(f, f.Token("ann"))
	for _, path := range []string{"/login", "/billing", "/billing/log", "/billing/else"} {
		if answer := f.Ask("GET", path, "", "", ann); !strings.Contains(answer.Text, "nothing here is real") {
			t.Errorf("%s does not say that it is a rehearsal", path)
		}
	}
}

func TestOtherSites(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		ann := signIn(f, f.Token("ann"))
		for _, header := range []string{"Origin: https://evil.example.com", "Sec-Fetch-Site: cross-site"} {
			for _, path := range []string{"/logout", "/login", "/billing/alerts/read"} {
				answer := f.Ask("POST", path, "", "", ann, header)
				if answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) > 0 {
					t.Errorf("%s from another site: %s", path, answer.Status)
				}
			}
		}
	})
}

// TestChangeOfPlanTakenBack changes to the free plan at the end of what is paid, and stays after all.
func TestChangeOfPlanTakenBack(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		_, err := f.Billing.Subscribe(f.Context(), f.Audit("users subscribe"), "ann",
			billing.Order{Plan: "basic", Cycle: plan.Monthly, AutoRenew: true})
		f.Must(err)
		ann := signIn(f, f.Token("ann"))
		plans, _, err := f.Catalogue.Plans(f.Context(), f.Now(), f.Now())
		f.Must(err)
		for _, step := range []struct{ plan, next string }{{"free", "free"}, {"basic", ""}, {"free", "free"}} {
			wanted, err := plans.Find(step.plan)
			f.Must(err)
			answer := f.Ask("POST", "/billing/plan", "", url.Values{"plan": {strconv.FormatInt(wanted.ID, 10)}}.Encode(),
				ann, "Content-Type: application/x-www-form-urlencoded")
			if answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("%s: %s %s", step.plan, answer.Status, answer.Text)
			}
			account, err := f.Billing.Account(f.Context(), "ann")
			f.Must(err)
			if next, _ := plans.ByID(account.Subscription.NextPlanID); next.Tier != step.next {
				t.Errorf("after %s, %q is next", step.plan, next.Tier)
			}
			shown := f.Ask("GET", "/billing/plan", "", "", ann)
			if strings.Contains(shown.Text, "Stay on Basic") != (step.next != "") {
				t.Errorf("after %s, one may stay: %s", step.plan, shown.Text)
			}
		}
	})
}
