package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// applyFree makes the default plan the only one, with some more lines.
func applyFree(f *servertest.Fixture, lines string) {
	f.Helper()
	file := catalogue.File{Name: "plans.yaml", Text: []byte("plans:\n  - name: Free\n    tier: free\n" + lines)}
	diffs, err := f.Catalogue.DiffPlans(f.Context(), f.Now(), file)
	f.Must(err)
	audit := usage.Audit{At: f.Now(), Actor: "test", Action: "plans apply"}
	f.Must(f.Catalogue.ApplyPlans(f.Context(), audit, file, diffs))
}

func callOf(user string, tokens int64) usage.Call {
	return usage.Call{UserID: user, Provider: "gemini", Model: "gemini-2.5-flash",
		Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: tokens}}
}

func TestCallsThatComeTooFast(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		applyFree(f, "    requests_per_minute: 3\n")
		want := func(what string, d usage.Decision, err error, wait time.Duration) {
			t.Helper()
			f.Must(err)
			if d.Allowed != (wait == 0) || d.RetryAfter != wait ||
				wait > 0 && (d.Reason != usage.RateLimited || d.Limit != "requests_per_minute" || d.Plan.Name != "Free") {
				t.Errorf("%s: %+v", what, d.Verdict)
			}
		}
		d, err := f.Usage.Check(f.Context(), f.Now(), callOf("ann", 5))
		want("the first", d, err, 0)
		d, err = f.Usage.Reserve(f.Context(), f.Now(), callOf("ann", 5), "r1", time.Minute)
		want("the second", d, err, 0)
		event := usage.Event{UserID: "ann", Provider: "gemini", Model: "gemini-2.5-flash",
			Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200}
		_, err = f.Usage.Record(f.Context(), f.Now(), event, usage.RecordOptions{Enforce: true})
		f.Must(err)
		d, err = f.Usage.Check(f.Context(), f.Now(), callOf("ann", 5))
		want("the fourth", d, err, 20*time.Second)
		d, err = f.Usage.Check(f.Context(), f.Now(), callOf("bob", 5))
		want("another user's", d, err, 0)
		o, err := f.Usage.Record(f.Context(), f.Now(), event, usage.RecordOptions{Enforce: true})
		if !failure.Is(err, failure.Denied) || o.Refusal == nil || usage.RetryAfter(err) != 20*time.Second {
			t.Errorf("the fifth: %+v, %v", o, err)
		}
		// What was made is recorded and settled all the same.
		_, err = f.Usage.Record(f.Context(), f.Now(), event, usage.RecordOptions{})
		f.Must(err)
		_, err = f.Usage.Record(f.Context(), f.Now(), usage.Event{StatusCode: 200,
			Quantities: pricing.Quantities{pricing.Requests: 1}}, usage.RecordOptions{Reservation: "r1"})
		f.Must(err)
		f.Wait(20*time.Second - time.Microsecond)
		d, err = f.Usage.Check(f.Context(), f.Now(), callOf("ann", 5))
		want("a microsecond early", d, err, time.Microsecond)
		f.Wait(time.Microsecond)
		d, err = f.Usage.Check(f.Context(), f.Now(), callOf("ann", 5))
		want("in time", d, err, 0)

		answer := httptest.NewRecorder()
		_, err = f.Usage.Record(f.Context(), f.Now(), event, usage.RecordOptions{Enforce: true})
		web.Fail(answer, httptest.NewRequest("POST", "/", nil), err)
		if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "20" ||
			answer.Header().Get("X-Should-Retry") != "true" ||
			!strings.Contains(answer.Body.String(), `"code":"rate_limit_exceeded"`) {
			t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
		}
		token := f.Token("ann", access.ScopeGateway)
		for _, path := range []string{"/v1/limits/check", "/v1/reservations"} {
			answer := f.Ask("POST", path, token, `{"provider":"gemini"}`, "Content-Type: application/json")
			for _, part := range []string{`"reason":"rate_limited"`, `"retry_after":20`, `"plan":"Free"`} {
				if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "20" ||
					!strings.Contains(answer.Text, part) {
					t.Errorf("%s: %s %v %s", path, answer.Status, answer.Header, answer.Text)
				}
			}
		}
		applyFree(f, "    requests_per_minute: unlimited\n")
		f.Wait(time.Second)
		d, err = f.Usage.Check(f.Context(), f.Now(), callOf("ann", 5))
		want("without rates", d, err, 0)
	})
}

// Tokens are taken as estimated, and corrected when it is known what was used.
func TestTokensAMinute(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		applyFree(f, "    tokens_per_minute: 1000\n    limits: {few: {max: 1, meter: calls, providers: [exa]}}\n")
		room := func(what string, tokens int64, passes bool) {
			t.Helper()
			d, err := f.Usage.Reserve(f.Context(), f.Now(), callOf("ann", tokens), "", time.Hour)
			f.Must(err)
			if d.Allowed != passes || !passes && d.Reason != usage.RateLimited {
				t.Errorf("%s: %+v", what, d.Verdict)
			}
			if d.Allowed { // and given back, so that asking changes nothing
				_, err = f.Usage.Release(f.Context(), f.Now(), d.Reservation.ID)
				f.Must(err)
			}
		}
		reserve := func(id string, tokens int64) {
			t.Helper()
			d, err := f.Usage.Reserve(f.Context(), f.Now(), callOf("ann", tokens), id, time.Hour)
			f.Must(err)
			if !d.Allowed {
				t.Errorf("%s: %+v", id, d.Verdict)
			}
			f.Wait(time.Microsecond)
		}
		settle := func(id string, tokens int64, status int) {
			t.Helper()
			_, err := f.Usage.Record(f.Context(), f.Now(), usage.Event{StatusCode: status,
				Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: tokens}},
				usage.RecordOptions{Reservation: id})
			f.Must(err)
		}
		room("more than there ever is", 1001, false)
		room("all", 1000, true)
		reserve("r1", 800)
		room("what is left", 200, true)
		room("too much", 201, false)
		settle("r1", 300, 200)
		room("what was not used", 700, true)
		room("more than that", 701, false)
		reserve("r2", 700)
		settle("r2", 700, 500)
		room("of a call that failed", 700, true)
		reserve("r3", 100)
		settle("r3", 900, 200)
		room("of one that used more", 1, false)
		f.Wait(12 * time.Second)
		room("after that", 1, false)
		f.Wait(time.Second)
		room("in time", 1, true)
		// What is refused, or was reserved before, takes none.
		f.Wait(time.Minute)
		reserve("r4", 600)
		d, err := f.Usage.Reserve(f.Context(), f.Now(), callOf("ann", 400), "r4", time.Hour)
		if !failure.Is(err, failure.Conflict) {
			t.Errorf("another call under its id: %+v, %v", d, err)
		}
		exa := callOf("ann", 400)
		exa.Provider, exa.Model, exa.Quantities[pricing.Requests] = "exa", "", 2
		if d, err := f.Usage.Check(f.Context(), f.Now(), exa); err != nil || d.Reason != usage.LimitExceeded {
			t.Errorf("beyond a limit: %+v, %v", d.Verdict, err)
		}
		room("what neither of them has taken", 400, true)
	})
}
