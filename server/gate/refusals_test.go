package gate_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
)

// A refusal has the form that the vendor's own client reads, and the header that keeps it from trying again.
func TestRefusals(t *testing.T) {
	const gpt, claude = `{"model":"gpt-4o","messages":[]}`, `{"model":"claude-3.5-sonnet","max_tokens":9,"messages":[]}`
	onEach(t, func(t *testing.T, f *fixture) {
		free := f.Token("freya", access.ScopeGateway)
		f.subscribe("sue", "pro")
		_, err := f.Billing.Suspend(t.Context(), f.Audit("users suspend"), "sue")
		f.Must(err)
		suspended := f.Token("sue", access.ScopeGateway)
		bound := f.TokenOf(access.NewToken{Name: "bound", User: "alice", Scopes: []access.Scope{access.ScopeGateway},
			Models: []string{"gpt-4o-mini"}})
		for _, c := range []struct {
			name, path, token, body string
			status                  int
			says                    string
			retry                   string // X-Should-Retry
		}{
			{"a limit", "/v1/chat/completions", free, gpt, 429, `"code":"insufficient_quota"`, "false"},
			{"a limit at Anthropic", "/anthropic/v1/messages", free, claude, 429,
				`{"type":"error","error":{"type":"rate_limit_error"`, "false"},
			{"a subscription", "/v1/chat/completions", suspended, gpt, 402, `"type":"insufficient_quota"`, "false"},
			{"a subscription at Gemini", "/v1beta/models/gemini-2.5-flash:generateContent", suspended, `{"contents":[]}`,
				402, `"status":"PERMISSION_DENIED"`, "false"},
			{"no such token", "/v1/chat/completions", "ask_AB12CD34EF56_0123456789abcdef0123456789abcdef", gpt, 401,
				`"code":"invalid_api_key"`, "false"},
			{"no token", "/anthropic/v1/messages", "", claude, 401, `"type":"authentication_error"`, "false"},
			{"no such scope", "/v1/chat/completions", f.Token("alice", access.ScopeRead), gpt, 403, "scope gateway", "false"},
			{"another model", "/v1/chat/completions", bound, gpt, 403, "model_not_allowed", "false"},
			{"nobody named", "/v1/chat/completions", f.Token("", access.ScopeGateway), gpt, 400, "X-Alwrity-User", ""},
			{"not metered", "/openai/v1/files", bound, gpt, 404, `"code":"not_metered"`, ""},
			{"not metered at Gemini", "/v1beta/cachedContents", bound, gpt, 404, `"status":"NOT_FOUND"`, ""},
			{"no JSON", "/v1/chat/completions", f.Token("alice", access.ScopeGateway), "{", 400, `"param":null`, ""},
		} {
			answer := f.call(c.path, c.token, c.body)
			if answer.StatusCode != c.status || !strings.Contains(answer.Text, c.says) ||
				answer.Header.Get("X-Should-Retry") != c.retry || answer.Header.Get("Retry-After") != "" ||
				strings.Contains(answer.Text, "0123456789abcdef") {
				t.Errorf("%s: %d %v %s", c.name, answer.StatusCode, answer.Header, answer.Text)
			}
		}
		if n := len(f.vendor.Calls()); n != 0 {
			t.Errorf("the vendor got %d calls", n)
		}
		if rows := f.logged(0); len(rows) != 0 {
			t.Errorf("%+v", rows)
		}
	})
}

// 50 callers at the last 10 calls of a limit: 10 get an answer, and 10 are recorded.
func TestManyCallersAtOnceAtALimit(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("taylor", access.ScopeGateway) // free: 10 searches with Tavily
		var passed atomic.Int64
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if f.call("/tavily/search", token, `{"query":"q"}`).StatusCode == http.StatusOK {
					passed.Add(1)
				}
			})
		}
		callers.Wait()
		if n := len(f.logged(10)); n != 10 || passed.Load() != 10 || len(f.vendor.Calls()) != 10 {
			t.Errorf("%d pass, %d are recorded, the vendor got %d", passed.Load(), n, len(f.vendor.Calls()))
		}
		f.nothingIsHeld()
	})
}

// A second call under the same key is never made, whether the first one runs or is over.
func TestIdempotencyKeys(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		alice, other := f.Token("alice", access.ScopeGateway), f.Token("alice", access.ScopeGateway)
		key := "Idempotency-Key: order 7"
		for i, c := range []struct {
			token string
			want  int
		}{{alice, 200}, {alice, 409}, {other, 200}} {
			answer := f.call("/v1/chat/completions", c.token, chat(""), key)
			if answer.StatusCode != c.want || c.want == 409 && answer.Header.Get("X-Should-Retry") != "false" {
				t.Errorf("call %d: %d %v %s", i, answer.StatusCode, answer.Header, answer.Text)
			}
		}
		var running sync.WaitGroup
		statuses := make(chan int, 5)
		f.vendor.Always(vendortest.Behaviour{Slow: 100 * time.Millisecond})
		for range 5 {
			running.Go(func() {
				statuses <- f.call("/v1/chat/completions", alice, chat(""), "Idempotency-Key: order 8").StatusCode
			})
		}
		running.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[409] != 4 || len(f.vendor.Calls()) != 3 {
			t.Errorf("%v, %d calls", count, len(f.vendor.Calls()))
		}
	})
}

