// Package v1 is the project's own API: its routes, under /v1, answer with the JSON of the commands (docs/json.md).
package v1

import (
	"net/http"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// Group returns the routes of the API. A caller shows a token or a JWT as a bearer. showCost tells customers what their
// usage costs the operator.
func Group(s *web.Services, showCost bool) web.Group {
	return web.Group{
		SignIn:   s.ByBearer,
		Fail:     func(w http.ResponseWriter, c *web.Call, err error) { web.Fail(w, c.Request, err) },
		Routes:   Routes(),
		ShowCost: showCost,
	}
}

// calls are the routes that read events and calls, with what reads them.
type calls struct{ readers usage.ObjectReaders }

// Routes is every route of the API.
func Routes() []web.Route {
	const read, admin, events, gateway = access.ScopeRead, access.ScopeAdmin, access.ScopeEvents, access.ScopeGateway
	a := &calls{readers: usage.ObjectReaders{Ignored: []string{"ttl"}}}
	return []web.Route{
		{Pattern: "POST /v1/events", Scope: events, Do: a.record},
		{Pattern: "POST /v1/events/{id}/correct", Scope: admin, Do: a.correct},
		{Pattern: "POST /v1/voids", Scope: admin, Do: void},

		{Pattern: "POST /v1/limits/check", Scope: gateway, Or: events, Do: a.check},
		{Pattern: "POST /v1/limits/explain", Scope: gateway, Or: events, Do: a.explain},
		{Pattern: "GET /v1/reservations", Scope: read, Do: reservations},
		{Pattern: "POST /v1/reservations", Scope: gateway, Or: events, Do: a.reserve},
		{Pattern: "POST /v1/reservations/{id}/settle", Scope: gateway, Or: events, Do: a.settle},
		{Pattern: "DELETE /v1/reservations/{id}", Scope: gateway, Or: events, Do: release},

		{Pattern: "GET /v1/users", Scope: read, Do: users},
		{Pattern: "GET /v1/users/{user}", Scope: read, Do: user},
		{Pattern: "PATCH /v1/users/{user}", Scope: admin, Do: setProfile},
		{Pattern: "GET /v1/users/{user}/usage", Scope: read, Do: showUsage},
		{Pattern: "GET /v1/users/{user}/limits", Scope: read, Do: showLimits},
		{Pattern: "GET /v1/users/{user}/explain", Scope: read, Do: explainUser},
		{Pattern: "GET /v1/users/{user}/history", Scope: read, Do: history},
		{Pattern: "POST /v1/users/{user}/subscribe", Scope: admin, Do: subscribe},
		{Pattern: "POST /v1/users/{user}/change-plan", Scope: admin, Do: changePlan},
		{Pattern: "POST /v1/users/{user}/cancel", Scope: admin, Do: cancel},
		{Pattern: "POST /v1/users/{user}/renew", Scope: admin, Do: renew},
		{Pattern: "POST /v1/users/{user}/suspend", Scope: admin, Do: suspend},
		{Pattern: "POST /v1/users/{user}/resume", Scope: admin, Do: resume},

		{Pattern: "GET /v1/usage/report", Scope: read, Do: usageReport},
		{Pattern: "GET /v1/usage/refusals", Scope: read, Do: refusals},
		{Pattern: "GET /v1/usage/trends", Scope: read, Do: trends},
		{Pattern: "GET /v1/usage/logs", Scope: read, Do: logs},

		{Pattern: "GET /v1/bills", Scope: read, Do: bills},
		{Pattern: "GET /v1/bills/preview", Scope: read, Do: previewBill},
		{Pattern: "GET /v1/bills/{number}", Scope: read, Do: bill},
		{Pattern: "GET /v1/bills/{number}/statement", Scope: read, Do: billStatement},
		{Pattern: "POST /v1/bills/{number}/mark-paid", Scope: admin, Do: markPaid},
		{Pattern: "POST /v1/bills/{number}/void", Scope: admin, Do: voidBill},
		{Pattern: "GET /v1/credits", Scope: read, Do: credits},
		{Pattern: "POST /v1/credits", Scope: admin, Do: credit},

		{Pattern: "GET /v1/alerts", Scope: read, Do: alerts},
		{Pattern: "POST /v1/alerts/read", Scope: read, Do: readAlerts},

		{Pattern: "GET /v1/plans", Do: plans},
		{Pattern: "GET /v1/plans/{name}", Do: planNamed},
		{Pattern: "GET /v1/prices", Scope: read, Costs: true, Do: prices},
		{Pattern: "POST /v1/prices", Scope: admin, Do: setPrice},
		{Pattern: "GET /v1/prices/quote", Scope: read, Costs: true, Do: quote},
		{Pattern: "GET /v1/prices/history", Scope: read, Costs: true, Do: priceHistory},
		{Pattern: "GET /v1/models", Scope: gateway, Or: read, Do: models},

		{Pattern: "GET /v1/tokens", Scope: admin, Do: tokens},
		{Pattern: "POST /v1/tokens", Scope: admin, Do: createToken},
		{Pattern: "PATCH /v1/tokens/{token}", Scope: admin, Do: changeToken},
		{Pattern: "DELETE /v1/tokens/{token}", Scope: admin, Do: revokeToken},
		{Pattern: "POST /v1/tokens/{token}/rotate", Scope: admin, Do: rotateToken},

		{Pattern: "GET /v1/audit", Scope: admin, Do: audit},
		{Pattern: "GET /v1/doctor", Scope: admin, Do: doctor},
	}
}
