package v1_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// call is an event of a priced model.
func call(id, user, more string) string {
	return fmt.Sprintf(`{"id":%q,"user_id":%q,"provider":"gemini","model":"gemini-2.5-flash","input_tokens":1000,`+
		`"output_tokens":100%s}`, id, user, more)
}

// result is what is answered for an event.
type result struct {
	ID, Status, Cost string
	Error            *struct{ Code, Message, Reason string }
	Decision         *struct{ Allowed bool }
	ResetsAt         string `json:"resets_at"`
}

func decode[T any](f *servertest.Fixture, answer servertest.Answer) T {
	f.Helper()
	var to T
	if err := json.Unmarshal([]byte(answer.Text), &to); err != nil {
		f.Fatalf("%s: %s", err, answer.Text)
	}
	return to
}

func statuses(results []result) string {
	var all []string
	for _, r := range results {
		all = append(all, r.Status)
	}
	return strings.Join(all, " ")
}

func TestEventsOnce(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		app := f.Token("", access.ScopeEvents)
		for _, tt := range []struct {
			name, body, status string
			code               int
		}{
			{"new", call("a", "ann", ""), "recorded", 200},
			{"again", call("a", "ann", ""), "duplicate", 200},
			{"other content", call("a", "ann", `,"images":1`), "", 409},
			{"no id", `{"user":"ann","provider":"gemini","model":"gemini-2.5-flash","input_tokens":5,"output_tokens":0}`,
				"recorded", 200},
			{"what is money and not known", call("b", "ann", `,"price_usd":3`), "", 400},
			{"no user", `{"provider":"gemini"}`, "", 400},
			{"no provider", `{"user_id":"ann"}`, "", 400},
			{"no JSON", `{`, "", 400},
			{"nothing", ``, "", 400},
		} {
			answer := f.Ask("POST", "/v1/events", app, tt.body)
			if r := decode[result](f, answer); answer.StatusCode != tt.code || r.Status != tt.status {
				t.Errorf("%s: %s %s", tt.name, answer.Status, answer.Text)
			}
		}
	})
}

func TestEventLists(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		app := f.Token("", access.ScopeEvents)
		cloud := func(id, subject, data string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/chat","type":"call","subject":%q,`+
				`"time":"2026-11-20T10:00:00Z","datacontenttype":"application/json","traceparent":"00-1","data":%s}`,
				id, subject, data)
		}
		data := `{"provider":"openai","model":"gpt-4o","usage":{"prompt_tokens":10,"completion_tokens":2}}`
		for _, tt := range []struct {
			name, kind, path, body, statuses string
		}{
			{"array", "application/json", "", "[" + call("a", "ann", "") + "," + call("a", "ann", "") + "," +
				call("a", "bob", "") + `,{"user_id":"x"},17,` + call("b", "bob", "") + "]",
				"recorded duplicate conflict rejected rejected recorded"},
			{"lines", "application/x-ndjson", "", call("c", "ann", "") + "\n\n" + "{\n" + call("d", "cy", "") + "\r\n",
				"recorded rejected recorded"},
			{"lines, packed by who calls them JSON", "application/x-ndjson; charset=utf-8", "?strict",
				call("c", "ann", "") + "\n" + call("e", "ann", `,"vendor":"x"`), "duplicate recorded"},
			{"cloud", "application/cloudevents-batch+json", "", "[" + cloud("1", "ann", data) + "," +
				cloud("1", "ann", data) + "," + cloud("2", "", data) + "," + cloud("3", "ann", `[]`) + "]",
				"recorded duplicate rejected rejected"},
			{"unknown users", "application/json", "?known_user=true", "[" + call("f", "nobody", "") + "," +
				call("g", "ann", "") + "]", "rejected recorded"},
			{"empty", "application/json", "", "[]", ""},
			{"unpriced and strict", "application/json", "?strict=true",
				`[{"id":"h","user_id":"ann","provider":"openai","model":"never-heard-of","requests":1}]`, "rejected"},
			{"to come", "application/json", "?allow_future=1", "[" + call("i", "ann", `,"time":"2026-12-24"`) + "]", "recorded"},
		} {
			answer := f.Ask("POST", "/v1/events"+tt.path, app, tt.body, "Content-Type: "+tt.kind)
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s %s", tt.name, answer.Status, answer.Text)
			} else if got := statuses(decode[[]result](f, answer)); got != tt.statuses {
				t.Errorf("%s: %s: %s", tt.name, got, answer.Text)
			}
		}
		answer := f.Ask("POST", "/v1/events", app, cloud("4", "ann", data), "Content-Type: application/cloudevents+json")
		if r := decode[result](f, answer); r.ID != "/chat|4" || r.Cost != "0.000045" {
			t.Errorf("a CloudEvent alone: %s", answer.Text)
		}
	})
}

