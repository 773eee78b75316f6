package v1

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
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
	return c.Document(w, http.StatusOK, report.Tokens(found.Rows))
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
	made, err := c.Access.Create(c.Context(), c.Audit("tokens create"), wanted)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.TokenCreated(made))
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
