package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/access"
)

// tokenFields is a token without its secret.
func tokenFields(t access.Token) fields {
	return fields{
		{"id", "ID", id(t.ID)},
		{"public", "TOKEN", t.Public},
		{"name", "NAME", orDash(name(t.Name))},
		{"user_id", "USER", orNull(name(t.User))},
		{"act_as", "", t.ActAs},
		{"", "ACTS FOR", peopleOnly(actsFor(t))},
		{"scopes", "SCOPES", listOf(t.Scopes, func(s access.Scope) string { return string(s) })},
		{"providers", "PROVIDERS", allowed(t.Providers)},
		{"models", "MODELS", allowed(t.Models)},
		{"created_at", "CREATED", t.CreatedAt},
		{"expires_at", "EXPIRES", orNull(t.ExpiresAt)},
		{"revoked_at", "REVOKED", orNull(t.RevokedAt)},
		{"last_used_at", "LAST USED", orNull(t.LastUsedAt)},
	}
}

func actsFor(t access.Token) string {
	if t.ActAs || t.Identity().May(access.ScopeAdmin) {
		return "everybody"
	}
	return t.User
}

// allowed is a list of what a token may call, of which none stands for all.
func allowed(list []string) value {
	if len(list) == 0 {
		return shown(list, dim.of("all"))
	}
	return shown(list, text(strings.Join(list, ", ")))
}

// Tokens shows a list of tokens.
func Tokens(tokens []access.Token) Document {
	return rowsOf(tokens, tokenFields).document(
		"id public name user_id scopes created_at expires_at revoked_at last_used_at", "no tokens")
}

// TokenCreated shows a new token, the only time that its secret is seen.
func TokenCreated(c access.Created) Document {
	all := withSecret(c)
	return all.document(func(t *Text) {
		t.facts(append(fields{{"", "TOKEN", c.Secret}}, tokenFacts(c.Token)...))
		t.Note("keep the token now: it is not shown again")
	})
}

// TokenRotated shows the new secret of a token, and until when those before it are valid.
func TokenRotated(c access.Created) Document {
	kept := field{"kept_until", "OLD ONE UNTIL", c.KeptUntil}
	return append(withSecret(c), kept).document(func(t *Text) {
		t.facts(append(append(fields{{"", "TOKEN", c.Secret}}, tokenFacts(c.Token)...), kept))
		t.Note("keep the token now: it is not shown again")
	})
}

// withSecret is a token with its secret, after its id.
func withSecret(c access.Created) fields {
	of := tokenFields(c.Token)
	return append(fields{of[0], {"token", "", c.Secret}}, of[1:]...)
}

func tokenFacts(t access.Token) fields {
	of := tokenFields(t)
	facts := of.pick("id name")
	for _, f := range of {
		switch f.title {
		case "ACTS FOR", "SCOPES", "PROVIDERS", "MODELS", "EXPIRES":
			facts = append(facts, f)
		}
	}
	return facts
}

// TokenRevoked says which token was revoked.
func TokenRevoked(t access.Token) Document {
	return tokenFields(t).says("the token %s is revoked", t.Public)
}

// Link shows a link that signs a browser in: a path of the server that is found at a URL.
func Link(l access.Link, server, path string) Document {
	return fields{
		{"path", "", path},
		{"url", "", server + path},
		{"user_id", "", orNull(name(l.User))},
		{"admin", "", l.Admin},
		{"expires_at", "", l.ExpiresAt},
	}.document(func(t *Text) {
		t.Line("%s", server+path)
		t.Note("it signs one browser in, until %s", Time(l.ExpiresAt))
	})
}