func TestEventsThatALimitRefuses(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		app := f.Token("", access.ScopeEvents)
		video := `{"id":"v%d","user_id":"ann","provider":"video","model":"wan-2.5","requests":1,"seconds":5}`
		list := make([]string, 40)
		for i := range list {
			list[i] = fmt.Sprintf(video, i)
		}
		answer := f.Ask("POST", "/v1/events?enforce", app, "["+strings.Join(list, ",")+"]")
		results := decode[[]result](f, answer)
		last := results[len(results)-1]
		if last.Status != "denied" || last.Decision == nil || last.Error.Code != "denied" {
			t.Errorf("the last of many videos: %s", answer.Text)
		}
		answer = f.Ask("POST", "/v1/events?enforce", app, fmt.Sprintf(video, 99))
		one := decode[result](f, answer)
		if answer.StatusCode != http.StatusTooManyRequests || one.Decision == nil || one.Decision.Allowed ||
			answer.Header.Get("X-Should-Retry") != "false" || answer.Header.Get("Retry-After") != "" ||
			answer.Header.Get("X-Alwrity-Resets-At") != one.ResetsAt {
			t.Errorf("one video too many: %s %v %s", answer.Status, answer.Header, answer.Text)
		}
	})
}

func TestWhoseEvents(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	ann := f.Token("ann")
	list := decode[[]result](f, f.Ask("POST", "/v1/events", ann, "["+call("a", "", "")+","+call("b", "ann", "")+","+
		call("c", "bob", "")+"]"))
	if got := statuses(list); got != "recorded recorded denied" {
		t.Errorf("what ann may report: %s", got)
	}
	if answer := f.Ask("POST", "/v1/events", ann, call("c", "bob", "")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("an event of bob by ann: %s %s", answer.Status, answer.Text)
	}
	narrow := f.TokenOf(access.NewToken{Name: "narrow", User: "ann", Providers: []string{"openai"}})
	if answer := f.Ask("POST", "/v1/events", narrow, call("d", "ann", "")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a provider that the token may not call: %s %s", answer.Status, answer.Text)
	}
	if answer := f.Ask("POST", "/v1/limits/check", narrow, call("d", "ann", "")); answer.StatusCode != 403 {
		t.Errorf("the same asked before: %s %s", answer.Status, answer.Text)
	}
}

func TestReservations(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		ann, bob, app := f.Token("ann"), f.Token("bob"), f.Token("")
		body := `{"id":"r1","provider":"gemini","model":"gemini-2.5-flash","input_tokens":100,"output_tokens":50,"ttl":"10m"}`
		taken := f.Ask("POST", "/v1/reservations", ann, body)
		if taken.StatusCode != 200 || !strings.Contains(taken.Text, `"expires_at":"2026-11-23T10:40:00Z"`) {
			t.Fatalf("reserve: %s %s", taken.Status, taken.Text)
		}
		for _, tt := range []struct {
			name, method, path, token, body string
			status                          int
		}{
			{"the same again", "POST", "/v1/reservations", ann, body, 200},
			{"another's list", "GET", "/v1/reservations?user=ann", bob, "", 403},
			{"another settles it", "POST", "/v1/reservations/r1/settle", bob, `{"input_tokens":1}`, 404},
			{"another gives it back", "DELETE", "/v1/reservations/r1", bob, "", 404},
			{"a wrong ttl", "POST", "/v1/reservations", ann, strings.Replace(body, `"10m"`, `1e300`, 1), 400},
			{"another wrong ttl", "POST", "/v1/reservations", ann, strings.Replace(body, `"10m"`, `{}`, 1), 400},
			{"none of that name", "POST", "/v1/reservations/none/settle", app, `{"input_tokens":1}`, 404},
			{"settle", "POST", "/v1/reservations/r1/settle", ann, `{"input_tokens":90,"output_tokens":12}`, 200},
			{"settle again", "POST", "/v1/reservations/r1/settle", ann, `{"input_tokens":90,"output_tokens":12}`, 200},
			{"settle with other content", "POST", "/v1/reservations/r1/settle", ann, `{"input_tokens":91}`, 409},
			{"give back what is settled", "DELETE", "/v1/reservations/r1", ann, "", 409},
		} {
			if answer := f.Ask(tt.method, tt.path, tt.token, tt.body); answer.StatusCode != tt.status {
				t.Errorf("%s: %s %s", tt.name, answer.Status, answer.Text)
			}
		}
		for i := range 3 {
			f.Ask("POST", "/v1/reservations", app, fmt.Sprintf(`{"id":"p%d","user":"cy","provider":"exa"}`, i))
			f.Wait(time.Second)
		}
		first := f.Ask("GET", "/v1/reservations?limit=2", app, "")
		next := first.Header.Get("Link")
		if len(decode[[]result](f, first)) != 2 || !strings.HasSuffix(next, `>; rel="next"`) {
			t.Fatalf("the first page: %s %s", next, first.Text)
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(next, "<"), ">")
		if rest := decode[[]result](f, f.Ask("GET", path, app, "")); len(rest) != 1 || rest[0].ID != "p2" {
			t.Errorf("the next page: %v", rest)
		}
	})
}

func TestWaitingHelpsWhereOthersHold(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	app := f.Token("")
	var refused servertest.Answer
	for i := range 500 {
		refused = f.Ask("POST", "/v1/reservations", app, fmt.Sprintf(`{"id":"r%d","user":"ann","provider":"exa"}`, i))
		if refused.StatusCode != http.StatusOK {
			break
		}
	}
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "2" ||
		refused.Header.Get("X-Should-Retry") != "true" {
		t.Errorf("refused for what others hold: %s %v %s", refused.Status, refused.Header, refused.Text)
	}
}
