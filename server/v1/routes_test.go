package v1_test

import (
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/v1"
)

// step is a request, and the status of its answer.
type step struct {
	route  string // as the table of routes has it
	path   string // "" for the route's own
	body   string
	status int
	accept string
}

// steps are requests to every route, each of which works, in an order in which they do.
func steps() []step {
	return []step{
		{route: "POST /v1/users/{user}/subscribe", path: "/v1/users/ann/subscribe",
			body: `{"plan":"basic","cycle":"monthly","start":"2026-10-05T00:00:00Z","email":"ann@example.com"}`},
		{route: "POST /v1/users/{user}/subscribe", path: "/v1/users/bob/subscribe",
			body: `{"plan":"pro","auto_renew":false}`},
		{route: "PATCH /v1/users/{user}", path: "/v1/users/ann", body: `{"name":"Ann Ltd","country":"GB"}`},
		{route: "POST /v1/events", body: call("old", "ann", `,"time":"2026-10-20T10:00:00Z"`)},
		{route: "POST /v1/events", body: call("a", "ann", "")},
		{route: "POST /v1/events", body: "[" + call("b", "ann", "") + `,{}]`},
		{route: "POST /v1/events?", path: "/v1/events?enforce&strict", body: call("c", "bob", "")},
		{route: "POST /v1/limits/check", body: call("", "ann", "")},
		{route: "POST /v1/limits/check", status: 429,
			body: `{"user":"ann","provider":"gemini","model":"gemini-2.5-flash","input_tokens":999999999,"output_tokens":1}`},
		{route: "POST /v1/limits/explain", body: call("", "ann", "")},
		{route: "POST /v1/reservations", body: call("r1", "ann", `,"ttl":60`)},
		{route: "POST /v1/reservations", body: call("r2", "ann", "")},
		{route: "GET /v1/reservations"},
		{route: "POST /v1/reservations/{id}/settle", path: "/v1/reservations/r1/settle",
			body: `{"input_tokens":7,"output_tokens":3}`},
		{route: "DELETE /v1/reservations/{id}", path: "/v1/reservations/r2"},
		{route: "GET /v1/users"},
		{route: "GET /v1/users/{user}", path: "/v1/users/ann"},
		{route: "GET /v1/users/{user}", path: "/v1/users/nobody", status: 404},
		{route: "GET /v1/users/{user}/usage", path: "/v1/users/ann/usage"},
		{route: "GET /v1/users/{user}/limits", path: "/v1/users/ann/limits?at=2026-10-20"},
		{route: "GET /v1/users/{user}/explain", path: "/v1/users/ann/explain?provider=openai&model=gpt-4o&input_tokens=5"},
		{route: "GET /v1/users/{user}/history", path: "/v1/users/ann/history"},
		{route: "GET /v1/usage/report"},
		{route: "GET /v1/usage/report", path: "/v1/usage/report?by=day,user,model&month=2026-11&top=1"},
		{route: "GET /v1/usage/refusals"},
		{route: "GET /v1/usage/refusals", path: "/v1/usage/refusals?by=day,user&month=2026-11&top=1"},
		{route: "GET /v1/usage/trends", path: "/v1/usage/trends?user=ann&months=2"},
		{route: "GET /v1/usage/logs", path: "/v1/usage/logs?user=ann&limit=2"},
		{route: "GET /v1/usage/logs", accept: "text/csv"},
		{route: "GET /v1/usage/logs", accept: "application/x-ndjson"},
		{route: "POST /v1/events/{id}/correct", path: "/v1/events/a/correct?reason=ten+times", body: `{"input_tokens":100}`},
		{route: "POST /v1/voids", body: `{"ids":["b"],"reason":"by mistake"}`},
		{route: "GET /v1/usage/logs", path: "/v1/usage/logs?voided"},
		{route: "GET /v1/bills"},
		{route: "GET /v1/bills/preview", path: "/v1/bills/preview?user=ann"},
		{route: "GET /v1/bills/{number}", path: "/v1/bills/1"},
		{route: "GET /v1/bills/{number}/statement", path: "/v1/bills/1/statement"},
		{route: "GET /v1/bills/{number}/statement", path: "/v1/bills/1/statement?format=pdf&paper=letter&with_cost"},
		{route: "POST /v1/bills/{number}/mark-paid", path: "/v1/bills/1/mark-paid", body: `{"id":"bank-7","ref":"transfer"}`},
		{route: "POST /v1/bills/{number}/void", path: "/v1/bills/1/void", body: `{"reason":"billed by mistake"}`},
		{route: "POST /v1/credits", body: `{"id":"t-1","user":"ann","amount":"5.00","reason":"outage"}`},
		{route: "GET /v1/credits", path: "/v1/credits?user=ann"},
		{route: "POST /v1/events", body: `{"user":"cy","provider":"exa","requests":100000}`},
		{route: "GET /v1/alerts"},
		{route: "POST /v1/alerts/read", body: `{"ids":[1]}`},
		{route: "POST /v1/users/{user}/change-plan", path: "/v1/users/ann/change-plan",
			body: `{"plan":"pro","at_period_end":true}`},
		{route: "GET /v1/users/{user}", path: "/v1/users/ann"},
		{route: "POST /v1/users/{user}/suspend", path: "/v1/users/ann/suspend"},
		{route: "POST /v1/limits/check", body: call("", "ann", ""), status: 402},
		{route: "POST /v1/users/{user}/resume", path: "/v1/users/ann/resume", body: `{}`},
		{route: "POST /v1/users/{user}/renew", path: "/v1/users/bob/renew"},
		{route: "POST /v1/users/{user}/cancel", path: "/v1/users/ann/cancel", body: `{"at_period_end":true}`},
		{route: "GET /v1/plans"},
		{route: "GET /v1/plans/{name}", path: "/v1/plans/pro"},
		{route: "GET /v1/prices", path: "/v1/prices?provider=gemini"},
		{route: "POST /v1/prices", body: `{"provider":"openai","model":"gpt-4o","input_token_cost":"2.6/1M"}`},
		{route: "GET /v1/prices/history", path: "/v1/prices/history?provider=openai&model=gpt-4o"},
		{route: "GET /v1/prices/quote", path: "/v1/prices/quote?provider=openai&model=gpt-4o&input_tokens=1000"},
		{route: "GET /v1/prices/quote", path: "/v1/prices/quote?provider=openai&model=unheard-of&input_tokens=1"},
		{route: "GET /v1/models"},
		{route: "POST /v1/tokens", body: `{"user":"ann","name":"laptop","scopes":["read"],"expires":"90d","models":["x"]}`},
		{route: "POST /v1/tokens", body: `{"user":"ann","limits":[{"name":"calls","max":100},` +
			`{"name":"monthly_cost","max":"2.5","action":"warn"},` +
			`{"name":"own","meter":"calls","providers":["exa"],"max":null}],"requests_per_minute":60}`},
		{route: "POST /v1/tokens", body: `{"user":"ann","limits":[{"name":"unheard-of","max":1}]}`, status: 400},
		{route: "PATCH /v1/tokens/{token}", path: "/v1/tokens/3", body: `{"limits":[{"name":"calls","max":50}]}`},
		{route: "PATCH /v1/tokens/{token}", path: "/v1/tokens/3", body: `{"requests_per_minute":null,"parallel_calls":4}`},
		{route: "PATCH /v1/tokens/{token}", path: "/v1/tokens/3", status: 400,
			body: `{"limits":[{"name":"calls","max":-1}]}`},
		{route: "GET /v1/tokens"},
		{route: "POST /v1/tokens/{token}/rotate", path: "/v1/tokens/2/rotate", body: `{"keep":"1h"}`},
		{route: "DELETE /v1/tokens/{token}", path: "/v1/tokens/2"},
		{route: "GET /v1/audit"},
		{route: "GET /v1/doctor"},
	}
}

func TestEveryRoute(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		admin := f.TokenOf(access.NewToken{Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}})
		untried := map[string]bool{}
		for _, route := range v1.Routes() {
			untried[route.Pattern] = true
		}
		for _, s := range steps() {
			method, pattern, _ := strings.Cut(s.route, " ")
			delete(untried, s.route)
			if s.route == "GET /v1/bills" {
				_, err := f.Billing.Close(t.Context(), f.Now(), billing.CloseOptions{})
				f.Must(err)
			}
			if s.path == "" {
				s.path = pattern
			}
			if s.status == 0 {
				s.status = 200
			}
			answer := f.Ask(method, s.path, admin, s.body, "Accept: "+s.accept)
			if answer.StatusCode != s.status {
				t.Errorf("%s %s: %s %s", method, s.path, answer.Status, answer.Text)
			}
		}
		for route := range untried {
			t.Errorf("%s was not tried", route)
		}
	})
}
