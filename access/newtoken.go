package access

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// mostNames is how many providers or models a token may name.
const mostNames = 100

// token checks what is asked for.
func (n NewToken) token(now time.Time) (Token, error) {
	scopes := slices.Clone(n.Scopes)
	if len(scopes) == 0 {
		scopes = []Scope{ScopeGateway, ScopeEvents, ScopeRead}
	}
	slices.SortFunc(scopes, func(a, b Scope) int {
		return cmp.Compare(slices.Index(Scopes(), a), slices.Index(Scopes(), b))
	})
	t := Token{Name: n.Name, User: n.User, ActAs: n.ActAs, Scopes: slices.Compact(scopes),
		Providers: slices.Clone(n.Providers), Models: slices.Clone(n.Models), CreatedAt: now, ExpiresAt: n.ExpiresAt,
		Limits: n.Terms.Limits, Rates: n.Terms.Rates}
	if n.User == "" && !n.ActAs && !slices.Contains(scopes, ScopeAdmin) {
		return t, failure.Invalidf("the token is for no user: give it one, or let it act for any").
			WithReason("token_without_user")
	}
	if !n.ExpiresAt.IsZero() && (!n.ExpiresAt.After(now) || !plan.ValidTime(n.ExpiresAt)) {
		return t, failure.Invalidf("the token would expire at %s: that must lie ahead", n.ExpiresAt.Format(time.RFC3339))
	}
	if n.User != "" {
		if err := usage.ValidateUser(n.User); err != nil {
			return t, err
		}
	}
	return t, cmp.Or(n.Terms.validate(), usage.ValidateLabel("name", n.Name),
		validateNames("provider", t.Providers, pricing.ValidateName),
		validateNames("model", t.Models, func(_, name string) error { return usage.ValidateModel(name) }))
}

func validateNames(field string, names []string, validate func(field, name string) error) error {
	if len(names) > mostNames {
		return failure.Invalidf("%d %ss: a token names at most %d", len(names), field, mostNames)
	}
	for _, name := range names {
		if err := validate(field, name); err != nil {
			return err
		}
	}
	return nil
}

// ParseScopes reads the names of scopes.
func ParseScopes(names []string) ([]Scope, error) {
	var scopes []Scope
	for _, name := range names {
		s, err := ParseScope(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, s)
	}
	return scopes, nil
}

// ParseExpiry reads when a token ends: a time, or how long after now, in days or as Go writes durations. "" is never,
// the zero time.
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	at, err := usage.ParseTime("expires", text)
	if err != nil {
		return at, failure.Invalidf("expires is %q: it must be how long, such as 90d or 12h, or a time, such as 2027-01-31",
			failure.Shorten(text))
	}
	return at, nil
}
