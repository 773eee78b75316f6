package v1_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/v1"
	"github.com/alwrity/alwrity-sub/server/web"
)

func gzipped(text string) string {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return packed.String()
}

func TestBadBodies(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	admin := f.TokenOf(access.NewToken{Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}})
	deep := strings.Repeat("[", 1_000_000)
	event := func(field string) string { return `{"id":"x","user_id":"ann","provider":"gemini",` + field + `}` }
	for name, body := range map[string]string{
		"a million levels": deep, "a million levels of objects": strings.Repeat(`{"a":`, 1_000_000),
		"a million levels in an event": event(`"metadata":` + deep),
		"many levels":                  event(`"metadata":` + strings.Repeat(`[`, 5_000) + strings.Repeat(`]`, 5_000)),
		"NUL in a name":                event(`"model":"a\u0000b"`), "NUL": "\x00\x00",
		"no UTF-8": event("\"model\":\"\xff\""), "half a surrogate": event(`"model":"\ud800"`),
		"a huge number":  event(`"input_tokens":1e400`),
		"a larger one":   event(`"input_tokens":` + strings.Repeat("9", 10_000)),
		"below nothing":  event(`"input_tokens":-1`),
		"a fraction":     event(`"input_tokens":1.5`),
		"a list":         event(`"input_tokens":[1]`),
		"twice":          event(`"input_tokens":1,"input_tokens":2`),
		"a strange time": event(`"time":"9999-99-99"`),
		"a late time":    event(`"time":"9000-01-01"`),
		"a status":       event(`"status_code":7`),
		"unknown money":  event(`"costs":1`),
		"a long name":    event(`"model":"` + strings.Repeat("m", 1000) + `"`),
		"two objects":    event(`"input_tokens":1`) + event(`"input_tokens":1`),
		"text":           `"hello"`, "a number": `1`, "null": `null`, "half": `{"id":`, "a comma": `[{},]`,
		"too many events": "[" + strings.Repeat("{},", 10_000) + "{}]",
		"something after": `[] []`,
	} {
		for _, path := range []string{"/v1/events", "/v1/limits/check", "/v1/reservations", "/v1/voids", "/v1/tokens",
			"/v1/users/ann/subscribe", "/v1/prices", "/v1/credits"} {
			if answer := f.Ask("POST", path, admin, body); answer.StatusCode/100 != 4 {
				t.Errorf("%s at %s: %s %.300s", name, path, answer.Status, answer.Text)
			}
		}
	}
}

func TestLargeBodies(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	token := f.Token("ann")
	blanks := strings.Repeat(" ", web.LargestBody+1)
	for name, tt := range map[string]struct {
		body    string
		headers []string
	}{
		"plain": {blanks, nil}, "packed": {gzipped(blanks), []string{"Content-Encoding: gzip"}},
		"lines": {blanks, []string{"Content-Type: application/x-ndjson"}},
	} {
		answer := f.Ask("POST", "/v1/events", token, tt.body, tt.headers...)
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s %s", name, answer.Status, answer.Text)
		}
	}
	packed := f.Ask("POST", "/v1/events", token, gzipped(call("a", "ann", "")), "Content-Encoding: gzip")
	if packed.StatusCode != http.StatusOK {
		t.Errorf("a packed event: %s %s", packed.Status, packed.Text)
	}
	many := make([]string, 10_000)
	for i := range many {
		many[i] = call(fmt.Sprint("m", i), fmt.Sprint("u", i%100), "")
	}
	answer := f.Ask("POST", "/v1/events", f.Token(""), strings.Join(many, "\n"), "Content-Type: application/x-ndjson")
	if results := decode[[]result](f, answer); len(results) != 10_000 || results[9_999].Status != "recorded" {
		t.Errorf("10,000 events: %s %.300s", answer.Status, answer.Text)
	}
}

func TestUnknownParameters(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	admin := f.TokenOf(access.NewToken{Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}})
	for _, s := range steps() {
		method, path, _ := strings.Cut(s.route, " ")
		if s.path != "" {
			path = s.path
		}
		if strings.Contains(path, "statement") || strings.HasSuffix(s.route, "?") {
			continue
		}
		path, _, _ = strings.Cut(path, "?")
		answer := f.Ask(method, path+"?no_such_parameter=1", admin, s.body)
		if answer.StatusCode != 400 && answer.StatusCode != 404 {
			t.Errorf("%s: %s", s.route, answer.Status)
		}
	}
}

