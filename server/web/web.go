// Package web is what the routes of all groups share: the call that is answered, who makes it, how a body is read and
// an answer written, and which status a failure has. A route reads a call, asks one method of a service, and writes
// what that returns.
package web

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/usage"
	"github.com/alwrity/alwrity-sub/volatile"
)

// Services are the operations that routes ask, on one open database. They are those of the commands.
type Services struct {
	Access      *access.Service
	Usage       *usage.Service
	Reports     *usage.Reporter
	Corrections *usage.Corrections
	Lists       *usage.Lists
	Billing     *billing.Service
	Catalogue   *catalogue.Service
	Fixer       *catalogue.Fixer
	Notify      *notify.Service
	Health      *health.Service
	Kept        *volatile.Store // answers that are made once; nil: none is kept

	Clock         func() time.Time // UTC, in microseconds
	Log           *slog.Logger
	Sender        statement.Sender      // of statements
	Configuration *health.Configuration // for the checks of health
	Rehearsal     bool                  // the database is for rehearsals
	Version       string

	Recent Recent // what was answered of late
}

// Call is one request that is being answered.
type Call struct {
	*http.Request
	*Services
	Now time.Time       // the moment of all that the call does
	Who access.Identity // who makes it; of a public route maybe nobody
	// SeesCost tells whether the caller is told what usage costs the operator.
	SeesCost bool
}

// Handler answers a call. What it returns as an error is written in the form of its group; it must not have written
// anything then.
type Handler func(w http.ResponseWriter, c *Call) error

// Route is one method and path with what answers it.
type Route struct {
	Pattern string       // such as GET /v1/users/{user}/usage; a {user} must be one whom the caller may act for
	Scope   access.Scope // what the caller needs; "" for everyone, signed in or not
	Or      access.Scope // what does as well; "" for nothing
	Costs   bool         // it tells nothing but what usage costs, so who is not told that gets a failure
	Do      Handler
}

// Group are routes that know their callers in the same way, and have the same form of errors.
type Group struct {
	// SignIn says who makes a request.
	SignIn func(r *http.Request, now time.Time) (access.Identity, error)
	// Fail writes a failure. c.Who may be nobody.
	Fail   func(w http.ResponseWriter, c *Call, err error)
	Routes []Route
	// ShowCost tells customers what their usage costs the operator. Who acts for others is told it in any case.
	ShowCost bool
}

// Register adds the routes to a mux.
func (g Group) Register(mux *http.ServeMux, s *Services) {
	for _, route := range g.Routes {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			c := &Call{Request: r, Services: s, Now: s.Clock()}
			NoteOf(r.Context()).Route = route.Pattern
			if err := g.answer(w, c, route); err != nil {
				NoteOf(r.Context()).Err = err
				g.Fail(w, c, err)
			}
		})
	}
}

// FailFor answers a request for which there is no route with a failure, as the group writes one.
func (g Group) FailFor(w http.ResponseWriter, r *http.Request, s *Services, err error) {
	c := &Call{Request: r, Services: s, Now: s.Clock()}
	c.Who, _ = g.SignIn(r, c.Now) // whoever it is is told
	NoteOf(r.Context()).Err = err
	g.Fail(w, c, err)
}

func (g Group) answer(w http.ResponseWriter, c *Call, route Route) (err error) {
	c.Who, err = g.SignIn(c.Request, c.Now)
	c.SeesCost = g.ShowCost || err == nil && c.ActsForAll()
	if err != nil {
		if route.Scope == "" {
			return route.Do(w, c)
		}
		return err
	}
	NoteOf(c.Context()).Who = c.Who.Name
	if route.Scope != "" && !c.Who.May(route.Scope) && (route.Or == "" || !c.Who.May(route.Or)) {
		return access.Forbidden("%s may not do this: it takes the scope %s", c.Who.Name, route.scopes())
	}
	if strings.Contains(route.Pattern, "{user}") {
		if err := c.MustActFor(c.PathValue("user")); err != nil {
			return err
		}
	}
	if route.Costs {
		if err := c.MustSeeCost(); err != nil {
			return err
		}
	}
	return route.Do(w, c)
}

// MustSeeCost returns a failure unless the caller is told what usage costs the operator.
func (c *Call) MustSeeCost() error {
	if c.SeesCost {
		return nil
	}
	return access.Forbidden("%s may not see what usage costs", c.Who.Name)
}

func (r *Route) scopes() string {
	if r.Or == "" {
		return string(r.Scope)
	}
	return string(r.Scope) + " or " + string(r.Or)
}

// ActsForAll tells whether the caller is bound to no user.
func (c *Call) ActsForAll() bool { return c.Who.ActAs || c.Who.May(access.ScopeAdmin) }

// UserOf returns whom the caller means by a user that it names: one who is bound to a user and names none means that
// one. Another's is a denied failure, whatever is asked for. "" is everyone.
func (c *Call) UserOf(named string) (string, error) {
	switch {
	case named != "":
		return named, c.MustActFor(named)
	case c.ActsForAll():
		return "", nil
	}
	return c.Who.User, c.MustActFor(c.Who.User)
}

// MustActFor returns a failure unless the caller may see and change what is this user's.
func (c *Call) MustActFor(user string) error {
	if c.Who.MayActFor(user) {
		return nil
	}
	return access.Forbidden("access denied: %s may not act for %s", c.Who.Name, failure.Shorten(user))
}

// Audit says who does something now.
func (c *Call) Audit(action string) usage.Audit {
	return usage.Audit{At: c.Now, Actor: c.Who.Name, Action: action}
}

// AuditFor is Audit for what users do with what is their own, which is not noted: it has no action then.
func (c *Call) AuditFor(user, action string) usage.Audit {
	if user != "" && user == c.Who.User {
		action = ""
	}
	return c.Audit(action)
}

// ByBearer knows a caller by the token or JWT of the Authorization header. Bad tries of an address are counted.
func (s *Services) ByBearer(r *http.Request, now time.Time) (access.Identity, error) {
	return s.Access.AuthenticateFrom(r.Context(), Bearer(r), r.RemoteAddr, now)
}

// Bearer returns the credential of the Authorization header, "" where there is none.
func Bearer(r *http.Request) string {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}
