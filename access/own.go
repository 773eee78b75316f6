package access

import (
	"cmp"
	"context"
	"slices"

	"github.com/alwrity/alwrity-sub/usage"
)

// OwnToken is a token that somebody asks for, for a user that they may act for.
type OwnToken struct {
	User   string
	Name   string
	Scopes []Scope
	Expiry string // see ParseExpiry
	Terms  Terms
}

// MayManage tells whether the identity may change what stands behind a user's calls: the plan and the tokens. That
// takes more than to read, and nothing that is for some calls alone.
func (i Identity) MayManage(user string) bool {
	return i.MayActFor(user) && i.May(ScopeRead) && i.May(ScopeGateway) && len(i.Providers)+len(i.Models) == 0
}

// MustManage returns a denied failure unless the identity may manage a user.
func (i Identity) MustManage(user string) error {
	if i.MayManage(user) {
		return nil
	}
	return Forbidden("%s may read this, and change nothing: it takes the scopes read and gateway, for all calls", i.Name)
}

// CreateOwn makes a token with no more than who asks for it has. Who came with a token that has bounds of its own gets
// none: it would be a way around them.
func (s *Service) CreateOwn(ctx context.Context, audit usage.Audit, who Identity, own OwnToken) (Created, error) {
	if err := cmp.Or(who.MustManage(own.User), s.requireUnbound(ctx, who)); err != nil {
		return Created{}, err
	}
	for _, scope := range own.Scopes {
		if !who.May(scope) || scope == ScopeAdmin {
			return Created{}, Forbidden("%s may make no token with the scope %s", who.Name, scope)
		}
	}
	if len(own.Scopes) == 0 {
		own.Scopes = slices.DeleteFunc(Scopes(), func(s Scope) bool { return s == ScopeAdmin || !who.May(s) })
	}
	expires, err := ParseExpiry(own.Expiry, audit.At)
	if err != nil {
		return Created{}, err
	}
	return s.Create(ctx, audit, NewToken{Name: own.Name, User: own.User, Scopes: own.Scopes, ExpiresAt: expires,
		Terms: own.Terms})
}

// requireUnbound returns a denied failure for who came with a token that has bounds of its own.
func (s *Service) requireUnbound(ctx context.Context, who Identity) error {
	bound := false
	if who.TokenID != 0 {
		tokens, err := s.Store.Tokens(ctx, TokenQuery{Before: who.TokenID + 1, Limit: 1, Revoked: true})
		if err != nil {
			return err
		}
		bound = len(tokens) == 0 || tokens[0].ID != who.TokenID || !tokens[0].ExpiresAt.IsZero() || tokens[0].IsBound()
	}
	if bound {
		return Forbidden("%s has bounds of its own, so it makes no other tokens", who.Name).
			WithHint("sign in with a link, or with a token that never expires and has no limits")
	}
	return nil
}

// RevokeOwn is Revoke for a token that has to be of a user that the identity may manage; one of others does not exist
// for it.
func (s *Service) RevokeOwn(ctx context.Context, audit usage.Audit, who Identity, user, name string) (Token, error) {
	if err := who.MustManage(user); err != nil {
		return Token{}, err
	}
	return s.revoke(ctx, audit, name, func(t Token) error {
		if user == "" || t.User != user {
			return unknownToken(name)
		}
		return nil
	})
}
