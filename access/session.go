package access

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// SessionLength is how long a browser stays signed in.
const SessionLength = 12 * time.Hour

// LinkLength is how long one may sign in by a link.
const LinkLength = 15 * time.Minute

// Session is a browser that is signed in, as it is stored.
type Session struct {
	Identity  Identity // its ExpiresAt is that of the session
	CreatedAt time.Time
}

// SignedIn is a session with its secret, which is for a cookie and nowhere else.
type SignedIn struct {
	Secret   string
	Identity Identity // until its ExpiresAt
}

// SignIn begins a session with a token. Bad tries from an address are counted: see Tries.
func (s *Service) SignIn(ctx context.Context, credential, address string, now time.Time) (SignedIn, error) {
	return s.signIn(ctx, address, now, func() (Identity, error) {
		if !isToken(credential) {
			return Identity{}, NotAuthenticated("that is no token: it begins with %s", tokenPrefix)
		}
		return s.byToken(ctx, credential, now)
	})
}

// SignInByLink begins a session with the secret of a link, which is used up by that.
func (s *Service) SignInByLink(ctx context.Context, secret, address string, now time.Time) (SignedIn, error) {
	return s.signIn(ctx, address, now, func() (Identity, error) {
		gone := NotAuthenticated("the link is not valid any more: it works once, within %d minutes",
			int(LinkLength.Minutes()))
		if !isSecret(secret) {
			return Identity{}, gone
		}
		who, expiresAt, found, err := s.Store.TakeLink(ctx, hashOf(secret))
		if err == nil && (!found || !now.Before(expiresAt)) {
			err = gone
		}
		return who, err
	})
}

func (s *Service) signIn(
	ctx context.Context, address string, now time.Time, identify func() (Identity, error),
) (SignedIn, error) {
	if err := s.CheckTries(ctx, address, now); err != nil {
		return SignedIn{}, err
	}
	who, err := identify()
	if err != nil {
		return SignedIn{}, s.counted(ctx, address, now, err)
	}
	ends := now.Add(SessionLength)
	if !who.ExpiresAt.IsZero() && who.ExpiresAt.Before(ends) {
		ends = who.ExpiresAt
	}
	who.ExpiresAt = ends
	secret := randomText(secretLength)
	if err := s.Store.AddSession(ctx, hashOf(secret), Session{Identity: who, CreatedAt: now}); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Secret: secret, Identity: who}, nil
}

// Session returns who is signed in with a session's secret. One that has ended, or whose token was revoked, is a denied
// failure with the reason not_authenticated.
func (s *Service) Session(ctx context.Context, secret string, now time.Time) (Identity, error) {
	none := NotAuthenticated("you are not signed in, or not any more")
	if !isSecret(secret) {
		if s.Disabled {
			return s.development(), nil
		}
		return Identity{}, none
	}
	hash := hashOf(secret)
	who, found, err := s.sessions.get(hash, now, func() (Identity, time.Time, bool, error) {
		session, found, err := s.Store.SessionOf(ctx, hash)
		return session.Identity, session.Identity.ExpiresAt, found, err
	})
	if err == nil && !found {
		err = none
	}
	if err != nil {
		return Identity{}, err
	}
	return who, nil
}

// SignOut ends a session, if it is there.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	if !isSecret(secret) {
		return nil
	}
	defer s.sessions.forget()
	return s.Store.RemoveSession(ctx, hashOf(secret))
}

// isSecret tells whether a text has the form of the secret of a session or a link.
func isSecret(text string) bool { return len(text) == secretLength && isBase62(text) }

// Link is a link with which one may sign in once.
type Link struct {
	Secret    string
	User      string
	Admin     bool
	ExpiresAt time.Time
}

// CreateLink makes a link for a user, an admin, or a user who is one.
func (s *Service) CreateLink(ctx context.Context, audit usage.Audit, user string, admin bool) (Link, error) {
	who := userIdentity(user)
	switch {
	case user != "":
		if err := usage.ValidateUser(user); err != nil {
			return Link{}, err
		}
	case !admin:
		return Link{}, failure.Invalidf("the link is for nobody: name a user, or make it an admin's")
	default:
		who = Identity{Name: "operator " + audit.Actor}
	}
	if admin {
		who.Scopes = append(who.Scopes, ScopeAdmin)
	}
	link := Link{Secret: randomText(secretLength), User: user, Admin: admin, ExpiresAt: audit.At.Add(LinkLength)}
	return link, s.Store.AddLink(ctx, audit, hashOf(link.Secret), who, link.ExpiresAt)
}
