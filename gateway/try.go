package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Test is the cheapest call with which an upstream is tried.
type Test struct {
	Path   string   `yaml:"path"`   // may have {model} in it
	Models []string `yaml:"models"` // the first with a price is called, else the first; none: the path's own
	Body   string   `yaml:"body"`   // JSON; {model} stands for the model
}

// check returns why a test can't be.
func (t *Test) check(u *Upstream) error {
	request, err := t.request(context.Background(), u, "model")
	if err != nil {
		return err
	}
	if r := u.route(request.Method, strings.TrimPrefix(request.URL.EscapedPath(), "/"+u.Name)); r.Path == nil ||
		r.Path.Polls {
		return failure.Invalidf("test has the path %q, which is none of its paths", failure.Shorten(t.Path))
	}
	return nil
}

func (t *Test) request(ctx context.Context, u *Upstream, model string) (*http.Request, error) {
	quoted, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	body := strings.ReplaceAll(t.Body, "{model}", string(quoted[1:len(quoted)-1]))
	if !json.Valid([]byte(body)) {
		return nil, failure.Invalidf("test has a body that is no JSON: %s", failure.Shorten(t.Body))
	}
	target := "http://gateway/" + u.Name + strings.ReplaceAll(t.Path, "{model}", url.PathEscape(model))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil || !strings.HasPrefix(t.Path, "/") {
		return nil, failure.Invalidf("test has the path %q: it must be one of its paths", failure.Shorten(t.Path))
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// Try is a call that tries an upstream.
type Try struct {
	Name  string // of the upstream, or of a provider of its calls
	Model string // "": the first of the upstream's test that has a price
	User  string // whose call it is; "": that of TestUser, which limits let pass
}

// TestUser is whose calls are recorded that try an upstream and are nobody's.
const TestUser = "gateway-test"

// Tried is what has become of a call that tried an upstream.
type Tried struct {
	Upstream, Provider, Model, User string
	EventID                         string
	Spooled                         bool // the database did not take it now: its cost is not known
	Cost                            pricing.USD
	Quantities                      pricing.Quantities
	Estimated                       bool
	Status                          int
	Latency                         time.Duration // until the answer had come and was settled, by a real clock
	Answer                          string        // what the vendor said, shortened
	Denied                          string        // why limits would have refused the call of TestUser; ""
}

// Try makes one call of an upstream, as cheap as can be, the whole way: reserved, forwarded and settled. Whatever keeps
// it from an answer that is one is a failure.
func (g *Gateway) Try(ctx context.Context, try Try) (Tried, error) {
	up, err := g.named(try.Name)
	if err != nil {
		return Tried{}, err
	}
	switch {
	case up.Test == nil:
		return Tried{}, failure.Invalidf("nothing says how %s is tried", up.Name).WithReason(ReasonNoTest)
	case !g.Configured(up):
		return Tried{}, failure.Unavailablef("%s can't be called: its key is missing", up.Name).
			WithReason(ReasonNotConfigured, up.args()...)
	}
	model := try.Model
	if model == "" {
		if model, err = g.testModel(ctx, up); err != nil {
			return Tried{}, err
		}
	}
	request, err := up.Test.request(ctx, up, model)
	if err != nil {
		return Tried{}, err
	}
	heard := &heard{header: http.Header{}}
	c := &call{Gateway: g, w: heard, r: request, began: g.Clock(),
		route:      up.route(request.Method, strings.TrimPrefix(request.URL.EscapedPath(), "/"+up.Name)),
		Caller:     Caller{User: cmp.Or(try.User, TestUser), MayCall: mayCallAll, SeesCost: true},
		evenDenied: try.User == ""}
	began := time.Now() //nolint:forbidigo // how long a real vendor takes, whatever --now names
	err = c.carry()
	latency := time.Since(began) //nolint:forbidigo // likewise
	if err := errors.Join(c.whyNot(err), g.Wait(ctx)); err != nil {
		return Tried{}, err
	}
	if heard.status >= http.StatusBadRequest {
		return Tried{}, failure.Unavailablef("%s answers with %d %s: %s", up.Name, heard.status,
			http.StatusText(heard.status), heard.said()).WithReason(ReasonVendorRefused, up.args()...)
	}
	denied := ""
	if c.denied != nil {
		denied = c.denied.Error()
	}
	return Tried{Upstream: up.Name, Provider: c.provider, Model: c.model, User: c.User, EventID: c.id, Denied: denied,
		Spooled: heard.header.Get("X-Alwrity-Measured") == "", Cost: c.ended.Cost, Quantities: c.used,
		Estimated: c.ended.Estimated, Status: heard.status, Latency: latency, Answer: heard.said()}, nil
}

func mayCallAll(_, _ string) bool { return true }

// named returns the upstream of a name, or of those whose calls are recorded under a provider of it the first with a
// key.
func (g *Gateway) named(name string) (*Upstream, error) {
	if up := g.Upstreams.Upstream(name); up != nil {
		return up, nil
	}
	var found *Upstream
	for _, up := range g.Upstreams.Upstreams {
		if slices.Contains(up.providers(), name) && (found == nil || !g.Configured(found) && g.Configured(up)) {
			found = up
		}
	}
	if found == nil {
		return nil, failure.UnknownName(failure.NotFound, "upstream", name, g.Upstreams.names())
	}
	return found, nil
}

// testModel returns the model with which an upstream is tried.
func (g *Gateway) testModel(ctx context.Context, up *Upstream) (string, error) {
	models := up.Test.Models
	if len(models) == 0 {
		return "", nil
	}
	book, err := g.Book(ctx)
	if err != nil {
		return "", err
	}
	for _, model := range models {
		for _, provider := range up.providers() {
			if _, basis := book.Find(provider, model, g.Clock()); basis != pricing.Default && basis != pricing.Unpriced {
				return model, nil
			}
		}
	}
	return models[0], nil
}

// args are what hints are told of an upstream.
func (u *Upstream) args() []any {
	return []any{"upstream", u.Name, "variables", cmp.Or(strings.Join(u.Keys, " or "), "no variable"), "url", u.URL}
}

// whyNot is why there was no answer, with what an operator may know and a caller may not.
func (c *call) whyNot(err error) error {
	told, is := errors.AsType[*failure.Error](err)
	if _, isDenied := errors.AsType[*Denied](err); isDenied || !is {
		return err
	}
	if cause := told.Err; cause != nil {
		told = failure.New(told.Code, "%s: %s", told.Message, c.hidden([]byte(cause.Error()))).
			WithReason(told.Reason).Because(cause)
	}
	return told.WithReason(told.Reason, c.route.Upstream.args()...)
}

// heard keeps the beginning of an answer.
type heard struct {
	header http.Header
	status int
	body   bytes.Buffer
	size   int
}

// mostHeard is how much of an answer is kept, in bytes.
const mostHeard = 16 << 10

// Header implements http.ResponseWriter.
func (h *heard) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heard) WriteHeader(status int) { h.status = cmp.Or(h.status, status) }

// Write implements http.ResponseWriter.
func (h *heard) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.size += len(p)
	h.body.Write(p[:min(len(p), max(0, mostHeard-h.body.Len()))])
	return len(p), nil
}

// Flush implements http.Flusher.
func (h *heard) Flush() {}

// mostSaid is how much of what a vendor said people are shown.
const mostSaid = 300

// said is what the vendor said: its message where it is a failure, else the beginning of the answer in one line.
func (h *heard) said() string {
	kind, _, _ := mime.ParseMediaType(h.header.Get("Content-Type"))
	if !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "json") {
		return fmt.Sprintf("%s, %d bytes", cmp.Or(kind, "something unnamed"), h.size)
	}
	var failed struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	text := h.body.String()
	if h.status >= http.StatusBadRequest && json.Unmarshal(h.body.Bytes(), &failed) == nil {
		text = cmp.Or(failed.Error.Message, text)
	}
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
	if len(text) > mostSaid {
		text = strings.ToValidUTF8(text[:mostSaid], "") + "…"
	}
	return text
}
