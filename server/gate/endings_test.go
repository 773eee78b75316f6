package gate_test

import (
	"bufio"
	"cmp"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
	"github.com/alwrity/alwrity-sub/usage"
)

// impatient lets vendors be silent for a moment alone.
func impatient(o *gateway.Options) {
	for _, up := range o.Upstreams.Upstreams {
		up.Timeouts.FirstByte, up.Timeouts.Idle = 300*time.Millisecond, 300*time.Millisecond
	}
}

// ending is a call as its caller and the log see it. What is not said is as with a call that goes well.
type ending struct {
	name     string
	vendor   vendortest.Behaviour
	then     *vendortest.Behaviour // the second time
	more     string                // of the request
	model    string
	answered int
	says     string // a part of the answer
	recorded int    // 0: as it is answered
	cost     string // "some": it is estimated
	message  string // a part of the event's
	retries  int64
}

// What becomes of each way in which a call can end that its caller waits for: the table of docs/gateway.md.
func TestEndings(t *testing.T) {
	type b = vendortest.Behaviour
	const stream, asked = `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`
	const usage100 = `{"error":{"message":"no"},"usage":{"prompt_tokens":100,"completion_tokens":0}}`
	all := []ending{
		{name: "usage given", says: "Grüße"},
		{name: "usage given in a stream", vendor: b{CRLF: true, Pieces: 3}, more: asked, says: "[DONE]"},
		{name: "usage in each chunk", vendor: b{Usage: "everywhere", BOM: true}, more: stream, says: "[DONE]"},
		{name: "packed by gzip", vendor: b{Gzip: true}, more: stream, says: "[DONE]"},
		{name: "no stream where one was asked for", vendor: b{AsJSON: true}, more: stream, says: `"message"`},
		{name: "usage of 0", vendor: b{Usage: "zero"}, cost: "0"},
		{name: "no usage", vendor: b{Usage: "none"}, says: "Grüße", cost: "some"},
		{name: "no usage in a stream", vendor: b{Usage: "none"}, more: stream, says: "[DONE]", cost: "some"},
		{name: "no JSON in place of a stream", vendor: b{Body: "data: {}\n\n"}, more: stream, cost: "some"},
		{name: "no price", model: "gpt-unheard-of", says: "Grüße", cost: "0"},
		{name: "refused by the vendor", vendor: b{Status: 400}, answered: 400, says: "the vendor refuses this", cost: "0",
			message: "the vendor refuses this"},
		{name: "refused with usage", vendor: b{Status: 400, Body: usage100}, answered: 400, cost: "0.00025", message: "no"},
		{name: "a fault of the vendor", vendor: b{Status: 500}, more: stream, answered: 500, cost: "0"},
		{name: "overloaded for good", vendor: b{Status: 529}, answered: 529, cost: "0"},
		{name: "overloaded for a moment", vendor: b{Status: 529, RetryAfter: "0"}, then: &b{}, says: "Grüße", retries: 1},
		{name: "overloaded twice", vendor: b{Status: 503, RetryAfter: "1"}, then: &b{Status: 503, RetryAfter: "1"},
			answered: 503, cost: "0", retries: 1},
		{name: "to wait too long", vendor: b{Status: 429, RetryAfter: "20"}, answered: 429, cost: "0"},
		{name: "our key is refused", vendor: b{Status: 401, Body: `{"error":{"message":"bad key ` + vendorKey + `"}}`},
			answered: 502, says: "does not take the key of this gateway", recorded: 401, cost: "0", message: "bad key ***"},
		{name: "a redirect", vendor: b{Location: "http://127.0.0.1:1/"}, answered: 502, says: "redirect", cost: "0"},
		{name: "the connection breaks", vendor: b{Refuse: true}, answered: 502, says: "can't be reached", cost: "0"},
		{name: "no answer", vendor: b{Hang: true}, answered: 504, says: "takes too long", cost: "0"},
		{name: "a whole breaks off", vendor: b{BreakFrom: 1, Pieces: 5}, answered: 502, says: "broke off", cost: "0"},
		{name: "a stream breaks off", vendor: b{BreakFrom: 4, Pieces: 5}, more: stream, recorded: 502, cost: "0",
			says: `{"error":{"message":"openai broke off`, message: "output tokens had come"},
		{name: "a stream falls silent", vendor: b{SilentFrom: 4}, more: stream, says: `"code":"upstream_slow"`,
			recorded: 504, cost: "0", message: "silent"},
	}
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		for i, c := range all {
			c.check(f, token, i)
		}
		f.nothingIsHeld()
	}, impatient)
}

