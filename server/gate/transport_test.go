package gate_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
)

// inProcess is an app that calls a vendor itself, with its own key.
type inProcess struct {
	*fixture
	user string
}

// appAnswer is an answer, which is closed when the test ends.
type appAnswer struct{ *http.Response }

// send makes a call, metered or directly.
func (p inProcess) send(through http.RoundTripper, path, body string) appAnswer {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.vendor.URL+path, strings.NewReader(body))
	p.Must(err)
	request.Header.Set("Authorization", "Bearer "+vendorKey)
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: through}).Do(request)
	p.Must(err)
	p.Cleanup(func() { _ = answer.Body.Close() })
	return appAnswer{answer}
}

func (p inProcess) metered() http.RoundTripper {
	return &gateway.Transport{Gateway: p.gateway, User: func(*http.Request) string { return p.user }}
}

func (p inProcess) text(answer appAnswer) string {
	p.Helper()
	text, err := io.ReadAll(answer.Body)
	p.Must(err)
	return string(text)
}

func TestWhatAnAppSendsItselfIsMetered(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		p := inProcess{f, "alice"}
		for i, body := range []string{chat(""), chat(`,"stream":true`),
			chat(`,"stream":true,"stream_options":{"include_usage":true}`)} {
			direct := p.text(p.send(http.DefaultTransport, "/v1/chat/completions", body))
			answer := p.send(p.metered(), "/v1/chat/completions", body)
			if got := p.text(answer); got != direct || answer.StatusCode != http.StatusOK {
				t.Errorf("%s\n\tis answered with %d %s\n\tand directly with %s", body, answer.StatusCode, got, direct)
			}
			cost := answer.Header.Get("X-Alwrity-Cost") + answer.Trailer.Get("X-Alwrity-Cost")
			row := f.logged(i + 1)[i]
			if cost != "0.0001825" || row.Cost.String() != cost || row.UserID != "alice" || row.StatusCode != 200 {
				t.Errorf("it has cost %s: %+v", cost, row)
			}
		}
		for _, sent := range f.vendor.Calls() {
			if got := sent.Header.Get("Authorization"); got != "Bearer "+vendorKey {
				t.Errorf("the vendor got %q", got)
			}
		}
	})
}

func TestWhatAnAppMayNotSendIsNotSent(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.subscribe("bob", "free") // without openai
		answer := (inProcess{f, "bob"}).send((inProcess{f, "bob"}).metered(), "/v1/chat/completions", chat(""))
		if text := (inProcess{f, ""}).text(answer); answer.StatusCode != http.StatusTooManyRequests ||
			answer.Header.Get("X-Should-Retry") != "false" || !strings.Contains(text, `"code":"insufficient_quota"`) {
			t.Errorf("%d %v %s", answer.StatusCode, answer.Header, text)
		}
		p := inProcess{f, "alice"}
		if answer := p.send(p.metered(), "/v1/files", "{}"); answer.StatusCode != http.StatusNotFound {
			t.Errorf("a path that nothing meters is answered with %d %s", answer.StatusCode, p.text(answer))
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://other.example.com/v1/x", nil)
		f.Must(err)
		if answer, err := p.metered().RoundTrip(request); err == nil {
			_ = answer.Body.Close()
			t.Error("what is none of the upstreams is called")
		}
		if calls := f.vendor.Calls(); len(calls) != 0 {
			t.Errorf("%d calls were sent", len(calls))
		}
	})
}

func TestHowCallsOfAnAppEnd(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		p := inProcess{f, "alice"}
		f.vendor.Next(vendortest.Behaviour{Status: http.StatusUnauthorized, Body: `{"error":{"message":"no such key"}}`})
		answer := p.send(p.metered(), "/v1/chat/completions", chat(""))
		if text := p.text(answer); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "no such key") {
			t.Errorf("a key of the app that is not taken is told as %d %s", answer.StatusCode, text)
		}
		if row := f.logged(1)[0]; row.StatusCode != http.StatusUnauthorized || row.Cost != 0 {
			t.Errorf("%+v", row)
		}

		f.vendor.Next(vendortest.Behaviour{SilentFrom: 4}) // the app leaves in mid-stream
		answer = p.send(p.metered(), "/v1/chat/completions", chat(`,"stream":true`))
		if _, err := io.ReadFull(answer.Body, make([]byte, 50)); err != nil {
			t.Error(err)
		}
		f.Must(answer.Body.Close())
		if row := f.logged(2)[1]; row.StatusCode != 499 || row.Cost == 0 {
			t.Errorf("%+v", row)
		}

		f.vendor.Next(vendortest.Behaviour{Refuse: true}) // no answer
		answer = p.send(p.metered(), "/v1/chat/completions", chat(""))
		if text := p.text(answer); answer.StatusCode != http.StatusBadGateway {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
		ctx, stop := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer stop()
		f.Must(f.gateway.Wait(ctx))
		if rows := f.logged(3); len(rows) != 3 || rows[2].StatusCode != http.StatusBadGateway || rows[2].Cost != 0 {
			t.Errorf("%+v", rows)
		}
	})
}
