// Package access says who is calling and what they may: by a token of ours, by a JWT of an OpenID issuer, or by the
// session of a browser. It knows no HTTP.
package access

import (
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Scope is a kind of thing that a caller may do.
type Scope string

// The scopes.
const (
	ScopeGateway Scope = "gateway" // make calls, ask the limits, reserve and settle
	ScopeEvents  Scope = "events"  // record usage
	ScopeRead    Scope = "read"    // read what there is about the users it may name
	ScopeAdmin   Scope = "admin"   // everything, for every user
)

// Scopes returns every scope.
func Scopes() []Scope { return []Scope{ScopeGateway, ScopeEvents, ScopeRead, ScopeAdmin} }

// ParseScope reads the name of a scope; another word is an invalid failure.
func ParseScope(text string) (Scope, error) {
	names := make([]string, len(Scopes()))
	for i, s := range Scopes() {
		if names[i] = string(s); names[i] == text {
			return s, nil
		}
	}
	return "", failure.UnknownName(failure.Invalid, "scope", text, names)
}

// Identity is who is calling.
type Identity struct {
	Name      string    `json:"name"`   // in logs and the audit log: "token ask_AB12CD34EF56", "user alice"; no secret
	User      string    `json:"user"`   // whose data it may see and change; "" for one that acts for others
	Email     string    `json:"email"`  // "" where it is not known
	ActAs     bool      `json:"act_as"` // it may name any user
	Scopes    []Scope   `json:"scopes"`
	Providers []string  `json:"providers,omitempty"` // that it may call; none: all
	Models    []string  `json:"models,omitempty"`    // that it may call; none: all
	TokenID   int64     `json:"token_id"`            // 0: it is no token
	ExpiresAt time.Time `json:"-"`                   // zero: never
}

// May tells whether the identity has a scope. An admin has all.
func (i Identity) May(s Scope) bool {
	return slices.Contains(i.Scopes, s) || slices.Contains(i.Scopes, ScopeAdmin)
}

// MayActFor tells whether the identity may see and change a user's data.
func (i Identity) MayActFor(user string) bool {
	return user != "" && (user == i.User || i.ActAs || i.May(ScopeAdmin))
}

// MayCall tells whether the identity may call a model of a provider.
func (i Identity) MayCall(provider, model string) bool {
	allows := func(list []string, name string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
	}
	return allows(i.Providers, provider) && allows(i.Models, model)
}

// The reasons of this package's denied failures.
const (
	ReasonNotAuthenticated = "not_authenticated" // nobody knows who is calling
	ReasonForbidden        = "forbidden"         // it is known, and may not
	ReasonTooManyTries     = "too_many_tries"    // too many bad tries from one address
)

// NotAuthenticated is the denied failure for a caller that is not known. The message must not repeat what was sent.
func NotAuthenticated(format string, args ...any) *failure.Error {
	return failure.New(failure.Denied, format, args...).WithReason(ReasonNotAuthenticated)
}

// Forbidden is the denied failure for a caller that is known, and may not do something.
func Forbidden(format string, args ...any) *failure.Error {
	return failure.New(failure.Denied, format, args...).WithReason(ReasonForbidden)
}
