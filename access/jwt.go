package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Leeway is how far the clocks of an issuer and ours may differ.
const Leeway = 300 * time.Second

// Issuer knows the users of an OpenID issuer, or of Clerk, by the JWTs that it signs. Its fields are set before its
// first use; many may use it at once.
type Issuer struct {
	URL       string // what "iss" must be; it is where its keys are found, never what a token says
	Audience  string // what "aud" must have in it; "": any
	KeysURL   string // of its key set; "": what its discovery document says
	UserClaim string // which claim has our user; "": sub
	Admins    Admins

	mutex   sync.Mutex
	found   string // where the discovery document says that keys are
	asking  *asking
	keys    *oidc.RemoteKeySet
	keysAt  time.Time          // when they were begun
	before  *oidc.RemoteKeySet // until those have been fetched
	fetches throttle
}

// Admins says which users of an issuer are admins.
type Admins struct {
	Emails []string
	Domain string // of mail addresses; "": none
}

// ClerkIssuer returns the URL of the issuer that a publishable key of Clerk names. Another text is an invalid failure,
// which does not repeat it.
func ClerkIssuer(publishableKey string) (string, error) {
	_, encoded, ok := strings.Cut(publishableKey, "_test_")
	if !ok {
		_, encoded, ok = strings.Cut(publishableKey, "_live_")
	}
	host, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	name, isKey := strings.CutSuffix(string(host), "$")
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-."
	if !ok || !strings.HasPrefix(publishableKey, "pk_") || err != nil || !isKey || name == "" ||
		strings.Trim(strings.ToLower(name), allowed) != "" {
		return "", failure.Invalidf("it must be a publishable key of Clerk, such as pk_live_…")
	}
	return "https://" + strings.ToLower(name), nil
}

// claims are what is read of a JWT beside what go-oidc reads.
type claims struct {
	Expires   float64 `json:"exp"`
	NotBefore float64 `json:"nbf"`
	Email     string  `json:"email"`
	Verified  any     `json:"email_verified"` // nil where the issuer does not say; text at some
	Role      any     `json:"role"`
	Public    struct {
		Role any `json:"role"`
	} `json:"public_metadata"`
}

// identify returns whose a JWT is, which costs a request to the issuer only for a key that is not known yet.
func (i *Issuer) identify(ctx context.Context, token string, now time.Time) (Identity, error) {
	if !i.claimsToBeOurs(token) {
		return Identity{}, NotAuthenticated("the token is not of the issuer that is configured")
	}
	keys, err := i.keyView(ctx, now)
	if err != nil {
		return Identity{}, err
	}
	verifier := oidc.NewVerifier(i.URL, keys, &oidc.Config{
		ClientID: i.Audience, SkipClientIDCheck: i.Audience == "", SkipExpiryCheck: true, // times are checked below
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
	})
	verified, err := verifier.Verify(ctx, token)
	if keys.unavailable != nil {
		return Identity{}, failure.Unavailablef("the keys of %s can't be fetched", i.URL).Because(keys.unavailable)
	}
	if err != nil {
		return Identity{}, NotAuthenticated("the token was not signed by the issuer for this audience").Because(err)
	}
	var c claims
	all := map[string]any{}
	if err := verified.Claims(&c); err != nil {
		return Identity{}, NotAuthenticated("the token's claims can't be read").Because(err)
	}
	if err := verified.Claims(&all); err != nil {
		return Identity{}, NotAuthenticated("the token's claims can't be read").Because(err)
	}
	if err := c.checkTimes(now); err != nil {
		return Identity{}, err
	}
	return i.identity(c, all)
}

// claimsToBeOurs tells whether a JWT names the issuer. It spares the issuer questions about all others.
func (i *Issuer) claimsToBeOurs(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var said struct {
		Issuer string `json:"iss"`
	}
	return err == nil && json.Unmarshal(payload, &said) == nil && said.Issuer == i.URL
}

func (c claims) checkTimes(now time.Time) error {
	at := float64(now.UnixMicro()) / 1e6
	switch {
	case c.Expires <= 0:
		return NotAuthenticated("the token has no time at which it expires")
	case at >= c.Expires+Leeway.Seconds():
		return NotAuthenticated("the token has expired").Because(errEnded)
	case at < c.NotBefore-Leeway.Seconds():
		return NotAuthenticated("the token is not valid yet")
	}
	return nil
}

// identity is what the claims of a JWT say.
func (i *Issuer) identity(c claims, all map[string]any) (Identity, error) {
	claim := i.UserClaim
	if claim == "" {
		claim = "sub"
	}
	user, _ := all[claim].(string)
	if err := usage.ValidateUser(user); err != nil {
		return Identity{}, NotAuthenticated("the token's claim %s names no user", failure.Shorten(claim)).Because(err)
	}
	who := userIdentity(user)
	who.Email = c.Email
	who.ExpiresAt = time.Unix(int64(min(c.Expires, 1<<40)), 0).UTC()
	if c.Role == "admin" || c.Public.Role == "admin" || c.mayBeTrusted() && i.Admins.has(c.Email) {
		who.Scopes = append(who.Scopes, ScopeAdmin)
	}
	return who, nil
}

// mayBeTrusted tells whether the mail address is the user's, as far as the issuer says anything about that.
func (c claims) mayBeTrusted() bool {
	return c.Verified == nil || c.Verified == true || c.Verified == "true"
}

// userIdentity is a person who is signed in as a user.
func userIdentity(user string) Identity {
	return Identity{Name: "user " + user, User: user, Scopes: []Scope{ScopeGateway, ScopeRead}}
}

// has tells whether a mail address is that of an admin.
func (a Admins) has(email string) bool {
	_, domain, ok := strings.Cut(email, "@")
	if !ok || usage.ValidateEmail(email) != nil || strings.Contains(domain, "@") {
		return false
	}
	return slices.ContainsFunc(a.Emails, func(e string) bool { return strings.EqualFold(e, email) }) ||
		a.Domain != "" && strings.EqualFold(strings.TrimPrefix(a.Domain, "@"), domain)
}
