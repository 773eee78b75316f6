// Package gate is the routes of the gateway: it knows who is calling by the vendors' ways to send a key, has the call
// carried, and says what was refused in the form that the vendor's own client understands.
package gate

import (
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/server/web"
)

// Gate answers calls of vendors' APIs.
type Gate struct {
	Gateway  *gateway.Gateway
	Services *web.Services
	ShowCost bool // customers are told what their usage costs the operator: see web.Group
}

// Or returns a handler of what is for the gate; the rest goes to next. Requests and answers of the gate are as long and
// as slow as vendors' are, so bounds of the other routes do not hold for them.
func (g *Gate) Or(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := g.Gateway.Upstreams.Find(r.Method, r.URL, r.Header.Get("X-Alwrity-Provider"))
		if route == nil {
			next.ServeHTTP(w, r)
			return
		}
		note := web.NoteOf(r.Context())
		note.Route = pattern(route)
		c := &web.Call{Request: r, Services: g.Services, Now: g.Services.Clock(), SeesCost: g.ShowCost}
		answer := g.carry
		if asksForModels(r, route) {
			answer = g.models
		}
		if err := answer(w, c, route); err != nil {
			note.Err = err
			refuse(w, c, route, err)
		}
	})
}

// pattern names a route in logs and metrics: what is not metered has one name for all of an upstream.
func pattern(route *gateway.Route) string {
	if route.Path == nil {
		return "/" + route.Upstream.Name + "/…"
	}
	return route.Path.Method + " /" + route.Upstream.Name + route.Path.Pattern
}

// signIn finds out who is calling, and refuses who may make no calls.
func signIn(c *web.Call) (err error) {
	c.Who, err = c.Access.AuthenticateFrom(c.Context(), gateway.Credential(c.Request), c.RemoteAddr, c.Now)
	if err != nil {
		return err
	}
	web.NoteOf(c.Context()).Who = c.Who.Name
	c.SeesCost = c.SeesCost || c.ActsForAll()
	if !c.Who.May(access.ScopeGateway) {
		return access.Forbidden("%s may make no calls: it takes the scope %s", c.Who.Name, access.ScopeGateway)
	}
	return nil
}

func (g *Gate) carry(w http.ResponseWriter, c *web.Call, route *gateway.Route) error {
	if err := signIn(c); err != nil {
		return err
	}
	user, err := userOf(c.Who, strings.TrimSpace(c.Header.Get("X-Alwrity-User")))
	if err != nil {
		return err
	}
	return g.Gateway.Carry(w, c.Request, route, gateway.Caller{User: user, TokenID: c.Who.TokenID, MayCall: c.Who.MayCall,
		SeesCost: c.SeesCost})
}

// userOf returns whose call it is: that of who is bound to a user, or the one whom a caller names that acts for others.
func userOf(who access.Identity, named string) (string, error) {
	switch {
	case named == "" && who.User != "":
		return who.User, nil
	case named == "":
		return "", failure.Invalidf("%s acts for others: say for whom, in the header X-Alwrity-User", who.Name)
	case !who.MayActFor(named):
		return "", access.Forbidden("access denied: %s may not act for %s", who.Name, failure.Shorten(named))
	}
	return named, nil
}
