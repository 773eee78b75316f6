package report

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// tokenFields is a token without its secret, with what was used with it in its running period; nil where that is not
// asked.
func tokenFields(t access.Token, used *usage.TokenUsage) fields {
	all := fields{
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
		{"limits", "LIMITS", tokenLimits(t, used)},
		{"rates", "RATES", shown(rates(t.Rates), text(t.Rates.String()))},
	}
	if used != nil {
		all = append(all, field{"used", "", jsonOnly(fields{{"period", "", used.Period}, {"calls", "", used.Sum.Calls},
			{"tokens", "", used.Sum.Tokens()}, {"cost", "", used.Sum.Cost}})})
	}
	return all
}

// tokenLimits are a token's limits, with what is used of each where that is known.
func tokenLimits(t access.Token, used *usage.TokenUsage) value {
	var texts []string
	if used != nil {
		for _, v := range used.Limits {
			texts = append(texts, v.Limit.Name+" "+v.Limit.Amount(v.Used)+"/"+v.Limit.MaxText()+warns(v.Limit))
		}
		return jsonOnly(shown(limitRows(used.Limits), text(strings.Join(texts, ", "))))
	}
	for _, l := range t.Limits {
		texts = append(texts, l.Name+" "+l.MaxText()+warns(l))
	}
	return jsonOnly(shown(rowsOf(t.Limits, func(l plan.Limit) fields {
		return fields{{"name", "", l.Name}, {"meter", "", l.Meter}, {"scope", "", scope(l.Scope)}, {"max", "", maximum(l)},
			{"action", "", l.Action}}
	}), text(strings.Join(texts, ", "))))
}

func warns(l plan.Limit) string {
	if l.Action == plan.Warn {
		return " (warns)"
	}
	return ""
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

// Tokens shows a list of tokens, with what was used with each, by its id.
func Tokens(tokens []access.Token, used map[int64]usage.TokenUsage) Document {
	columns := "id public name user_id scopes created_at expires_at revoked_at last_used_at"
	if slices.ContainsFunc(tokens, func(t access.Token) bool { return len(t.Limits) > 0 }) {
		columns += " limits"
	}
	if slices.ContainsFunc(tokens, func(t access.Token) bool { return t.Rates != plan.Rates{} }) {
		columns += " rates"
	}
	return rowsOf(tokens, func(t access.Token) fields {
		of := used[t.ID]
		return tokenFields(t, &of)
	}).document(columns, "no tokens")
}

// TokenChanged shows a token whose limits or rates have changed.
func TokenChanged(t access.Token) Document {
	return tokenFields(t, nil).document(func(text *Text) { text.facts(tokenFacts(t)) })
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
	of := tokenFields(c.Token, nil)
	return append(fields{of[0], {"token", "", c.Secret}}, of[1:]...)
}

func tokenFacts(t access.Token) fields {
	of := tokenFields(t, nil)
	facts := of.pick("id name")
	for _, f := range of {
		switch f.title {
		case "ACTS FOR", "SCOPES", "PROVIDERS", "MODELS", "EXPIRES":
			facts = append(facts, f)
		case "LIMITS":
			if len(t.Limits) > 0 {
				facts = append(facts, f)
			}
		case "RATES":
			if t.Rates != (plan.Rates{}) {
				facts = append(facts, f)
			}
		}
	}
	return facts
}

// TokenRevoked says which token was revoked.
func TokenRevoked(t access.Token) Document {
	return tokenFields(t, nil).says("the token %s is revoked", t.Public)
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
