package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// boundToken makes a token of a user, or with "" for everybody, with terms of its own.
func boundToken(f *servertest.Fixture, user string, terms access.Terms) access.Created {
	f.Helper()
	made, err := f.Access.Create(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "tokens create"},
		access.NewToken{User: user, ActAs: user == "", Terms: terms})
	f.Must(err)
	return made
}

func TestLimitsOfTokens(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		made := boundToken(f, "ann", access.Terms{Limits: []plan.Limit{
			{Name: "calls", Meter: plan.Calls, Max: 2, Action: plan.Block}}})
		post := func(path, body string, status int, parts ...string) {
			t.Helper()
			answer := f.Ask("POST", path, made.Secret, body, "Content-Type: application/json")
			for _, part := range parts {
				if answer.StatusCode != status || !strings.Contains(answer.Text, part) {
					t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
				}
			}
		}
		const call = `{"provider":"gemini","model":"gemini-2.5-flash"}`
		post("/v1/limits/check", call, 200, `"token":"`+made.Token.Public+`"`)
		post("/v1/events", `{"id":"a","provider":"gemini","model":"gemini-2.5-flash"}`, 200, `"recorded"`)
		post("/v1/reservations", `{"id":"r","provider":"gemini","model":"gemini-2.5-flash"}`, 200, `"allowed":true`)
		post("/v1/limits/check", call, 429, `"token_limit_exceeded"`, `"retry_after":2`)
		post("/v1/reservations/r/settle", `{"input_tokens":1}`, 200, `"recorded"`)
		refused := []string{`"reason":"token_limit_exceeded"`, `"resets_at":"2026-12-01T00:00:00Z"`,
			"calls of the token " + made.Token.Public + " is used up"}
		post("/v1/limits/check", call, 429, refused...)
		post("/v1/reservations", call, 429, refused...)
		post("/v1/events?enforce", `{"id":"b","provider":"gemini","model":"gemini-2.5-flash"}`, 429, refused...)
		post("/v1/events?enforce", `[{"id":"b","provider":"gemini","model":"gemini-2.5-flash"}]`, 200, `"denied"`)
		post("/v1/limits/explain", call, 200, "limit calls of the token "+made.Token.Public)
		answer := f.Ask("GET", "/v1/users/ann/limits", made.Secret, "")
		if !strings.Contains(answer.Text, `"token":"`+made.Token.Public+`"`) {
			t.Errorf("the limits: %s", answer.Text)
		}
		if answer := f.Ask("POST", "/v1/limits/check", f.Token("ann"), call); answer.StatusCode != http.StatusOK ||
			strings.Contains(answer.Text, made.Token.Public) {
			t.Errorf("another token: %s %s", answer.Status, answer.Text)
		}

		// Another server hears of a change within a second.
		other := f.Beside(nil)
		admin := f.Token("", access.ScopeAdmin)
		answer = f.Ask("PATCH", "/v1/tokens/"+made.Token.Public, admin, `{"limits":[{"name":"calls","max":3}]}`)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s %s", answer.Status, answer.Text)
		}
		if answer := other.Ask("POST", "/v1/limits/check", made.Secret, call); answer.StatusCode != http.StatusOK {
			t.Errorf("after a change: %s %s", answer.Status, answer.Text)
		}

		// Who has bounds makes nobody without.
		who, err := f.Access.Authenticate(f.Context(), made.Secret, f.Now())
		f.Must(err)
		_, err = f.Access.CreateOwn(f.Context(), usage.Audit{At: f.Now(), Actor: "test"}, who, access.OwnToken{User: "ann"})
		if !failure.Is(err, failure.Denied) {
			t.Errorf("a token of a bound one: %v", err)
		}
	})
}

// A call is taken from the rates of its user and of its token, or from neither.
func TestRatesOfTokens(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		applyFree(f, "    requests_per_minute: 3\n")
		slow := boundToken(f, "ann", access.Terms{Rates: plan.Rates{RequestsPerMinute: 1, TokensPerMinute: 1000}}).Token
		shared := boundToken(f, "", access.Terms{Rates: plan.Rates{RequestsPerMinute: 2}}).Token
		check := func(what, user string, token access.Token, tokens int64, refuses string) {
			t.Helper()
			call := callOf(user, tokens)
			call.TokenID = token.ID
			d, err := f.Usage.Check(f.Context(), f.Now(), call)
			f.Must(err)
			f.Wait(time.Microsecond)
			if d.Allowed != (refuses == "") || !d.Allowed && (d.Reason != usage.RateLimited || d.Token != refuses &&
				refuses != "plan" || d.Plan.Name != "Free" || d.RetryAfter == 0 && tokens < 1000) {
				t.Errorf("%s: %+v", what, d.Verdict)
			}
		}
		check("more tokens than there ever are", "ann", slow, 2000, slow.Public)
		check("the first", "ann", slow, 5, "")
		check("the second with it", "ann", slow, 5, slow.Public)
		check("without it", "ann", access.Token{}, 5, "")
		check("without it, again: what was refused took nothing of hers", "ann", access.Token{}, 5, "")
		check("the fourth", "ann", access.Token{}, 5, "plan")
		check("one for everybody, of her", "ann", shared, 5, "plan")
		check("one for everybody", "bob", shared, 5, "")
		check("one for everybody, again: what was refused took nothing of it", "carol", shared, 5, "")
		check("one for everybody, at last", "dan", shared, 5, shared.Public)
	})
}

// What a reservation with a token has not used of its tokens a minute is given back to the token.
func TestTokensAMinuteOfTokens(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		token := boundToken(f, "", access.Terms{Rates: plan.Rates{TokensPerMinute: 1000}}).Token
		reserve := func(id string, tokens int64, passes bool) {
			t.Helper()
			call := callOf("ann", tokens)
			call.TokenID = token.ID
			d, err := f.Usage.Reserve(f.Context(), f.Now(), call, id, time.Hour)
			f.Must(err)
			f.Wait(time.Microsecond)
			if d.Allowed != passes || !passes && d.Token != token.Public {
				t.Errorf("%s: %+v", id, d.Verdict)
			}
		}
		reserve("r1", 800, true)
		reserve("r2", 300, false)
		_, err := f.Usage.Record(f.Context(), f.Now(), usage.Event{StatusCode: 200, Quantities: callOf("", 100).Quantities},
			usage.RecordOptions{Reservation: "r1"})
		f.Must(err)
		reserve("r3", 900, true)
		_, err = f.Usage.Release(f.Context(), f.Now(), "r3")
		f.Must(err)
		reserve("r4", 901, false)
		reserve("r5", 900, true)
	})
}
