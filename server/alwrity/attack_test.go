package alwrity_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// Of another user's path nobody learns anything, whatever the method, and whoever does not say who they are still less.
func TestOtherUsersPaths(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		app, reporter := f.Token("", access.ScopeRead), f.Token(paid, access.ScopeEvents)
		for _, path := range []string{"/user/USER/subscription", "/status/USER", "/subscribe/USER", "/usage/USER",
			"/usage/USER/trends", "/dashboard/USER", "/alerts/USER", "/renewal-history/USER",
			"/renewal-history/USER/retention-stats"} {
			f.Wait(time.Minute) // bad tries of one address are counted
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
				for _, other := range []string{full, "nobody at all", strings.ToUpper(paid), paid + "/", "../" + paid} {
					of := base(strings.ReplaceAll(path, "USER", url.PathEscape(other)))
					if a := f.Ask(method, of, d.tokens[paid], ""); a.StatusCode != 403 && a.StatusCode != 404 {
						t.Errorf("%s %s of another: %s %s", method, of, a.Status, a.Text)
					} else if method != "HEAD" && a.StatusCode == 403 && a.Text != `{"detail":"Access denied"}`+"\n" {
						t.Errorf("%s %s of another: %s", method, of, a.Text)
					}
				}
				of := base(strings.ReplaceAll(path, "USER", full))
				f.Wait(10 * time.Second) // bad tries are counted
				for token, text := range map[string]string{"": "Not authenticated", "ask_no": "Authentication failed"} {
					a := f.Ask(method, of, token, "")
					if a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") != "Bearer" ||
						method != "HEAD" && a.Text != `{"detail":"`+text+`"}`+"\n" {
						t.Errorf("%s %s of nobody: %s %s", method, of, a.Status, a.Text)
					}
				}
			}
			if a := d.ask(paid, "DELETE", path, ""); a.StatusCode != 405 || a.Header.Get("Allow") == "" {
				t.Errorf("DELETE %s: %s", path, a.Status)
			}
			if a := f.Ask("GET", base(strings.ReplaceAll(path, "USER", paid)), reporter, ""); a.StatusCode != 403 {
				t.Errorf("one who may only report gets %s from %s", a.Status, path)
			}
		}
		bound := f.Token(paid, access.ScopeGateway)
		if a := f.Ask("POST", base("/subscribe/"+paid), bound, `{"plan_id":1}`); a.StatusCode != 403 {
			t.Errorf("a token that may only make calls changes the plan: %s %s", a.Status, a.Text)
		}
		if a := f.Ask("GET", base("/dashboard/"+full), app, ""); a.StatusCode != 200 {
			t.Errorf("one who acts for others gets %s", a.Status)
		}
		if a := f.Ask("GET", base("/usage-logs?user_id="+full), d.tokens[paid], ""); a.StatusCode != 403 {
			t.Errorf("the log of another: %s", a.Status)
		}
		if a := f.Ask("GET", base("/usage-logs"), app, ""); a.StatusCode != 422 {
			t.Errorf("the log of nobody: %s %s", a.Status, a.Text)
		}
		if a := f.Ask("GET", base("/usage-logs?user_id="+full), app, ""); a.StatusCode != 200 {
			t.Errorf("the log of one whom the caller acts for: %s %s", a.Status, a.Text)
		}
	})
}

func base(path string) string { return "/api/subscription" + path }

