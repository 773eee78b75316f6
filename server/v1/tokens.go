package v1

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// tokens lists tokens, the newest first, and never their secrets.
func tokens(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := access.TokenQuery{User: q.Text("user"), Before: q.Key("after"), Limit: q.Page(), Revoked: q.Bool("revoked")}
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Access.List(c.Context(), wanted)
	if err != nil {
		return err
	}
	if found.More {
		c.Next(w, strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	used, err := c.Usage.TokenUsages(c.Context(), c.Now, access.IDs(found.Rows))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Tokens(found.Rows, used))
}

// createToken makes a token. The answer is the only place where its secret is.
func createToken(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Name      string   `json:"name"`
		User      string   `json:"user"`
		ActAs     bool     `json:"act_as"`
		Scopes    []string `json:"scopes"`
		Providers []string `json:"providers"`
		Models    []string `json:"models"`
		Expires   string   `json:"expires"`
		tokenTerms
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	wanted := access.NewToken{Name: body.Name, User: body.User, ActAs: body.ActAs, Models: body.Models}
	for _, p := range body.Providers {
		wanted.Providers = append(wanted.Providers, strings.ToLower(p))
	}
	var err error
	if wanted.Scopes, err = access.ParseScopes(body.Scopes); err != nil {
		return err
	}
	if wanted.ExpiresAt, err = access.ParseExpiry(body.Expires, c.Now); err != nil {
		return err
	}
	change, err := body.tokenTerms.change(c)
	if err != nil {
		return err
	}
	wanted.Terms = change(access.Terms{})
	made, err := c.Access.Create(c.Context(), c.Audit("tokens create"), wanted)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.TokenCreated(made))
}

// tokenTerms are the limits and rates of a body. What it does not have stays as it is.
type tokenTerms struct {
	Limits            *[]wantedLimit  `json:"limits"`
	RequestsPerMinute json.RawMessage `json:"requests_per_minute"`
	TokensPerMinute   json.RawMessage `json:"tokens_per_minute"`
	ParallelCalls     json.RawMessage `json:"parallel_calls"`
}

// wantedLimit is a limit as lists of tokens have it: Max is a count, or dollars as text.
type wantedLimit struct {
	Name   string          `json:"name"`
	Max    json.RawMessage `json:"max"`
	Action plan.Action     `json:"action"`
	Meter  plan.Meter      `json:"meter"`
	plan.Scope
}

// plain is a number or text of JSON as plan files write it; null is unlimited.
func plain(value json.RawMessage) string {
	var text string
	switch err := json.Unmarshal(value, &text); {
	case string(value) == "null":
		return "unlimited"
	case err == nil:
		return text
	}
	return string(value)
}

// change returns what makes other terms of those that are there.
func (t *tokenTerms) change(c *web.Call) (change func(access.Terms) access.Terms, err error) {
	var wanted []plan.WantedLimit
	if t.Limits != nil {
		for _, l := range *t.Limits {
			wanted = append(wanted, plan.WantedLimit{Name: l.Name, Max: plain(l.Max), Action: l.Action, Meter: l.Meter,
				Providers: l.Providers, Vendors: l.Vendors})
		}
	}
	limits, err := c.Catalogue.OwnLimits(c.Context(), c.Now, wanted)
	if err != nil {
		return nil, err
	}
	var rates plan.Rates
	texts := []json.RawMessage{t.RequestsPerMinute, t.TokensPerMinute, t.ParallelCalls}
	to := func(r *plan.Rates) []*int64 {
		return []*int64{&r.RequestsPerMinute, &r.TokensPerMinute, &r.ParallelCalls}
	}
	for i, rate := range rates.List() {
		if *to(&rates)[i], err = plan.ParseRate(rate.Name, plain(texts[i])); err != nil {
			return nil, err
		}
	}
	return func(now access.Terms) access.Terms {
		if t.Limits != nil {
			now.Limits = limits
		}
		for i := range texts {
			if texts[i] != nil {
				*to(&now.Rates)[i] = *to(&rates)[i]
			}
		}
		return now
	}, nil
}

// changeToken gives a token other limits and rates. What the body does not have stays; limits are all that it has then.
func changeToken(w http.ResponseWriter, c *web.Call) error {
	var body tokenTerms
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	change, err := body.change(c)
	if err != nil {
		return err
	}
	changed, err := c.Access.Change(c.Context(), c.Audit("tokens change"), c.PathValue("token"),
		func(now access.Terms) (access.Terms, error) { return change(now), nil })
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.TokenChanged(changed))
}

// revokeToken ends a token.
func revokeToken(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	revoked, err := c.Access.Revoke(c.Context(), c.Audit("tokens revoke"), c.PathValue("token"))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.TokenRevoked(revoked))
}

// usualKeep is how long the secret before a rotation is valid, where nobody says otherwise.
const usualKeep = 10 * time.Minute

// rotateToken gives a token another secret, which is in the answer alone.
func rotateToken(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Keep string `json:"keep"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadOptionalJSON(&body)); err != nil {
		return err
	}
	keep := usualKeep
	if body.Keep != "" {
		var err error
		if keep, err = time.ParseDuration(body.Keep); err != nil {
			return failure.Invalidf("keep is %q: it must be a time such as 10m or 1h", failure.Shorten(body.Keep))
		}
	}
	made, err := c.Access.Rotate(c.Context(), c.Audit("tokens rotate"), c.PathValue("token"), keep)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.TokenRotated(made))
}