// TestOtherUsers lets a token of ann name bob wherever a user can be named.
func TestOtherUsers(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	f.Ask("POST", "/v1/events", f.Token("bob"), call("b1", "bob", ""))
	f.Ask("POST", "/v1/reservations", f.Token("bob"), call("rb", "bob", ""))
	ann := f.TokenOf(access.NewToken{Name: "ann", User: "ann", Scopes: []access.Scope{access.ScopeRead,
		access.ScopeEvents, access.ScopeGateway}})
	for _, route := range v1.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		path = strings.NewReplacer("{user}", "bob", "{id}", "rb", "{number}", "1", "{token}", "1", "{name}", "pro").
			Replace(path)
		body := ""
		if method == "POST" {
			body = call("x", "bob", "")
		} else if method == "GET" {
			path += "?user=bob"
		}
		answer := f.Ask(method, path, ann, body)
		if answer.StatusCode < 400 || strings.Contains(answer.Text, `"bob"`) {
			t.Errorf("%s: %s %.300s", route.Pattern, answer.Status, answer.Text)
		}
	}
}

// TestRandomClient walks the API with good and bad input: every answer is as the document says, which Ask looks at, and
// none is a fault.
func TestRandomClient(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		tokens := []string{"", "ask_nonsense", f.Token("ann"), f.Token(""), f.Token("ann", access.ScopeRead),
			f.TokenOf(access.NewToken{Name: "admin", Scopes: []access.Scope{access.ScopeAdmin}})}
		rapid.Check(t, func(rt *rapid.T) {
			for range 10 {
				method, path, body := drawRequest(rt)
				token := tokens[rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 5, 5, 5, 3}).Draw(rt, "token")]
				kind := rapid.SampledFrom([]string{"application/json", "application/json", "application/x-ndjson",
					"application/cloudevents+json", "application/cloudevents-batch+json", "text/plain", ""}).Draw(rt, "type")
				answer := f.Ask(method, path, token, body, "Content-Type: "+kind)
				if answer.StatusCode >= 500 {
					rt.Fatalf("%s %s %s: %s %.500s", method, path, body, answer.Status, answer.Text)
				}
			}
		})
	})
}

func drawRequest(rt *rapid.T) (method, path, body string) {
	steps := steps()
	s := rapid.SampledFrom(steps).Draw(rt, "step")
	method, path, _ = strings.Cut(s.route, " ")
	if s.path != "" {
		path = s.path
	}
	values := rapid.SampledFrom([]string{"ann", "bob", "nobody", "1", "0", "-1", "a", "r1", "99999999999999999999", "%00",
		"%2F", "a%20b", "..", "x'--", "2026-11", "2026-11-20", "true", "gemini", "pdf", "day,user"})
	switch rapid.IntRange(0, 3).Draw(rt, "way") {
	case 0: // as it is
		return method, path, s.body
	case 1: // another body
		return method, path, drawJSON(rt, 3)
	case 2: // another path
		parts := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")
		parts[len(parts)-1] = values.Draw(rt, "last part")
		path = "/v1/" + strings.Join(parts, "/")
	case 3:
		path, _, _ = strings.Cut(path, "?")
		names := []string{"user", "limit", "after", "at", "from", "to", "month", "by", "provider", "model", "status",
			"format", "months", "unread", "voided", "input_tokens", "seconds", "reason", "dry_run", "enforce", "strict",
			"known_user", "top", "measured"}
		for i := range rapid.IntRange(1, 3).Draw(rt, "parameters") {
			path += "?&"[min(i, 1):][:1] + rapid.SampledFrom(names).Draw(rt, "name") + "=" + values.Draw(rt, "value")
		}
	}
	return method, path, s.body
}

// drawJSON draws a value, mostly an object with names that mean something.
func drawJSON(rt *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(rt, "kind")
	switch {
	case depth > 0 && kind < 5:
		names := rapid.SampledFrom([]string{"id", "user_id", "user", "provider", "model", "input_tokens", "output_tokens",
			"requests", "seconds", "time", "ttl", "plan", "cycle", "reason", "ids", "from", "to", "amount", "scopes", "expires",
			"email", "country", "status_code", "reported_cost", "usage", "data", "specversion", "source", "subject", "type",
			"at_period_end", "auto_renew", "keep", "input_token_cost", "force", "effective_from", "x"})
		fields := map[string]string{}
		for range rapid.IntRange(0, 5).Draw(rt, "fields") {
			fields[names.Draw(rt, "name")] = drawJSON(rt, depth-1)
		}
		var all []string
		for name, value := range fields {
			all = append(all, fmt.Sprintf("%q:%s", name, value))
		}
		return "{" + strings.Join(all, ",") + "}"
	case depth > 0 && kind == 5:
		var all []string
		for range rapid.IntRange(0, 3).Draw(rt, "elements") {
			all = append(all, drawJSON(rt, depth-1))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	return rapid.SampledFrom([]string{`"ann"`, `"gemini"`, `"gemini-2.5-flash"`, `"pro"`, `"monthly"`, `"5.00"`, `"1.0"`,
		`""`, `"2026-11-20"`, `"5m"`, `1`, `0`, `-1`, `1.5`, `1e400`, `9223372036854775808`, `true`, `null`,
		`"\u0000"`, `"a/b c"`,
		`{`, `"2.5/1M"`, `"GB"`, `["a"]`}).Draw(rt, "value")
}
