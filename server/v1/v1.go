// Package v1 is the project's own API: its routes, under /v1, answer with the JSON of the commands (docs/json.md).
package v1

import (
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/web"
)

// Group returns the routes of the API. A caller shows a token or a JWT as a bearer.
func Group(s *web.Services) web.Group {
	return web.Group{
		SignIn: func(r *http.Request, now time.Time) (access.Identity, error) {
			return s.Access.Authenticate(r.Context(), web.Bearer(r), now)
		},
		Fail:   func(w http.ResponseWriter, c *web.Call, err error) { web.Fail(w, c.Request, err) },
		Routes: routes(),
	}
}

// routes is every route of the API.
func routes() []web.Route {
	return []web.Route{
		{Pattern: "GET /v1/plans", Do: plans},
		{Pattern: "GET /v1/users/{user}/usage", Scope: access.ScopeRead, Do: showUsage},
	}
}
