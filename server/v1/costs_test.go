package v1_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// costly are requests of a customer whose answers tell costs to those who are told them.
func costly() []step {
	const large = `"provider":"openai","model":"gpt-4o","input_tokens":14000000,"output_tokens":0}`
	const small = `"provider":"gemini","model":"gemini-2.5-flash","input_tokens":7,"output_tokens":1}`
	return []step{
		{route: "POST /v1/reservations", body: `{"id":"r",` + small},
		{route: "GET /v1/reservations"},
		{route: "POST /v1/reservations/r/settle", body: `{"input_tokens":7}`},
		{route: "POST /v1/events", body: `{"id":"a",` + large}, // more than the plan has
		{route: "POST /v1/events", body: `[{"id":"b",` + large + `]`},
		{route: "POST /v1/events", path: "/v1/events?enforce", body: `{"id":"c",` + small, status: 429},
		{route: "POST /v1/events", path: "/v1/events?enforce", body: `[{"id":"d",` + small + `]`},
		{route: "POST /v1/limits/check", body: `{` + small, status: 429},
		{route: "POST /v1/limits/explain", body: `{` + small},
		{route: "GET /v1/users/ann/explain", path: "/v1/users/ann/explain?provider=gemini&model=gemini-2.5-flash"},
		{route: "GET /v1/users/ann/usage"},
		{route: "GET /v1/users/ann/limits"},
		{route: "GET /v1/usage/report"},
		{route: "GET /v1/usage/report", accept: "text/csv"},
		{route: "GET /v1/usage/report", accept: "application/x-ndjson"},
		{route: "GET /v1/usage/trends"},
		{route: "GET /v1/usage/logs"},
		{route: "GET /v1/usage/logs", accept: "text/csv"},
		{route: "GET /v1/bills/preview"},
		{route: "GET /v1/bills/preview", accept: "text/csv"},
		{route: "GET /v1/alerts"},
		{route: "GET /v1/alerts", accept: "text/csv"},
		{route: "GET /v1/users/ann/history"},
	}
}

// costs finds what usage costs in an answer: its fields, or the amounts of the calls above, of $35 each.
var costs = regexp.MustCompile(`_?cost":|cost_before|pricing|unpriced|unit_prices|charges|[",](35|70)[^-:]|\$`)

func TestWhoIsToldWhatUsageCosts(t *testing.T) {
	for name, tt := range map[string]struct {
		shown, bound, told bool
	}{
		"a customer": {bound: true}, "a customer who is told": {shown: true, bound: true, told: true},
		"a backend": {told: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) { o.Pages.ShowCost = tt.shown })
			admin := f.TokenOf(access.NewToken{Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}})
			f.Ask("POST", "/v1/users/ann/subscribe", admin, `{"plan":"basic"}`)
			caller := f.Token("")
			if tt.bound {
				caller = f.Token("ann")
			}
			for _, s := range costly() {
				method, path, _ := strings.Cut(s.route, " ")
				if s.path != "" {
					path = s.path
				}
				if strings.HasPrefix(path, "/v1/bills/preview") && !tt.bound {
					path += "?user=ann"
				}
				body := s.body
				if !tt.bound {
					body = strings.Replace(body, `"provider"`, `"user_id":"ann","provider"`, 1)
				}
				answer := f.Ask(method, path, caller, body, "Accept: "+s.accept)
				if want := max(s.status, 200); answer.StatusCode != want {
					t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
				}
				if found := costs.FindString(answer.Text); (found != "") != tt.told {
					t.Errorf("%s %s tells costs by %q: %s", s.route, s.accept, found, answer.Text)
				}
			}
			for _, path := range []string{"/v1/prices", "/v1/prices/history?provider=openai&model=gpt-4o",
				"/v1/prices/quote?provider=openai&model=gpt-4o&input_tokens=1", "/v1/usage/logs?status=unpriced"} {
				if answer := f.Ask("GET", path, caller, ""); (answer.StatusCode == 200) != tt.told {
					t.Errorf("%s: %s", path, answer.Status)
				}
			}
		})
	}
}

// TestLimitsOfCost tells customers how much of a limit of cost is used, and what plans include.
func TestLimitsOfCost(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	ann := f.Token("ann")
	f.Ask("POST", "/v1/events", ann, call("a", "ann", ""))
	type limit struct {
		Name, Meter        string
		Percent, Max, Used any
	}
	shown := decode[struct{ Limits []limit }](f, f.Ask("GET", "/v1/users/ann/limits", ann, ""))
	count := 0
	for _, l := range shown.Limits {
		if l.Meter == "cost" {
			count++
		}
		if (l.Used == nil) != (l.Meter == "cost") || l.Meter == "cost" && (l.Percent == nil || l.Max != nil) {
			t.Errorf("a customer sees %+v", l)
		}
	}
	plan := decode[struct{ Limits []limit }](f, f.Ask("GET", "/v1/plans/free", "", ""))
	for _, l := range plan.Limits {
		if l.Meter == "cost" && l.Max == nil {
			t.Errorf("the plan tells nothing of %s", l.Name)
		}
	}
	if count == 0 {
		t.Error("no limit counts cost")
	}
}
