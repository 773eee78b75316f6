package gate_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// clients are the vendors' own clients, in one Node process: testdata/sdk/calls.mjs.
type clients struct {
	in    io.Writer
	out   *bufio.Scanner
	users int // that were made for them
}

// said is what a client makes of a call.
type said struct {
	Value    json.RawMessage
	Error    *thrown
	Requests int // that the client has sent
}

type thrown struct {
	Class, Code, Type, Message string
	Status                     int
}

func startClients(t *testing.T) *clients {
	t.Helper()
	modules := servertest.NodeModules(t, "testdata/sdk")
	script, err := os.ReadFile("testdata/sdk/calls.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", string(script))
	cmd.Dir, cmd.Stderr = modules, t.Output()
	cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it was ended
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &clients{in: in, out: lines}
}

// call has a client make a call.
func (c *clients) call(t *testing.T, name, url, key string) said {
	t.Helper()
	return c.ask(t, map[string]any{"call": name, "url": url, "key": key})
}

func (c *clients) ask(t *testing.T, what map[string]any) (s said) {
	t.Helper()
	question, err := json.Marshal(what)
	if err == nil {
		_, err = c.in.Write(append(question, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
	if !c.out.Scan() {
		t.Fatalf("%v: Node has ended: %v", what, c.out.Err())
	}
	if err := json.Unmarshal(c.out.Bytes(), &s); err != nil {
		t.Fatalf("%v: %s: %s", what, err, c.out.Text())
	}
	return s
}

// sdkCall is a call of testdata/sdk/calls.mjs.
type sdkCall struct {
	name   string
	at     string // of the gateway; the vendor has it without the first part
	tokens bool   // the vendor says 25 tokens, of which 5 were cached, and 12 of output
	input  int64  // in place of 25
	cost   string
	broken string // the class of what a stream throws that breaks off; "" for calls that are no streams
}

var sdkCalls = []sdkCall{ // read-only
	{name: "openai chat", at: "/openai/v1", tokens: true, cost: "0.0001825"},
	{name: "openai chat", at: "/v1", tokens: true, cost: "0.0001825"},
	{name: "openai chat stream", at: "/openai/v1", tokens: true, cost: "0.0001825", broken: "APIError"},
	{name: "openai chat stream with usage", at: "/v1", tokens: true, cost: "0.0001825", broken: "APIError"},
	{name: "openai response", at: "/openai/v1", tokens: true, cost: "0.0001825"},
	{name: "openai response stream", at: "/openai/v1", tokens: true, cost: "0.0001825", broken: "APIError"},
	{name: "openai embedding", at: "/openai/v1", cost: "0"},
	{name: "openai speech", at: "/openai/v1", cost: "0"},
	{name: "openai image", at: "/v1", cost: "0"},
	{name: "openai transcription", at: "/openai/v1", cost: "0"},
	{name: "anthropic message", at: "/anthropic", tokens: true, input: 29, cost: "0.00027"},
	{name: "anthropic message", at: "", tokens: true, input: 29, cost: "0.00027"},
	{name: "anthropic message stream", at: "/anthropic", tokens: true, input: 29, cost: "0.00027", broken: "APIError"},
	{name: "anthropic final message", at: "/anthropic", tokens: true, input: 29, cost: "0.00027", broken: "APIError"},
	{name: "gemini generate", at: "/gemini", tokens: true, cost: "0.0000375"},
	{name: "gemini generate", at: "", tokens: true, cost: "0.0000375"},
	{name: "gemini generate stream", at: "/gemini", tokens: true, cost: "0.0000375", broken: "ApiError"},
	{name: "gemini embed", at: "/gemini", cost: "0.00000045"},
	{name: "mistral chat", at: "/mistral", tokens: true, cost: "0"},
	{name: "mistral chat stream", at: "/mistral", tokens: true, cost: "0", broken: "ZodError"}, // it knows no errors
	{name: "exa search", at: "/exa", cost: "0.005"},
	{name: "exa contents", at: "/exa", cost: "0"},
	{name: "tavily search", at: "/tavily", cost: "0.001"},
	{name: "tavily extract", at: "/tavily", cost: "0"},
}

// atVendor returns where the vendor has a call that the gateway has at a place.
func (c *sdkCall) atVendor() string {
	parts := strings.SplitN(c.at, "/", 3)
	switch {
	case len(parts) == 3:
		return "/" + parts[2]
	case c.at == "/v1":
		return c.at
	}
	return ""
}

// on makes the calls of a test.
type on struct {
	*fixture
	*clients
	t *testing.T
}

// caller makes a user with a token.
func (o *on) caller() (user, token string) {
	o.users++
	user = fmt.Sprintf("user-%d", o.users)
	o.subscribe(user, "pro")
	return user, o.Token(user, access.ScopeGateway)
}

// both makes a call directly and through the gateway.
func (o *on) both(
	c *sdkCall, token string, behave ...vendortest.Behaviour,
) (direct, through said, got []vendortest.Call) {
	o.t.Helper()
	before := len(o.vendor.Calls())
	o.vendor.Next(behave...)
	direct = o.clients.call(o.t, c.name, o.vendor.URL+c.atVendor(), vendorKey)
	o.vendor.Next(behave...)
	through = o.clients.call(o.t, c.name, o.URL+c.at, token)
	return direct, through, o.vendor.Calls()[before:]
}

// rows waits until so many events of a user are recorded, and returns what is, the oldest first.
func (o *on) rows(user string, n int) []usage.Entry {
	o.t.Helper()
	for {
		rows, err := o.DB.Logs(o.Context(), usage.LogQuery{User: user, Limit: 100})
		o.Must(err)
		if len(rows) >= n {
			return rows
		}
		select {
		case <-o.Context().Done():
			o.t.Fatalf("%d events of %s are recorded, not %d", len(rows), user, n)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// TestVendorsClients makes calls with the vendors' own clients, directly and through the gateway.
func TestVendorsClients(t *testing.T) {
	c := startClients(t)
	onEach(t, func(t *testing.T, f *fixture) {
		for name, test := range map[string]func(*on){
			"metered": (*on).isMetered, "free": (*on).isFree, "refused": (*on).isRefused, "tried again": (*on).isTriedAgain,
			"broken off": (*on).meetsBrokenStreams, "left": (*on).isLeft,
		} {
			t.Run(name, func(t *testing.T) { test(&on{f, c, t}) })
		}
	})
	t.Run("silence", func(t *testing.T) {
		onEach(t, func(t *testing.T, f *fixture) { (&on{f, c, t}).meetsSilence() }, impatient)
	})
}

// What the vendors' own clients make of calls through the gateway is what they make of direct ones, and each is
// recorded once, with the vendor's figures.
func (o *on) isMetered() {
	type b = vendortest.Behaviour
	ways := []struct {
		name     string
		behave   b
		usage    string
		onStream bool
	}{
		{name: "as usual"},
		{name: "byte by byte", behave: b{Pieces: 1}},
		{name: "packed by gzip", behave: b{Gzip: true, Pieces: 7}},
		{name: "with CRLF", behave: b{CRLF: true, Pieces: 3}, onStream: true},
		{name: "with usage everywhere", behave: b{Usage: "everywhere"}, onStream: true},
		{name: "without usage", behave: b{Usage: "none"}, usage: "none"},
		{name: "with usage of 0", behave: b{Usage: "zero"}, usage: "zero"},
	}
	for i := range sdkCalls {
		for _, way := range ways {
			if c := &sdkCalls[i]; c.broken != "" || !way.onStream {
				o.metered(c, way.name, way.usage, way.behave)
			}
		}
	}
}

func (o *on) metered(c *sdkCall, way, said string, behave vendortest.Behaviour) {
	o.t.Helper()
	user, token := o.caller()
	direct, through, got := o.both(c, token, behave)
	name := c.name + " at " + c.at + " " + way
	if string(direct.Value) != string(through.Value) || !direct.Error.equal(through.Error) {
		o.t.Errorf("%s: it returns\n%s %+v, and directly\n%s %+v", name, through.Value, through.Error, direct.Value,
			direct.Error)
	}
	if direct.Error != nil {
		if said != "none" { // without which some clients can't be
			o.t.Errorf("%s: directly it ends with %+v", name, direct.Error)
		}
		return
	}
	if len(got) != 2 || through.Requests != 1 {
		o.t.Errorf("%s: %d requests were sent, %d came", name, through.Requests, len(got))
		return
	}
	o.sentOn(name, &got[0], &got[1], token)
	rows := o.rows(user, 1)
	row, free := &rows[0], c.cost == "0" || c.tokens && said == "zero"
	costs := row.Cost.String() == c.cost
	if free {
		costs = row.Cost == 0
	} else if said == "none" && c.tokens {
		costs = row.Cost > 0
	}
	if len(rows) != 1 || row.StatusCode != 200 || !costs {
		o.t.Errorf("%s: recorded as costing %s: %+v", name, row.Cost, rows)
	}
	estimated := c.tokens && said == "none"
	if c.tokens && (row.Measured == usage.UseEstimated) != estimated {
		o.t.Errorf("%s: what it used is %s", name, row.Measured)
	}
	if q := row.Quantities; c.tokens && said == "" && (q[pricing.InputTokens] != max(c.input, vendortest.Input) ||
		q[pricing.CachedInputTokens] != vendortest.Cached || q[pricing.OutputTokens] != vendortest.Output) {
		o.t.Errorf("%s: recorded as using %v", name, q)
	}
}

// sentOn checks that the vendor got what it gets directly, and nothing that shows who has called.
func (o *on) sentOn(name string, direct, through *vendortest.Call, token string) {
	o.t.Helper()
	want, got := bodyOf(direct), bodyOf(through)
	asked := strings.Replace(got, `"stream_options":{"include_usage":true},`, "", 1)
	if direct.Path != through.Path || direct.Query != through.Query || want != got && want != asked {
		o.t.Errorf("%s: the vendor got %s?%s %s, and directly %s?%s %s", name, through.Path, through.Query, through.Body,
			direct.Path, direct.Query, direct.Body)
	}
	if all := fmt.Sprint(through); strings.Contains(all, token) || !strings.Contains(all, vendorKey) {
		o.t.Errorf("%s: the vendor got %s", name, all)
	}
}

// bodyOf returns the body of a call, of a form without the boundary that its client made up.
func bodyOf(c *vendortest.Call) string {
	if _, of, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err == nil && of["boundary"] != "" {
		return strings.ReplaceAll(string(c.Body), of["boundary"], "")
	}
	return string(c.Body)
}

// equal tells whether two errors are the same to who catches them.
func (e *thrown) equal(other *thrown) bool {
	return (e == nil) == (other == nil) && (e == nil || *e == *other)
}

// sdkErrors are the classes that the clients throw by the status, "" for all others.
var sdkErrors = []struct { // read-only
	call    sdkCall
	classes map[int]string
}{
	{sdkCall{name: "openai chat", at: "/openai/v1"}, openAIErrors},
	{sdkCall{name: "openai chat stream", at: "/v1"}, openAIErrors},
	{sdkCall{name: "openai response", at: "/v1"}, openAIErrors},
	{sdkCall{name: "anthropic message", at: "/anthropic"}, anthropicErrors},
	{sdkCall{name: "anthropic final message", at: ""}, anthropicErrors},
	{sdkCall{name: "gemini generate", at: "/gemini"}, map[int]string{0: "ApiError"}},
	{sdkCall{name: "gemini generate stream", at: ""}, map[int]string{0: "ApiError"}},
	{sdkCall{name: "mistral chat", at: "/mistral"}, map[int]string{0: "SDKError"}},
	{sdkCall{name: "mistral chat stream", at: "/mistral"}, map[int]string{0: "SDKError"}},
	{sdkCall{name: "exa search", at: "/exa"}, map[int]string{0: "ExaError"}},
	{sdkCall{name: "tavily search", at: "/tavily"}, map[int]string{0: "Error"}},
}

var (
	openAIErrors = map[int]string{0: "APIError", 401: "AuthenticationError", 403: "PermissionDeniedError", // read-only
		404: "NotFoundError", 409: "ConflictError", 429: "RateLimitError", 500: "InternalServerError"}
	anthropicErrors = map[int]string{402: "PaymentRequiredError", 401: "AuthenticationError", // read-only
		403: "PermissionDeniedError", 404: "NotFoundError", 429: "RateLimitError", 500: "InternalServerError"}
)

// isRefused: what we refuse is one request of the client and none to the vendor, and thrown as the client's own error.
func (o *on) isRefused() {
	usedUp := func(c *sdkCall) (user, token string) {
		user, _ = o.caller()
		token = o.TokenOf(access.NewToken{Name: "once", User: user, Scopes: []access.Scope{access.ScopeGateway},
			Terms: access.Terms{Limits: []plan.Limit{{Name: "calls", Meter: plan.Calls, Max: 1, Action: plan.Block}}}})
		if made := o.clients.call(o.t, c.name, o.URL+c.at, token); made.Error != nil {
			o.t.Errorf("%s: %+v", c.name, made.Error)
		}
		o.rows(user, 1)
		return user, token
	}
	suspended := func(*sdkCall) (user, token string) {
		user, token = o.caller()
		_, err := o.Billing.Suspend(o.Context(), o.Audit("users suspend"), user)
		o.Must(err)
		return user, token
	}
	unknown := func(*sdkCall) (user, token string) { return "nobody", "ask_000000000000_" + strings.Repeat("0", 32) }
	reader := func(*sdkCall) (user, token string) {
		user, _ = o.caller()
		return user, o.Token(user, access.ScopeRead)
	}
	for i := range sdkErrors {
		c := &sdkErrors[i]
		o.refused(&c.call, c.classes, 429, 1, usedUp)
		o.refused(&c.call, c.classes, 402, 0, suspended)
		o.refused(&c.call, c.classes, 401, 0, unknown)
		o.refused(&c.call, c.classes, 403, 0, reader)
	}
	_, token := o.caller()
	o.refused(&sdkCall{name: "openai files", at: "/openai/v1"}, openAIErrors, 404, 0,
		func(*sdkCall) (string, string) { return "nobody", token })
	o.refused(&sdkCall{name: "openai chat once", at: "/openai/v1"}, openAIErrors, 409, 1,
		func(c *sdkCall) (user, token string) {
			user, token = o.caller()
			o.clients.call(o.t, c.name, o.URL+c.at, token)
			return user, token
		})
}

func (o *on) refused(c *sdkCall, classes map[int]string, status, rows int, who func(*sdkCall) (user, token string)) {
	o.t.Helper()
	user, token := who(c)
	before := len(o.vendor.Calls())
	got := o.clients.call(o.t, c.name, o.URL+c.at, token)
	class := classes[status]
	if class == "" {
		class = classes[0]
	}
	e := got.Error
	switch {
	case e == nil:
		o.t.Errorf("%s: it is not refused with %d: %s", c.name, status, got.Value)
		return
	case e.Class != class, e.Status != status && e.Class != "Error", strings.Contains(e.Message, token):
		o.t.Errorf("%s: %d is thrown as %+v", c.name, status, *e)
	case status == 429 && classes[402] == "" && classes[500] != "" && e.Code != "insufficient_quota":
		o.t.Errorf("%s: the code is %q", c.name, e.Code)
	}
	if sent := len(o.vendor.Calls()) - before; got.Requests != 1 || sent != 0 {
		o.t.Errorf("%s: refused with %d after %d requests, of which %d were sent on", c.name, status, got.Requests, sent)
	}
	if all := o.rows(user, rows); len(all) != rows {
		o.t.Errorf("%s: refused with %d, and recorded: %+v", c.name, status, all)
	}
}

// What the vendor refuses is thrown as it is directly, after as many tries. Each try is recorded, and costs nothing.
func (o *on) isTriedAgain() {
	for i := range sdkErrors {
		c := &sdkErrors[i].call
		if strings.HasPrefix(c.name, "openai") || strings.HasPrefix(c.name, "anthropic") {
			o.recovers(c)
		}
		for _, status := range []int{400, 429, 500} {
			user, token := o.caller()
			o.vendor.Always(vendortest.Behaviour{Status: status, Headers: map[string]string{"Retry-After-Ms": "1"}})
			direct, through, got := o.both(c, token)
			o.vendor.Always(vendortest.Behaviour{})
			if through.Error == nil || !direct.Error.equal(through.Error) {
				o.t.Errorf("%s: %d is thrown as %+v, and directly as %+v", c.name, status, through.Error, direct.Error)
			}
			if through.Requests != direct.Requests || len(got) != direct.Requests+through.Requests {
				o.t.Errorf("%s: %d is tried %d times, and directly %d times; %d came", c.name, status,
					through.Requests, direct.Requests, len(got))
			}
			rows := o.rows(user, through.Requests)
			for _, row := range rows {
				if len(rows) != through.Requests || row.StatusCode != status || row.Cost != 0 {
					o.t.Errorf("%s: recorded are %d tries: %+v", c.name, len(rows), row)
				}
			}
		}
	}
}

// recovers makes a call that goes well at the second try of its client.
func (o *on) recovers(c *sdkCall) {
	o.t.Helper()
	user, token := o.caller()
	direct, through, _ := o.both(c, token, vendortest.Behaviour{Status: 500,
		Headers: map[string]string{"Retry-After-Ms": "1"}}, vendortest.Behaviour{})
	rows := o.rows(user, 2)
	if through.Error != nil || string(direct.Value) != string(through.Value) || through.Requests != 2 || len(rows) != 2 ||
		rows[0].StatusCode+rows[1].StatusCode != 700 || rows[0].Cost+rows[1].Cost == 0 {
		o.t.Errorf("%s: after %d requests it returns %s %+v, and directly %s; recorded as %+v", c.name, through.Requests,
			through.Value, through.Error, direct.Value, rows)
	}
}

// A stream that breaks off gives what had come, and then the client's own error.
func (o *on) meetsBrokenStreams() {
	for i := range sdkCalls {
		c := &sdkCalls[i]
		if c.broken == "" {
			continue
		}
		for _, pieces := range []int{0, 5} {
			user, token := o.caller()
			direct, through, _ := o.both(c, token, vendortest.Behaviour{BreakFrom: 6, Pieces: pieces})
			if through.Error == nil || through.Error.Class != c.broken ||
				string(direct.Value) != string(through.Value) {
				o.t.Errorf("%s: it returns\n%s %+v, and directly\n%s %+v", c.name, through.Value, through.Error,
					direct.Value, direct.Error)
			}
			rows := o.rows(user, 1)
			if len(rows) != 1 || rows[0].StatusCode != 502 || rows[0].Cost != 0 || through.Requests != 1 {
				o.t.Errorf("%s: recorded as %+v after %d requests", c.name, rows, through.Requests)
			}
		}
	}
}

// A client that leaves in the middle of a stream is charged for what it got.
func (o *on) isLeft() {
	for _, c := range []sdkCall{
		{name: "openai chat stream", at: "/openai/v1"}, {name: "openai response stream", at: "/v1"},
		{name: "anthropic message stream", at: "/anthropic"}, {name: "mistral chat stream", at: "/mistral"},
	} {
		user, token := o.caller()
		o.vendor.Next(vendortest.Behaviour{SilentFrom: 7})
		got := o.clients.ask(o.t, map[string]any{"call": c.name, "url": o.URL + c.at, "key": token, "leave": 5})
		rows := o.rows(user, 1)
		if got.Error != nil || len(rows) != 1 || rows[0].StatusCode != 499 || !rows[0].Billable ||
			rows[0].Quantities[pricing.InputTokens] == 0 || rows[0].Quantities[pricing.OutputTokens] == 0 {
			o.t.Errorf("%s: %s %+v is recorded as %+v", c.name, got.Value, got.Error, rows)
		}
	}
}

// What costs nothing is answered, and counted by no limit.
func (o *on) isFree() {
	for _, c := range []struct{ name, at, says string }{
		{"openai models", "/openai/v1", `"gpt-4o"`}, // GET /v1/models is our own
		{"anthropic models", "/anthropic", `"claude-3.5-sonnet"`}, {"gemini models", "/gemini", `"models/gemini-2.5-flash"`},
		{"gemini models", "", `"models/gemini-2.5-flash"`}, {"gemini count", "/gemini", "25"},
	} {
		user, token := o.caller()
		got := o.clients.call(o.t, c.name, o.URL+c.at, token)
		if got.Error != nil || got.Requests != 1 || !strings.Contains(string(got.Value), c.says) {
			o.t.Errorf("%s at %q: %s %+v after %d requests", c.name, c.at, got.Value, got.Error, got.Requests)
		}
		for _, row := range o.rows(user, 0) {
			if row.Cost != 0 || row.Quantities[pricing.Requests] != 0 {
				o.t.Errorf("%s: it is recorded as %+v", c.name, row)
			}
		}
	}
}

// A vendor that falls silent is an error of the client's own.
func (o *on) meetsSilence() {
	for i := range sdkCalls {
		c := &sdkCalls[i]
		if c.broken == "" {
			continue
		}
		user, token := o.caller()
		o.vendor.Next(vendortest.Behaviour{SilentFrom: 6})
		got := o.clients.call(o.t, c.name, o.URL+c.at, token)
		rows := o.rows(user, 1)
		if got.Error == nil || got.Error.Class != c.broken || got.Requests != 1 || len(rows) != 1 ||
			rows[0].StatusCode != 504 || rows[0].Cost != 0 {
			o.t.Errorf("%s: %s %+v is recorded as %+v", c.name, got.Value, got.Error, rows)
		}
	}
}

// 200 streams at the last 10 calls of a limit are 10, and the others are told so before their vendor is.
func TestManyStreamsAtALimit(t *testing.T) {
	const callers, left = 200, 10
	onEach(t, func(t *testing.T, f *fixture) {
		f.subscribe("carol", "pro")
		token := f.TokenOf(access.NewToken{Name: "few", User: "carol", Scopes: []access.Scope{access.ScopeGateway},
			Terms: access.Terms{Limits: []plan.Limit{{Name: "calls", Meter: plan.Calls, Max: left, Action: plan.Block}}}})
		f.vendor.Always(vendortest.Behaviour{Slow: time.Millisecond})
		var passed, refused atomic.Int64
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				switch answer := f.call("/v1/chat/completions", token, chat(`,"stream":true`)); {
				case answer.StatusCode == 200 && strings.HasSuffix(answer.Text, "data: [DONE]\n\n"):
					passed.Add(1)
				case answer.StatusCode == 429:
					refused.Add(1)
				default:
					t.Errorf("%d %s", answer.StatusCode, answer.Text)
				}
			})
		}
		all.Wait()
		if passed.Load() != left || refused.Load() != callers-left || len(f.vendor.Calls()) != left {
			t.Errorf("%d passed, %d were refused, %d came", passed.Load(), refused.Load(), len(f.vendor.Calls()))
		}
		if rows := f.logged(left); len(rows) != left {
			t.Errorf("%d events are recorded", len(rows))
		}
		f.nothingIsHeld()
	})
}
