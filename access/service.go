package access

import (
	"context"
	"crypto/subtle"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Service knows callers. Its fields are set before its first use; many may use it at once.
type Service struct {
	Store  Store
	Issuer *Issuer // nil: JWTs are not taken
	Tries  Tries   // nil: bad tries are counted in memory
	// Disabled takes everybody without a token of ours for DevelopmentUser: see CheckListen.
	Disabled bool

	tokens   kept[Token]
	sessions kept[Identity]
	used     lastUsed
	ownTries memoryTries
}

// longestCredential is more than any token or JWT in use has, in bytes.
const longestCredential = 16 << 10

// Authenticate returns who is calling with a credential: a token, or a JWT of the issuer. One that is not known, or not
// any more, is a denied failure with the reason not_authenticated, and costs as many queries as one that is known.
// Where the keys of the issuer can't be had, it is an unavailable failure.
func (s *Service) Authenticate(ctx context.Context, credential string, now time.Time) (Identity, error) {
	switch {
	case s.Disabled && !strings.HasPrefix(credential, tokenPrefix):
		return s.development(), nil
	case credential == "":
		return Identity{}, NotAuthenticated("a token is missing")
	case len(credential) > longestCredential:
		return Identity{}, NotAuthenticated("the token is too long")
	case isToken(credential):
		return s.byToken(ctx, credential, now)
	case s.Issuer != nil && strings.Count(credential, ".") == 2:
		return s.Issuer.identify(ctx, credential, now)
	}
	return Identity{}, NotAuthenticated("the token is not known")
}

func (s *Service) byToken(ctx context.Context, credential string, now time.Time) (Identity, error) {
	hash := hashOf(credential)
	t, found, err := s.tokens.get(hash, now, func() (Token, time.Time, bool, error) {
		public, _ := PublicPart(credential)
		t, stored, _, err := s.Store.TokenOf(ctx, public)
		// A comparison with nothing takes as long as one with a secret.
		same := subtle.ConstantTimeCompare([]byte(hash), []byte(stored.Hash)) == 1
		return t, stored.ValidUntil, same, err
	})
	if err != nil {
		return Identity{}, err
	}
	if !found {
		return Identity{}, NotAuthenticated("the token is not known")
	}
	if err := t.refusal(now); err != nil {
		return Identity{}, err
	}
	s.used.note(t.ID, now, t.LastUsedAt)
	return t.Identity(), nil
}

// NewToken is what somebody asks for.
type NewToken struct {
	Name      string
	User      string
	ActAs     bool
	Scopes    []Scope // none: all but admin
	Providers []string
	Models    []string
	ExpiresAt time.Time // zero: never
	Terms     Terms     // its own limits and rates
}

// Created is a token with its secret, which is nowhere else.
type Created struct {
	Token     Token
	Secret    string    // the whole of it
	KeptUntil time.Time // after a rotation: how long the secret before it is valid
	NewUser   bool      // nobody has heard of its user before
}

// Create makes a token.
func (s *Service) Create(ctx context.Context, audit usage.Audit, n NewToken) (Created, error) {
	t, err := n.token(audit.At)
	if err != nil {
		return Created{}, err
	}
	secret, stored := newSecret()
	t.Public = stored.Public
	id, known, err := s.Store.AddToken(ctx, audit, t, stored)
	if err != nil {
		return Created{}, err
	}
	t.ID = id
	s.tokens.forget()
	return Created{Token: t, Secret: secret, NewUser: t.User != "" && !known}, nil
}

// Change gives a token other limits and rates, which fn makes of those that it has. They hold everywhere within a
// second. A token that has ended is a conflict failure.
func (s *Service) Change(
	ctx context.Context, audit usage.Audit, name string, fn func(Terms) (Terms, error),
) (changed Token, err error) {
	err = s.change(ctx, audit, name, func(t Token) (TokenChange, error) {
		if t.refusal(audit.At) != nil {
			return TokenChange{}, failure.Conflictf("the token %s has ended", t.Public)
		}
		terms, err := fn(Terms{t.Limits, t.Rates})
		if err == nil {
			err = terms.validate()
		}
		changed = t
		changed.Limits, changed.Rates = terms.Limits, terms.Rates
		return TokenChange{Terms: &terms}, err
	})
	return changed, err
}

// List returns a page of tokens, newest first.
func (s *Service) List(ctx context.Context, q TokenQuery) (usage.Page[Token], error) {
	return usage.NewPage(q.Limit, func(limit int) ([]Token, error) {
		q.Limit = limit
		return s.Store.Tokens(ctx, q)
	})
}

// Revoke ends a token, by its id or its public part. One that was revoked before is a conflict failure.
func (s *Service) Revoke(ctx context.Context, audit usage.Audit, name string) (Token, error) {
	return s.revoke(ctx, audit, name, func(Token) error { return nil })
}

func (s *Service) revoke(
	ctx context.Context, audit usage.Audit, name string, may func(Token) error,
) (revoked Token, err error) {
	err = s.change(ctx, audit, name, func(t Token) (TokenChange, error) {
		if err := may(t); err != nil {
			return TokenChange{}, err
		}
		if !t.RevokedAt.IsZero() {
			return TokenChange{}, failure.Conflictf("the token %s was revoked before", t.Public)
		}
		revoked = t
		revoked.RevokedAt = audit.At
		return TokenChange{RevokedAt: audit.At}, nil
	})
	return revoked, err
}

// LongestKeep is how long a secret may go on after a rotation, at most.
const LongestKeep = 30 * 24 * time.Hour

// Rotate gives a token another secret. Those before it are valid for so long, if they are at all. A token that has
// ended is a conflict failure.
func (s *Service) Rotate(ctx context.Context, audit usage.Audit, name string, keep time.Duration) (Created, error) {
	if keep < 0 || keep > LongestKeep {
		return Created{}, failure.Invalidf("keep is %s: it must be from 0 to %d days", keep, LongestKeep/(24*time.Hour))
	}
	secret, stored := newSecret()
	made := Created{Secret: secret, KeptUntil: audit.At.Add(keep)}
	err := s.change(ctx, audit, name, func(t Token) (TokenChange, error) {
		if t.refusal(audit.At) != nil {
			return TokenChange{}, failure.Conflictf("the token %s has ended: it gets no other secret", t.Public).
				WithReason("token_ended")
		}
		made.Token = t
		made.Token.Public = stored.Public
		return TokenChange{Add: &stored, KeepUntil: made.KeptUntil}, nil
	})
	return made, err
}

// change changes the token that a person names.
func (s *Service) change(
	ctx context.Context, audit usage.Audit, name string, fn func(Token) (TokenChange, error),
) error {
	id, err := s.idOf(ctx, name)
	if err != nil {
		return err
	}
	defer s.tokens.forget()
	defer s.sessions.forget()
	return s.Store.ChangeToken(ctx, audit, id, fn)
}

// Find returns the token that a person names: by its id, its public part, the whole of it, or the name that one token
// alone has which was not revoked.
func (s *Service) Find(ctx context.Context, name string) (Token, error) {
	id, err := s.idOf(ctx, name)
	if err == nil {
		found, err := s.Store.Tokens(ctx, TokenQuery{Before: id + 1, Limit: 1, Revoked: true})
		if err == nil && (len(found) == 0 || found[0].ID != id) {
			err = unknownToken(name)
		}
		if err != nil {
			return Token{}, err
		}
		return found[0], nil
	}
	if !failure.Is(err, failure.NotFound) || name == "" {
		return Token{}, err
	}
	called, findErr := s.Store.Tokens(ctx, TokenQuery{Name: name, Limit: 2})
	switch {
	case findErr != nil:
		return Token{}, findErr
	case len(called) == 0:
		return Token{}, err
	case len(called) > 1:
		return Token{}, failure.Invalidf("several tokens are called %q", failure.Shorten(name)).WithReason("several_tokens")
	}
	return called[0], nil
}

// CallWith returns the token that a person names for a call of a user, "" for the token's own, and whose call that
// is. A token that has ended, or may not make the call, is a denied failure. An empty provider is one that is not known
// yet.
func (s *Service) CallWith(
	ctx context.Context, now time.Time, name, user, provider, model string,
) (token int64, of string, err error) {
	t, err := s.Find(ctx, name)
	if err != nil {
		return 0, "", err
	}
	if err := t.refusal(now); err != nil {
		return 0, "", err
	}
	who := t.Identity()
	if user == "" {
		user = t.User
	}
	switch {
	case user == "":
		return 0, "", failure.Invalidf("the token %s acts for others: name the user", t.Public)
	case !who.MayActFor(user):
		return 0, "", Forbidden("access denied: %s may not act for %s", who.Name, failure.Shorten(user))
	case provider != "" && !who.MayCall(provider, model):
		return 0, "", Forbidden("%s may not call %s %q", who.Name, failure.Shorten(provider), failure.Shorten(model))
	}
	return t.ID, user, nil
}

func (s *Service) idOf(ctx context.Context, name string) (int64, error) {
	if public, ok := PublicPart(name); ok {
		t, _, found, err := s.Store.TokenOf(ctx, public)
		if err == nil && !found {
			err = unknownToken(name)
		}
		return t.ID, err
	}
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil || id < 1 {
		return 0, unknownToken(name)
	}
	return id, nil
}
