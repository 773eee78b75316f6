package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Token is an API token, without its secret.
type Token struct {
	ID         int64
	Public     string // the part of its newest secret that lists and logs show: ask_AB12CD34EF56
	Name       string // what people call it; may be empty
	User       string // "" for one that acts for others
	ActAs      bool
	Scopes     []Scope
	Providers  []string     // none: all
	Models     []string     // none: all
	Limits     []plan.Limit // of its own, judged beside those of the plan
	Rates      plan.Rates   // of its own
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: it is not
	LastUsedAt time.Time // to the minute; zero: never
}

// Identity is who calls with the token.
func (t Token) Identity() Identity {
	return Identity{
		Name: "token " + t.Public, User: t.User, ActAs: t.ActAs, Scopes: t.Scopes, Providers: t.Providers, Models: t.Models,
		TokenID: t.ID, ExpiresAt: t.ExpiresAt,
	}
}

// Terms are the token as decisions about calls see it.
func (t Token) Terms() usage.TokenTerms {
	terms := usage.TokenTerms{ID: t.ID, Public: t.Public, User: t.User, Limits: t.Limits, Rates: t.Rates}
	if t.ActAs || slices.Contains(t.Scopes, ScopeAdmin) {
		terms.User = ""
	}
	return terms
}

// IsBound tells whether the token has limits or rates of its own.
func (t Token) IsBound() bool { return len(t.Limits) > 0 || t.Rates != (plan.Rates{}) }

// errEnded says that a credential was good once: who shows it guesses nothing.
var errEnded = errors.New("it has ended")

// refusal says why a token is not taken at a moment; nil: it is.
func (t Token) refusal(now time.Time) error {
	switch {
	case !t.RevokedAt.IsZero():
		return NotAuthenticated("the token was revoked").Because(errEnded)
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return NotAuthenticated("the token has expired").Because(errEnded)
	}
	return nil
}

// Secret is one secret of a token, as it is stored: a token that was rotated may have more than one for a while.
type Secret struct {
	Public     string    // ask_AB12CD34EF56
	Hash       string    // SHA-256 of the whole, in hexadecimal
	ValidUntil time.Time // zero: as long as the token
}

// A token is ask_<12 public>_<32 secret>, in base62: 190 bits that nobody knows.
const (
	tokenPrefix  = "ask_"
	publicLength = 12
	secretLength = 32
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newSecret makes a token, and what is stored of it.
func newSecret() (token string, stored Secret) {
	public := tokenPrefix + randomText(publicLength)
	token = public + "_" + randomText(secretLength)
	return token, Secret{Public: public, Hash: hashOf(token)}
}

// randomText returns so many random characters of base62, each as likely as the others.
func randomText(n int) string {
	text := make([]byte, 0, n)
	for random := make([]byte, 2*n); len(text) < n; {
		_, _ = rand.Read(random) // it never fails
		for _, b := range random {
			if b < 4*byte(len(base62)) && len(text) < n {
				text = append(text, base62[int(b)%len(base62)])
			}
		}
	}
	return string(text)
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// isToken tells whether a credential has the form of a token.
func isToken(credential string) bool {
	public, ok := PublicPart(credential)
	return ok && len(credential) == len(public)+1+secretLength
}

// PublicPart returns the part of a token that may be shown, of the whole token or of that part alone.
func PublicPart(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		return "", false
	}
	public, secret, whole := strings.Cut(rest, "_")
	if len(public) != publicLength || !isBase62(public) || whole && (len(secret) != secretLength || !isBase62(secret)) {
		return "", false
	}
	return tokenPrefix + public, true
}

func isBase62(text string) bool { return strings.Trim(text, base62) == "" }

// unknownToken is the failure for a token that a command names.
func unknownToken(text string) error {
	if strings.HasPrefix(text, tokenPrefix) { // whoever pastes a token, or most of one, does not see its secret again
		text = text[:min(len(text), len(tokenPrefix)+publicLength)]
	}
	return failure.NotFoundf("there is no token %q", failure.Shorten(text)).WithReason("unknown_token")
}

// IDs returns the ids of tokens.
func IDs(tokens []Token) []int64 {
	ids := make([]int64, len(tokens))
	for i, t := range tokens {
		ids[i] = t.ID
	}
	return ids
}