func (c *ending) check(f *fixture, token string, before int) {
	f.Helper()
	called, calls := len(f.vendor.Calls()), 1
	if f.vendor.Next(c.vendor); c.then != nil {
		f.vendor.Next(*c.then)
		calls = 2
	}
	body := strings.Replace(chat(c.more), "gpt-4o", cmp.Or(c.model, "gpt-4o"), 1)
	answer := f.call("/v1/chat/completions", token, body)
	row := f.logged(before + 1)[before]
	answered, cost := cmp.Or(c.answered, 200), cmp.Or(c.cost, "0.0001825")
	if answer.StatusCode != answered || !strings.Contains(answer.Text, c.says) {
		f.Errorf("%s: it is answered with %d %s", c.name, answer.StatusCode, answer.Text)
	}
	measured := answer.Header.Get("X-Alwrity-Measured") + answer.Trailer.Get("X-Alwrity-Measured")
	switch {
	case cost == "some" && (row.Cost == 0 || measured != "estimated"), cost != "some" && row.Cost.String() != cost,
		row.Cost > 0 && cost != "some" && measured != "reported":
		f.Errorf("%s: it costs %s, %s", c.name, row.Cost, measured)
	case row.StatusCode != cmp.Or(c.recorded, answered), !strings.Contains(row.ErrorMessage, c.message),
		row.RetryCount != c.retries, row.ID != answer.Header.Get("X-Alwrity-Event-Id"):
		f.Errorf("%s: it is recorded as %+v", c.name, row)
	}
	if got := len(f.vendor.Calls()) - called; got != calls {
		f.Errorf("%s: the vendor got %d calls, not %d", c.name, got, calls)
	}
	if strings.Contains(answer.Text+row.ErrorMessage, vendorKey) {
		f.Errorf("%s: the key comes back: %s %s", c.name, answer.Text, row.ErrorMessage)
	}
}

func (f *fixture) nothingIsHeld() {
	f.Helper()
	held, err := f.Lists.Reservations(f.Context(), usage.ReservationQuery{Now: f.Now(), Limit: 10})
	if err != nil || len(held.Rows) > 0 {
		f.Errorf("%+v are held: %v", held.Rows, err)
	}
}

// Where nothing listens nothing can have been billed, so it is tried once more, and recorded once.
func TestNoConnection(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		f.vendor.Close()
		answer := f.call("/v1/chat/completions", token, chat(""))
		row := f.logged(1)[0]
		if answer.StatusCode != 502 || row.StatusCode != 502 || row.RetryCount != 1 || row.Cost != 0 ||
			strings.Contains(answer.Text, "127.0.0.1") {
			t.Errorf("%d %s %+v", answer.StatusCode, answer.Text, row)
		}
		f.nothingIsHeld()
	})
}

// leave makes a call whose caller leaves once it has read so many events of the answer.
func (f *fixture) leave(token, body string, events int) {
	f.Helper()
	ctx, leave := context.WithCancel(f.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+"/v1/chat/completions", strings.NewReader(body))
	f.Must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	if events == 0 {
		called := len(f.vendor.Calls())
		go func() {
			f.vendor.Wait(called+1, f.Context().Done())
			leave()
		}()
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		lines := bufio.NewScanner(answer.Body)
		for events > 0 && lines.Scan() {
			if lines.Text() == "" {
				events--
			}
		}
		leave()
		_ = answer.Body.Close()
	}
	leave()
}

// Of a call whose caller leaves, what was produced is charged, and nothing where nothing was.
func TestCallersLeave(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		f.vendor.Next(vendortest.Behaviour{Hang: true})
		f.leave(token, chat(""), 0)
		if row := f.logged(1)[0]; row.StatusCode != 499 || row.Billable || row.Cost != 0 {
			t.Errorf("before the first byte: %+v", row)
		}
		f.vendor.Next(vendortest.Behaviour{SilentFrom: 4})
		f.leave(token, chat(`,"stream":true`), 2)
		if row := f.logged(2)[1]; row.StatusCode != 499 || !row.Billable || row.Cost == 0 || row.Quantities[2] > 12 {
			t.Errorf("in the middle: %+v", row)
		}
		f.vendor.Next(vendortest.Behaviour{SilentFrom: 11})
		f.leave(token, chat(`,"stream":true,"stream_options":{"include_usage":true}`), 10)
		if row := f.logged(3)[2]; row.StatusCode != 200 || row.Cost.String() != "0.0001825" {
			t.Errorf("after the usage: %+v", row)
		}
		f.nothingIsHeld()
	})
}

// Where that is configured, a stream is read on for its usage.
func TestDrainedStreams(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		f.vendor.Next(vendortest.Behaviour{Slow: 20 * time.Millisecond})
		f.leave(token, chat(`,"stream":true`), 2)
		if row := f.logged(1)[0]; row.StatusCode != 200 || row.Cost.String() != "0.0001825" {
			t.Errorf("%+v", row)
		}
	}, func(o *gateway.Options) { o.DrainGone = true })
}

// A broken answer is charged where that is configured.
func TestBilledBrokenStreams(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.vendor.Next(vendortest.Behaviour{BreakFrom: 4})
		f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(`,"stream":true`))
		if row := f.logged(1)[0]; row.StatusCode != 502 || !row.Billable || row.Cost == 0 {
			t.Errorf("%+v", row)
		}
	}, func(o *gateway.Options) { o.BillBroken = true })
}
