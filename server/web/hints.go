package web

import (
	"regexp"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// hints are what a program, and who writes it, is told to do about a failure, by its reason. {name} stands for the
// argument of that name.
//
//nolint:gochecknoglobals // read-only
var hints = map[string]string{
	"limit_exceeded":          "every limit and when it is reset: GET /v1/users/{user}/limits",
	"rate_limited":            "wait as long as Retry-After says",
	"too_many_parallel_calls": "settle or release what has ended: GET /v1/reservations?user={user}",
	"token_limit_exceeded":    "the token has limits of its own: GET /v1/users/{user}/limits with it",
	"not_in_token":            "the token does not include it, whatever the plan does",
	"not_in_plan":             "what the plan includes: GET /v1/users/{user}/limits",
	"unknown_user":            "list them: GET /v1/users",
	"unpriced":                "set a price: POST /v1/prices; then rate the calls again: alwrity-sub pricing rerate",
}

var argument = regexp.MustCompile(`\{[a-z_]+\}`)

// Hint returns what can be done about a failure, "" where nothing is known.
func Hint(f *failure.Error) string {
	if f.Hint != "" {
		return f.Hint
	}
	return argument.ReplaceAllStringFunc(hints[f.Reason], func(name string) string {
		for _, arg := range f.Args {
			if arg.Name == strings.Trim(name, "{}") {
				return arg.Value
			}
		}
		return "…"
	})
}