// Nothing of who calls goes to the vendor, and nothing of whose account it is comes back.
func TestSecretsAndHeaders(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		f.vendor.Always(vendortest.Behaviour{Headers: map[string]string{"Set-Cookie": "a=b", "Openai-Organization": "org-us",
			"X-Ratelimit-Remaining-Tokens": "7", "X-Request-Id": "vendors", "Openai-Processing-Ms": "3"}})
		answer := f.call("/v1/chat/completions?key="+token+"&user=1", token, chat(""), "Cookie: c=d", "X-Api-Key: "+token,
			"X-Forwarded-For: 10.9.8.7", "X-Alwrity-User: alice", "Openai-Organization: org-theirs", "Referer: http://in.side/",
			"OpenAI-Beta: x=1", "User-Agent: OpenAI/Python")
		sent := f.vendor.Calls()[0]
		all := fmt.Sprint(sent.Header, sent.Query)
		for _, secret := range []string{token, "c=d", "10.9.8.7", "alice", "org-theirs", "in.side", "Python"} {
			if strings.Contains(all, secret) {
				t.Errorf("the vendor is told %q: %s", secret, all)
			}
		}
		if sent.Query != "user=1" || sent.Header.Get("Openai-Beta") != "x=1" || sent.Header.Get("Traceparent") == "" ||
			sent.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("the vendor gets %s", all)
		}
		back := answer.Header
		if back.Get("Set-Cookie")+back.Get("Openai-Organization") != "" || back.Get("X-Request-Id") == "vendors" ||
			back.Get("X-Ratelimit-Remaining-Tokens") != "7" || back.Get("X-Alwrity-Upstream-Request-Id") != "vendors" ||
			back.Get("Openai-Processing-Ms") != "3" {
			t.Errorf("%v", back)
		}
	})
}

// An upstream whose name leads to this machine is not called, unless its entry says that it may.
func TestPrivateAddresses(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t), func(o *gateway.Options) {
		for _, up := range o.Upstreams.Upstreams {
			up.Private = false
			up.URL.Host = strings.Replace(up.URL.Host, "127.0.0.1", "localhost", 1)
		}
	})
	answer := f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(""))
	if row := f.logged(1)[0]; answer.StatusCode != 502 || len(f.vendor.Calls()) != 0 ||
		!strings.Contains(row.ErrorMessage, "a private one") || row.RetryCount != 0 {
		t.Errorf("%d %s %+v", answer.StatusCode, answer.Text, row)
	}
}

// While a vendor says nothing, a comment keeps the line busy; it stands between events.
func TestQuietStreams(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t), func(o *gateway.Options) { o.KeepAlive = 50 * time.Millisecond })
	f.vendor.Next(vendortest.Behaviour{SilentFrom: 3, Silence: 300 * time.Millisecond, Pieces: 7})
	answer := f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(`,"stream":true`))
	direct := strings.ReplaceAll(answer.Text, ": keep-alive\n\n", "")
	if !strings.Contains(answer.Text, "\n\n: keep-alive\n\n") || strings.Count(direct, "data: ") != 10 ||
		f.logged(1)[0].Cost.String() != "0.0001825" {
		t.Errorf("%s", answer.Text)
	}
}

// What a request and its answer may be in size.
func TestLargeBodies(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	token := f.Token("alice", access.ScopeGateway)
	huge := strings.Repeat(" ", gateway.LargestRequest+1)
	if answer := f.call("/v1/chat/completions", token, huge); answer.StatusCode != 413 {
		t.Errorf("%d %s", answer.StatusCode, answer.Text)
	}
	f.vendor.Next(vendortest.Behaviour{Text: strings.Repeat("word ", 3<<20)}) // 15 MB
	answer := f.call("/v1/chat/completions", token, chat(""))
	if row := f.logged(1)[0]; len(answer.Text) < 15<<20 || row.Cost.String() != "0.0001825" {
		t.Errorf("%d bytes, %+v", len(answer.Text), row)
	}
}

// The models of an upstream that a token may call, as the vendors' clients ask for them.
func TestModels(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	all := f.Token("alice", access.ScopeGateway)
	bound := f.TokenOf(access.NewToken{Name: "bound", User: "alice", Scopes: []access.Scope{access.ScopeGateway},
		Models: []string{"gpt-4o-mini"}})
	for path, want := range map[string]string{"/openai/v1/models": `"id":"gpt-4o-mini"`,
		"/anthropic/v1/models": `"type":"model"`, "/gemini/v1beta/models": `"name":"models/gemini-2.5-flash"`} {
		if answer := f.ask("GET", path, all, ""); answer.StatusCode != 200 || !strings.Contains(answer.Text, want) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.Text)
		}
	}
	if answer := f.ask("GET", "/openai/v1/models", bound, ""); strings.Contains(answer.Text, `"gpt-4o"`) ||
		!strings.Contains(answer.Text, `"gpt-4o-mini"`) {
		t.Errorf("%s", answer.Text)
	}
	if answer := f.ask("GET", "/openai/v1/models", "", ""); answer.StatusCode != 401 {
		t.Errorf("%d", answer.StatusCode)
	}
}

// What the sweep has recorded as unknown is recorded with its cost, once the spool of its process is replayed.
func TestSpoolsAfterTheSweep(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		u.recording.Store(true)
		f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(""))
		f.Must(f.gateway.Wait(t.Context()))
		u.recording.Store(false)
		f.Fixture.Wait(3 * time.Hour)
		_, err := f.gateway.Sweep()
		f.Must(err)
		f.gateway.Replay()
		rows, cost := f.logged(2), "0"
		for _, row := range rows {
			if row.Counts() {
				cost = row.Cost.String()
			}
		}
		if len(rows) != 2 || cost != "0.0001825" || f.gateway.Spool.Lines() != 0 {
			t.Errorf("%+v", rows)
		}
	}, breakable(u))
}
