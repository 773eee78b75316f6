// Package pages is what people see in a browser: the pages of a customer, /billing, and those of operators, /admin.
// They are written here, whole, by html/template; a browser needs no script for them. A page is a route like others: it
// asks the services, and knows no rule of its own.
package pages

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

//go:embed files/*.html
var files embed.FS

// Options say what pages show.
type Options struct {
	// ShowCost shows customers what their usage costs us.
	ShowCost bool
	// Warning stands on every page; "" for none.
	Warning string
}

// pages are the routes with what they are made of.
type pages struct {
	Options
	services  *web.Services
	templates *template.Template
	assets    assets
}

// Group returns the routes of the pages. Who is signed in has a cookie.
func Group(s *web.Services, o Options) web.Group {
	p := &pages{Options: o, services: s, assets: newAssets(),
		templates: template.Must(template.ParseFS(files, "files/*.html"))}
	routes := slices.Concat(p.signInRoutes(), p.billingRoutes(), p.billRoutes(), p.logRoutes(), p.planRoutes(),
		p.tokenRoutes(), p.adminRoutes(), p.assets.routes(), []web.Route{
			{Pattern: "GET /billing/{rest...}", Do: nothing}})
	for i, route := range routes {
		routes[i].Do = guarded(route.Do)
	}
	return web.Group{SignIn: p.whoIs, Fail: p.fail, Routes: routes}
}

// nothing answers where there is no page.
func nothing(_ http.ResponseWriter, c *web.Call) error {
	return failure.NotFoundf("there is no page %s", failure.Shorten(c.URL.Path))
}

// policy lets a page load what is ours, and nothing else; it has no scripts and styles within it.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// guarded refuses what another site's page makes a browser send, and sets what a browser may do with the answer.
func guarded(do web.Handler) web.Handler {
	return func(w http.ResponseWriter, c *web.Call) error {
		protect(w)
		if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
			return access.Forbidden("this was sent from the page of another site, so nothing was done")
		}
		return do(w, c)
	}
}

func protect(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// page is one page, without what all share.
type page struct {
	template string
	title    string
	section  string // the path of the entry of the navigation that it belongs to; "" for none
	data     any
}

// frame is what a template gets: the page's own data with what all pages share.
type frame struct {
	Title     string
	Company   string
	Style     string
	Script    string
	Warning   string
	Rehearsal bool
	Who       string // who is signed in; "" for nobody
	User      string // whose data the page shows; "" for nobody's
	Looking   bool   // somebody else looks at the user's data
	Admin     bool
	Operator  bool // it is a page of operators
	Nav       []entry
	Done      string // what was done just now
	Data      any
	query     string
}

// entry is one of the navigation.
type entry struct {
	Path, Name string
	Current    bool
}

// Link is a path of this site, of the same user as the page.
func (f frame) Link(path string) string { return path + f.query }

// show writes a page.
func (p *pages) show(w http.ResponseWriter, c *web.Call, status int, of page) error {
	f := frame{Title: of.title, Company: report.Visible(c.Sender.Company), Style: p.assets.style, Script: p.assets.script,
		Warning: p.Warning, Rehearsal: c.Rehearsal, Admin: c.Who.May(access.ScopeAdmin), Data: of.data,
		Done: done(c.URL.Query().Get("done"))}
	if c.Who.Name != "" {
		f.Who = report.Visible(c.Who.Name)
	}
	if strings.HasPrefix(of.section, "/admin") {
		f.Nav, f.Operator = adminNavigation(of.section), true
	} else if user, err := userOf(c); err == nil && user != "" {
		f.User, f.Looking = report.Visible(user), user != c.Who.User
		if f.Looking {
			f.query = "?" + url.Values{"user": {user}}.Encode()
		}
		f.Nav = navigation(of.section)
	}
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, of.template, f); err != nil {
		return failure.New(failure.Internal, "the page %s can't be written: %s", of.template, err).Because(err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // who has gone is not there to be told
	return nil
}

func navigation(section string) []entry {
	entries := []entry{{Path: "/billing", Name: "Overview"}, {Path: "/billing/log", Name: "Log"},
		{Path: "/billing/bills", Name: "Bills"}, {Path: "/billing/plan", Name: "Plan"},
		{Path: "/billing/tokens", Name: "Tokens"}}
	for i := range entries {
		entries[i].Current = entries[i].Path == section
	}
	return entries
}

// messages are what a page says after something was done, by the word that stands in its address.
//
//nolint:gochecknoglobals // read-only
var messages = map[string]string{
	"read":      "The alerts are marked as read.",
	"plan":      "The plan is changed as you see below.",
	"revoked":   "The token is revoked: nobody can use it any more.",
	"signedout": "You are signed out.",

	"changed":    "The subscription is changed.",
	"credited":   "The credit is given.",
	"voided":     "The calls are taken back.",
	"paid":       "The bill is marked as paid.",
	"voidedbill": "The bill is taken back by a credit note.",
	"priced":     "The price is set.",
	"retried":    "The messages are sent again with the next run.",
	"dropped":    "The messages are never sent.",
}

func done(word string) string { return messages[word] }

// userOf returns whose data a page shows: the caller's own, or those of whom the address names. For one who may see
// many and names none it is "".
func userOf(c *web.Call) (string, error) {
	named := c.URL.Query().Get("user")
	if named == "" {
		return c.Who.User, nil
	}
	return named, c.MustActFor(named)
}

// problem is what a page says about a failure.
type problem struct {
	Heading, Message, Hint, RequestID string
	SignIn                            bool
}

// fail writes a failure as a page. Who is not signed in is sent to the page for that.
func (p *pages) fail(w http.ResponseWriter, c *web.Call, err error) {
	protect(w)
	status := web.StatusOf(err)
	if status == http.StatusUnauthorized {
		to := "/login"
		if c.Method == http.MethodGet {
			to += "?" + url.Values{"next": {c.URL.RequestURI()}}.Encode()
		}
		http.Redirect(w, c.Request, to, http.StatusSeeOther)
		return
	}
	if wait := access.RetryAfter(err); wait > 0 {
		web.SetRetryAfter(w, wait)
	}
	web.SetRetry(w, status)
	told := web.Tell(c.Request, err)
	data := problem{Heading: headings[status], Message: told.Message, Hint: told.Hint, RequestID: told.RequestID}
	if data.Heading == "" {
		data.Heading = "That didn’t work"
	}
	if err := p.show(w, c, status, page{template: "problem", title: data.Heading, data: data}); err != nil {
		web.Fail(w, c.Request, err)
	}
}

//nolint:gochecknoglobals // read-only
var headings = map[int]string{
	http.StatusForbidden:           "You may not see this",
	http.StatusNotFound:            "There is nothing here",
	http.StatusTooManyRequests:     "Too many tries",
	http.StatusServiceUnavailable:  "Not available just now",
	http.StatusInternalServerError: "Something went wrong on our side",
}
