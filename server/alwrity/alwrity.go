// Package alwrity answers ALwrity's own web client and services as the API does that they were written for:
// /api/subscription. Only its words and shapes are here; what they say is asked of the services, as all other routes
// do. See docs/alwrity.md for where it differs and why.
package alwrity

import (
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/web"
)

// base is where the API is.
const base = "/api/subscription"

// monitoring is where the client asks how the server does.
const monitoring = "/api/content-planning/monitoring"

// Group returns the routes. A caller shows a token or a JWT as a bearer.
func Group(s *web.Services) web.Group {
	return web.Group{
		SignIn: s.ByBearer,
		Fail:   fail,
		Routes: withFallbacks(routes()),
	}
}

func routes() []web.Route {
	const read = access.ScopeRead
	return []web.Route{
		{Pattern: "GET " + base + "/plans", Do: plans},
		{Pattern: "GET " + base + "/pricing", Do: prices},
		{Pattern: "GET " + base + "/user/{user}/subscription", Scope: read, Do: subscription},
		{Pattern: "GET " + base + "/status/{user}", Scope: read, Do: status},
		{Pattern: "POST " + base + "/subscribe/{user}", Scope: access.ScopeGateway, Do: subscribe},
		{Pattern: "GET " + base + "/usage/{user}", Scope: read, Do: showUsage},
		{Pattern: "GET " + base + "/usage/{user}/trends", Scope: read, Do: showTrends},
		{Pattern: "GET " + base + "/dashboard/{user}", Scope: read, Do: dashboard},
		{Pattern: "GET " + base + "/alerts/{user}", Scope: read, Do: alerts},
		{Pattern: "POST " + base + "/alerts/{alert}/mark-read", Scope: read, Do: markRead},
		{Pattern: "GET " + base + "/usage-logs", Scope: read, Do: logs},
		{Pattern: "POST " + base + "/preflight-check", Scope: read, Do: preflight},
		{Pattern: "GET " + base + "/renewal-history/{user}", Scope: read, Do: renewals},
		{Pattern: "GET " + base + "/renewal-history/{user}/retention-stats", Scope: read, Do: retention},
		{Pattern: "GET " + monitoring + "/health", Scope: read, Do: healthOf},
		{Pattern: "GET " + monitoring + "/lightweight-stats", Scope: read, Do: lightweightStats},
		{Pattern: "GET " + monitoring + "/api-stats", Scope: read, Do: apiStats},
		{Pattern: "GET " + monitoring + "/cache-stats", Scope: read, Do: cacheStats},
	}
}

// withFallbacks adds what answers other methods of the same paths, where another user's path is still refused first,
// and other paths below, in the form of these routes.
func withFallbacks(routes []web.Route) []web.Route {
	all := routes
	for _, route := range routes {
		method, path, _ := strings.Cut(route.Pattern, " ")
		all = append(all, web.Route{Pattern: path, Scope: route.Scope, Do: func(w http.ResponseWriter, _ *web.Call) error {
			w.Header().Set("Allow", method)
			return refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
		}})
	}
	nothing := func(http.ResponseWriter, *web.Call) error { return refuse(http.StatusNotFound, "Not Found") }
	return append(all, web.Route{Pattern: base + "/", Do: nothing}, web.Route{Pattern: monitoring + "/", Do: nothing})
}

// enveloped is the form of most answers.
type enveloped struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
	Data    any    `json:"data,omitempty"`
}

// answer answers with data in its envelope.
func answer(w http.ResponseWriter, data any) error {
	return web.WriteJSON(w, http.StatusOK, enveloped{Success: true, Data: data})
}