// No input makes the server say that it is broken: the client would stop all its calls for that.
func TestBadInput(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
		many := `{"operations":[` + strings.TrimSuffix(strings.Repeat(`{"provider":"gemini","operation_type":"x"},`, 101),
			",") + "]}"
		for _, tt := range []struct {
			method, path, body string
			status             int
			text               string
		}{
			{"GET", "/usage-logs?limit=0", "", 422, `"loc":["query","limit"]`},
			{"GET", "/usage-logs?limit=99999", "", 422, `"input":"99999"`},
			{"GET", "/usage-logs?limit=5000&offset=-1", "", 422, `"loc":["query","offset"]`},
			{"GET", "/usage-logs?limit=ten", "", 422, `"type":"int_parsing"`},
			{"GET", "/usage-logs?offset=1000000000", "", 200, `"logs":[]`},
			{"GET", "/usage-logs?provider=nobody", "", 200, `"logs":[]`},
			{"GET", "/usage-logs?status_code=99", "", 422, `status_code`},
			{"GET", "/usage-logs?billing_period=2026-13", "", 422, `billing_period`},
			{"GET", "/usage-logs?billing_period=9999-99", "", 422, `billing_period`},
			{"GET", "/usage-logs?unheard=of", "", 200, `"logs":`},
			{"GET", "/usage/USER?billing_period=november", "", 422, `billing_period`},
			{"GET", "/usage/USER?billing_period=1970-01", "", 200, `"billing_period":"1970-01"`},
			{"GET", "/usage/USER?billing_period=8999-12", "", 200, `"success":true`},
			{"GET", "/usage/USER/trends?months=0", "", 422, `"loc":["query","months"]`},
			{"GET", "/usage/USER/trends?months=25", "", 422, `"loc":["query","months"]`},
			{"GET", "/alerts/USER?limit=101", "", 422, `"loc":["query","limit"]`},
			{"GET", "/alerts/USER?unread_only=perhaps", "", 422, `"type":"bool_parsing"`},
			{"POST", "/alerts/999999/mark-read", "", 404, `{"detail":"Alert not found"}`},
			{"POST", "/alerts/one/mark-read", "", 422, `"loc":["path","alert_id"]`},
			{"POST", "/alerts/-1/mark-read", "", 404, `Alert not found`},
			{"POST", "/alerts/99999999999999999999/mark-read", "", 422, `alert_id`},
			{"GET", "/renewal-history/USER?limit=0", "", 422, `"loc":["query","limit"]`},
			{"GET", "/renewal-history/USER?offset=500", "", 200, `"renewals":[]`},
			{"GET", "/pricing?provider=gemni", "", 400, `{"detail":"Invalid provider: gemni"}`},
			{"GET", "/nothing", "", 404, `{"detail":"Not Found"}`},
			{"DELETE", "/plans", "", 405, `{"detail":"Method Not Allowed"}`},
			{"POST", "/preflight-check", "", 422, `"loc":["body"]`},
			{"POST", "/preflight-check", "{", 422, `"type":"json_invalid"`},
			{"POST", "/preflight-check", "[]", 422, `"loc":["body"]`},
			{"POST", "/preflight-check", "null", 422, `"loc":["body"]`},
			{"POST", "/preflight-check", deep, 400, `nested`},
			{"POST", "/preflight-check", "{}", 422, `"loc":["body","operations"]`},
			{"POST", "/preflight-check", `{"operations":3}`, 422, `"type":"list_type"`},
			{"POST", "/preflight-check", `{"operations":[3]}`, 422, `"loc":["body","operations",0]`},
			{"POST", "/preflight-check", `{"operations":[]}`, 400, `{"detail":"No valid operations provided"}`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"nobody","operation_type":"x"}]}`, 400, `No valid`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"gemini"}]}`, 422, `"operation_type"`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"a\u0000b","operation_type":"x"}]}`, 422, `provider`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"gemini","operation_type":"x","model":"\u0000"}]}`, 422,
				`"model"`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"gemini","operation_type":"x","tokens_requested":-1}]}`,
				422, `"tokens_requested"`},
			{"POST", "/preflight-check", `{"operations":[{"provider":"gemini","operation_type":"x","tokens_requested":1e99}]}`,
				422, `"tokens_requested"`},
			{"POST", "/preflight-check", many, 422, `"type":"too_long"`},
			{"POST", "/subscribe/USER", "{}", 400, `{"detail":"plan_id is required"}`},
			{"POST", "/subscribe/USER", `{"plan_id":999}`, 404, `{"detail":"Plan not found"}`},
			{"POST", "/subscribe/USER", `{"plan_id":"two"}`, 422, `"loc":["body","plan_id"]`},
			{"POST", "/subscribe/USER", `{"plan_id":2,"billing_cycle":"weekly"}`, 422, `"billing_cycle"`},
		} {
			a := d.ask(paid, tt.method, tt.path, tt.body)
			if a.StatusCode != tt.status || !strings.Contains(a.Text, tt.text) {
				t.Errorf("%s %s %.60s: %s %.300s", tt.method, tt.path, tt.body, a.Status, a.Text)
			}
		}
		admin := f.Token("", access.ScopeAdmin)
		for _, user := range []string{"%00", "%FF%FE", strings.Repeat("x", 300), "%20a", "a%0Ab"} {
			for _, path := range []string{"/dashboard/", "/status/", "/usage/", "/alerts/", "/renewal-history/"} {
				if a := f.Ask("GET", base(path+user), admin, ""); a.StatusCode != 422 {
					t.Errorf("%s%.20s: %s %.200s", path, user, a.Status, a.Text)
				}
			}
		}
		for _, user := range []string{"nobody", "用户", "O'Brien <b>", "a%2Fb"} {
			if a := f.Ask("GET", base("/dashboard/"+strings.ReplaceAll(user, " ", "%20")), admin, ""); a.StatusCode != 200 {
				t.Errorf("a user who was never seen: %s %.200s", a.Status, a.Text)
			}
		}
	})
}

// Nobody gets a plan for nothing, and nothing that was used is forgotten.
func TestSubscribe(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		plans := map[string]string{}
		list, _, err := f.Catalogue.Plans(f.Context(), f.Now(), f.Now())
		f.Must(err)
		for _, p := range list {
			plans[p.Tier] = fmt.Sprintf(`{"plan_id":%d}`, p.ID)
		}
		used := func(user string) any { return d.get(user, "/usage/USER?billing_period=all").at("data.total_calls") }
		for user, tiers := range map[string][]string{
			newcomer: {"basic", "pro", "enterprise", "starter", "staff"}, free: {"basic", "staff"}, paid: {"pro", "staff"},
			full: {"pro"}, cancelled: {"pro"}, expired: {"basic"}, suspended: {"pro"}, odd: {"basic"},
		} {
			before, calls := d.ask(user, "GET", "/status/USER", "").Text, used(user)
			for _, tier := range tiers {
				a := d.ask(user, "POST", "/subscribe/USER", plans[tier])
				if a.StatusCode != http.StatusPaymentRequired || !strings.Contains(a.Text, `{"detail":"`) {
					t.Errorf("%s gets %s: %s %s", user, tier, a.Status, a.Text)
				}
			}
			if after := d.ask(user, "GET", "/status/USER", "").Text; after != before || used(user) != calls {
				t.Errorf("%s was %s and is %s", user, before, after)
			}
		}

		loud := strings.Replace(plans["free"], "}", `,"billing_cycle":"MONTHLY"}`, 1) // as some clients spell it
		d.read(d.ask(newcomer, "POST", "/subscribe/USER", loud)).want("data.plan_name", `"Free"`,
			"data.status", `"active"`)
		d.read(d.ask(paid, "POST", "/subscribe/USER", plans["basic"])).want("data.plan_name", `"Basic"`)
		calls := used(paid)
		for range 2 { // the second time changes nothing
			a := d.ask(paid, "POST", "/subscribe/USER", plans["free"])
			d.read(a).want("data.plan_name", `"Basic"`)
			if !strings.Contains(a.Text, "it is Free") {
				t.Errorf("it does not tell of the change: %s", a.Text)
			}
		}
		admin := f.Token("", access.ScopeAdmin)
		d.read(f.Ask("POST", base("/subscribe/"+paid), admin, plans["pro"])).want("data.plan_name", `"Pro"`,
			"data.billing_cycle", `"monthly"`)
		d.get(paid, "/status/USER").want("data.plan", `"pro"`)
		current := d.get(paid, "/usage/USER")
		if used(paid) != calls || current.at("data.total_calls") != calls {
			t.Errorf("of %s calls %s are left, %s of the period", calls, used(paid), current.at("data.total_calls"))
		}
		d.read(f.Ask("POST", base("/subscribe/new"), admin, plans["basic"])).want("data.plan_name", `"Basic"`)
	})
}

func TestTrendsOfTwoYears(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	d := town{f, map[string]string{free: f.Token(free)}}
	for n := range 24 { // months, the newest last
		f.Wait(30 * 24 * time.Hour)
		d.use(free, "gemini", "gemini-2.5-flash", 1+n%3, 200)
	}
	trends := d.get(free, "/usage/USER/trends?months=24")
	sum := 0
	for n := range 24 {
		calls, err := strconv.Atoi(fmt.Sprint(trends.at(fmt.Sprintf("data.total_calls.%d", n))))
		f.Must(err)
		sum += calls
	}
	d.get(free, "/usage/USER?billing_period=all").want("data.total_calls", strconv.Itoa(sum))
}
