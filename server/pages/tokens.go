package pages

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

func (p *pages) tokenRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing/tokens", Scope: access.ScopeRead, Do: p.tokens},
		{Pattern: "POST /billing/tokens", Scope: access.ScopeRead, Do: p.createToken},
		{Pattern: "POST /billing/tokens/{id}/revoke", Scope: access.ScopeRead, Do: p.revokeToken},
	}
}

// tokensData is the page of a user's tokens.
type tokensData struct {
	Rows    []tokenRow
	Scopes  []option
	Manage  bool   // tokens may be created and revoked
	Secret  string // of the token that was created just now
	Name    string // its name
	Problem string
}

type tokenRow struct {
	ID, Public, Name, Scopes, Created, Expires, Used string
	Bounds                                           string
	Meters                                           []meter // its own limits
	Rates                                            string  // its own
	Now                                              string  // what was used with it in the running period
}

func (p *pages) tokens(w http.ResponseWriter, c *web.Call) error {
	return p.showTokens(w, c, http.StatusOK, tokensData{})
}

// showTokens shows the page, with what has become of a form.
func (p *pages) showTokens(w http.ResponseWriter, c *web.Call, status int, d tokensData) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	tokens, err := c.Access.List(c.Context(), access.TokenQuery{User: user, Limit: 200})
	if err != nil {
		return err
	}
	used, err := c.Usage.TokenUsages(c.Context(), c.Now, access.IDs(tokens.Rows))
	if err != nil {
		return err
	}
	for _, t := range tokens.Rows {
		row := tokenRowOf(t)
		p.addUse(&row, used[t.ID], c.Now)
		d.Rows = append(d.Rows, row)
	}
	says := map[access.Scope]string{access.ScopeGateway: "make calls", access.ScopeEvents: "report usage",
		access.ScopeRead: "read usage and bills"}
	for _, s := range access.Scopes() {
		if s != access.ScopeAdmin && c.Who.May(s) {
			d.Scopes = append(d.Scopes, option{string(s), says[s], true})
		}
	}
	d.Manage = c.Who.MayManage(user)
	return p.show(w, c, status, page{template: "tokens", title: "Tokens", section: "/billing/tokens", data: d})
}

func tokenRowOf(t access.Token) tokenRow {
	row := tokenRow{ID: t.Public, Public: t.Public, Name: report.Visible(t.Name), Created: basis.Day(t.CreatedAt),
		Expires: "never", Used: "never"}
	var scopes []string
	for _, s := range t.Scopes {
		scopes = append(scopes, string(s))
	}
	row.Scopes = strings.Join(scopes, ", ")
	if !t.ExpiresAt.IsZero() {
		row.Expires = basis.Day(t.ExpiresAt)
	}
	if !t.LastUsedAt.IsZero() {
		row.Used = report.Time(t.LastUsedAt)
	}
	var names []string
	for _, name := range append(append(names, t.Providers...), t.Models...) {
		names = append(names, report.Visible(name))
	}
	row.Bounds = strings.Join(names, ", ")
	row.Rates = t.Rates.String()
	return row
}

// addUse adds what was used with a token, against each of its own limits.
func (p *pages) addUse(row *tokenRow, used usage.TokenUsage, now time.Time) {
	if n := used.Sum.Calls; n > 0 {
		row.Now = fmt.Sprintf("%s since %s", failure.Counted(n, "call"), basis.Day(used.Period.Start))
	}
	for _, v := range used.Limits {
		row.Meters = append(row.Meters, p.meterOf(v, usage.PeriodUsage{Period: used.Period}, now))
	}
}

func (p *pages) createToken(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return err
	}
	own := access.OwnToken{User: user, Name: strings.TrimSpace(c.PostForm.Get("name")), Expiry: c.PostForm.Get("expiry")}
	if most := strings.TrimSpace(c.PostForm.Get("calls")); most != "" {
		own.Terms.Limits, err = c.Catalogue.OwnLimits(c.Context(), c.Now, []plan.WantedLimit{{Name: "calls", Max: most}})
		if failure.Is(err, failure.Invalid) {
			return p.showTokens(w, c, http.StatusBadRequest, tokensData{Problem: web.Tell(c.Request, err).Message})
		}
		if err != nil {
			return err
		}
	}
	if own.Scopes, err = access.ParseScopes(c.PostForm["scope"]); err != nil {
		return err
	}
	if len(own.Scopes) == 0 {
		return p.showTokens(w, c, http.StatusBadRequest, tokensData{Problem: "Choose what the token may do."})
	}
	created, err := c.Access.CreateOwn(c.Context(), c.Audit("tokens create"), c.Who, own)
	if failure.Is(err, failure.Invalid) {
		return p.showTokens(w, c, http.StatusBadRequest, tokensData{Problem: web.Tell(c.Request, err).Message})
	}
	if err != nil {
		return err
	}
	return p.showTokens(w, c, http.StatusOK, tokensData{Secret: created.Secret, Name: report.Visible(created.Token.Name)})
}

func (p *pages) revokeToken(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	if _, err := c.Access.RevokeOwn(c.Context(), c.Audit("tokens revoke"), c.Who, user, c.PathValue("id")); err != nil {
		return err
	}
	back(w, c, "/billing/tokens", "revoked")
	return nil
}
