package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

func TestWhatNoRouteAnswers(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	for _, tt := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/v1/nothing", http.StatusNotFound, "not_found", ""},
		{"POST", "/v1/plans", http.StatusMethodNotAllowed, "invalid", "GET, HEAD"},
		{"GET", "/v1/users/ann/usage", http.StatusUnauthorized, "denied", ""},
	} {
		answer := f.Ask(tt.method, tt.path, "", "")
		var body struct {
			Error struct{ Code, Message string }
		}
		f.Must(json.Unmarshal([]byte(answer.Text), &body))
		if answer.StatusCode != tt.status || body.Error.Code != tt.code || answer.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, answer.Status, answer.Text)
		}
	}
}

// TestNothingForBrowsers shows a page where there is none, with a way out for who is signed in and who is not.
func TestNothingForBrowsers(t *testing.T) {
	f := servertest.New(t, dbtest.SQLite(t))
	for _, accept := range []string{"text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "application/json"} {
		answer := f.Ask("GET", "/no/such/page", "", "", "Accept: "+accept)
		isPage := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") && answer.Header.Get(
			"Content-Security-Policy") != ""
		if answer.StatusCode != http.StatusNotFound || isPage != strings.Contains(accept, "html") {
			t.Errorf("%s: %s %s", accept, answer.Status, answer.Header.Get("Content-Type"))
		}
	}
}

func TestWhoMayAsk(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		_, err := f.Usage.Record(t.Context(), f.Now(), usage.Event{UserID: "ann", Provider: "gemini",
			Model: "gemini-2.5-flash", Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200},
			usage.RecordOptions{})
		f.Must(err)
		ann, bob, app := f.Token("ann"), f.Token("bob"), f.Token("", access.ScopeRead)
		reporter := f.Token("ann", access.ScopeEvents)
		for _, tt := range []struct {
			name, token string
			status      int
		}{
			{"nobody", "", 401}, {"a token that is none", "ask_nonsense", 401}, {"the user", ann, 200},
			{"another user", bob, 403}, {"one who acts for others", app, 200}, {"one who may only report", reporter, 403},
		} {
			if answer := f.Ask("GET", "/v1/users/ann/usage", tt.token, ""); answer.StatusCode != tt.status {
				t.Errorf("%s: %s %s", tt.name, answer.Status, answer.Text)
			}
		}
	})
}

func TestRequestIDs(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	if id := f.Ask("GET", "/healthz", "", "", "X-Request-Id: mine-7").Header.Get("X-Request-Id"); id != "mine-7" {
		t.Errorf("the caller's id became %q", id)
	}
	if id := f.Ask("GET", "/healthz", "", "", "X-Request-Id: a b<").Header.Get("X-Request-Id"); len(id) != 36 {
		t.Errorf("an id that can't be logged became %q", id)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	for name, tt := range map[string]struct {
		body    string
		headers []string
	}{
		"no gzip":          {"hello", []string{"Content-Encoding: gzip"}},
		"another encoding": {"hello", []string{"Content-Encoding: br"}},
	} {
		if answer := f.Ask("POST", "/v1/plans", "", tt.body, tt.headers...); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
}

func TestOriginsOfPages(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Origins = []string{"https://app.example.com"}
	})
	ask := func(origin string) http.Header {
		return f.Ask("OPTIONS", "/v1/plans", "", "", "Origin: "+origin, "Access-Control-Request-Method: GET").Header
	}
	if h := ask("https://app.example.com"); h.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("a page of a known origin may not call: %v", h)
	}
	if h := ask("https://evil.example.com"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a page of an unknown origin may call: %v", h)
	}
}

func TestForwardedAddresses(t *testing.T) {
	var log bytes.Buffer
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	f.Services.Log = slog.New(slog.NewTextHandler(&log, nil))
	for forwarded, want := range map[string]string{
		"203.0.113.7":                    "from=203.0.113.7",
		"6.6.6.6, 203.0.113.7, 10.1.1.1": "from=203.0.113.7", // what is before a stranger, the stranger has made up
		"nonsense":                       "from=127.0.0.1",
	} {
		log.Reset()
		f.Ask("GET", "/healthz", "", "", "X-Forwarded-For: "+forwarded)
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: %s", forwarded, log.String())
		}
	}
}

func TestDrain(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	s := server.New(f.Services, server.Options{Drain: time.Minute, Ping: func(context.Context) error { return nil }})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.Must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, listener) }()
	response, err := http.Get("http://" + listener.Addr().String() + "/readyz")
	f.Must(err)
	f.Must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s", response.Status)
	}
	stop()
	f.Must(<-ended)
}

func TestNotReady(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Ping = func(context.Context) error { return errors.New("away") }
	})
	if answer := f.Ask("GET", "/readyz", "", ""); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz: %s", answer.Status)
	}
}

// A request that goes on and on is cut off when its time is up, and that is no failure.
func TestDrainIsBounded(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	s := server.New(f.Services, server.Options{Drain: time.Millisecond, Ping: func(context.Context) error { return nil }})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.Must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, listener) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	f.Must(err)
	defer c.Close()
	_, err = c.Write([]byte("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + f.Token("ann") +
		"\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"))
	f.Must(err)
	_, err = c.Read(make([]byte, 1)) // it reads the body
	f.Must(err)
	stop()
	f.Must(<-ended)
}
