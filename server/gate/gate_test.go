package gate_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// fixture is a server with a gateway in front of one vendor that stands for all.
type fixture struct {
	*servertest.Fixture
	vendor  *vendortest.Vendor
	gateway *gateway.Gateway
	spool   string
}

const vendorKey = "sk-vendor-key-1"

func onEach(t *testing.T, test func(t *testing.T, f *fixture), options ...func(*gateway.Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newFixture(t, dbtest.SQLite(t), options...)) })
	t.Run("postgresql", func(t *testing.T) { test(t, newFixture(t, dbtest.PostgreSQL(t), options...)) })
}

func newFixture(t *testing.T, place dbtest.Place, options ...func(*gateway.Options)) *fixture {
	t.Helper()
	f := &fixture{vendor: vendortest.New(), spool: t.TempDir()}
	f.vendor.Key = vendorKey
	t.Cleanup(f.vendor.Close)
	f.Fixture = servertest.WithGateway(t, place, func(s *servertest.Fixture) *gateway.Gateway {
		upstreams, err := gateway.Read("test.yaml", []byte(atVendor(t, f.vendor.URL)))
		s.Must(err)
		made := gateway.Options{Upstreams: upstreams, Lookup: func(string) string { return vendorKey },
			Usage: s.Usage, Store: s.DB, Book: s.Catalogue.Book, Clock: s.Services.Clock, Log: s.Services.Log,
			Spool: gateway.OpenSpool(f.spool), Version: "test", Settings: gateway.Settings{AssumedOutput: 1024}}
		for _, change := range options {
			change(&made)
		}
		f.gateway = gateway.New(made)
		return f.gateway
	}, func(o *server.Options) { o.Pages.ShowCost = true })
	t.Cleanup(func() { f.Must(f.gateway.Wait(context.WithoutCancel(t.Context()))) })
	f.subscribe("alice", "pro")
	return f
}

func (f *fixture) subscribe(user, name string) {
	f.Helper()
	_, err := f.Billing.Subscribe(f.Context(), f.Audit("users subscribe"), user,
		billing.Order{Plan: name, Cycle: plan.Monthly, AutoRenew: true})
	f.Must(err)
}

// atVendor is a file that leads every upstream to one vendor.
func atVendor(t *testing.T, url string) string {
	t.Helper()
	known, err := gateway.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	text := "upstreams:\n"
	for _, up := range known.Upstreams {
		text += "  - {name: " + up.Name + ", url: " + url + ", private: true}\n"
	}
	return text
}

// call makes a call as a vendor's client does.
func (f *fixture) call(path, token, body string, headers ...string) servertest.Answer {
	f.Helper()
	return f.ask(http.MethodPost, path, token, body, headers...)
}

func (f *fixture) ask(method, path, token, body string, headers ...string) servertest.Answer {
	f.Helper()
	request, err := http.NewRequestWithContext(f.Context(), method, f.URL+path, strings.NewReader(body))
	f.Must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	f.Must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		f.Logf("the answer broke off: %s", err)
	}
	return servertest.Answer{Response: response, Text: string(text)}
}

// logged waits until so many events are recorded, and returns them, the oldest first.
func (f *fixture) logged(n int) []usage.Entry {
	f.Helper()
	for {
		rows, err := f.DB.Logs(f.Context(), usage.LogQuery{Limit: 1000})
		f.Must(err)
		if len(rows) >= n {
			slices.Reverse(rows)
			return rows
		}
		select {
		case <-f.Context().Done():
			f.Fatalf("%d events are recorded, not %d", len(rows), n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

const chatBody = `{"model":"gpt-4o","messages":[{"role":"user","content":"hello there"}],"max_tokens":50%s}`

func chat(more string) string { return strings.Replace(chatBody, "%s", more, 1) }

func TestAChatCallIsMeteredAndPriced(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		answer := f.call("/v1/chat/completions", token, chat(""))
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Text, `"content":"Grüße`) {
			t.Fatalf("%d %s", answer.StatusCode, answer.Text)
		}
		for name, want := range map[string]string{"X-Alwrity-Cost": "0.0001825", "X-Alwrity-Measured": "reported",
			"X-Alwrity-Tokens": "in=25,cached=5,out=12", "X-Alwrity-Overhead-Ms": "0"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s is %q, not %q", name, got, want)
			}
		}
		row := f.logged(1)[0]
		if row.ID != answer.Header.Get("X-Alwrity-Event-Id") || row.UserID != "alice" || row.Cost.String() != "0.0001825" ||
			row.StatusCode != 200 || row.Endpoint != "/v1/chat/completions" || row.Method != "POST" {
			t.Errorf("%+v", row)
		}
		held, err := f.Lists.Reservations(t.Context(), usage.ReservationQuery{Now: f.Now(), Limit: 10})
		if err != nil || len(held.Rows) != 0 {
			t.Errorf("%v are held: %v", held.Rows, err)
		}
		sent := f.vendor.Calls()[0]
		if got := sent.Header.Get("Authorization"); got != "Bearer "+vendorKey || string(sent.Body) != chat("") {
			t.Errorf("the vendor got %q %s", got, sent.Body)
		}
	})
}

func TestAStreamIsMeteredAndPriced(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		answer := f.call("/openai/v1/chat/completions", token, chat(`,"stream":true`))
		events := strings.Split(strings.TrimSuffix(answer.Text, "\n\n"), "\n\n")
		if len(events) != 10 || events[9] != "data: [DONE]" || strings.Contains(answer.Text, "prompt_tokens") {
			t.Errorf("%d events: %s", len(events), answer.Text)
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		f.Must(json.Unmarshal([]byte(strings.TrimPrefix(events[0], "data: ")), &chunk))
		if chunk.Choices[0].Delta.Content != "Grüße, " {
			t.Errorf("%+v", chunk)
		}
		if row := f.logged(1)[0]; row.Cost.String() != "0.0001825" || answer.Trailer.Get("X-Alwrity-Cost") != "0.0001825" {
			t.Errorf("%+v %v", row, answer.Trailer)
		}
		asked := f.call("/v1/chat/completions", token, chat(`,"stream":true,"stream_options":{"include_usage":true}`))
		if !strings.Contains(asked.Text, `"prompt_tokens":25`) {
			t.Errorf("who asks for usage gets none: %s", asked.Text)
		}
	})
}
