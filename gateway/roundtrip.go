package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/usage"
)

// Transport meters what the client of a vendor sends within its own process: each call is reserved, sent on as it is
// with the client's own key, and settled, as by the gateway. What limits refuse is answered in the vendor's form, and
// what nothing meters is refused. Any number of clients may share it.
type Transport struct {
	Gateway *Gateway
	// User says whose call a request is; "" is refused.
	User func(*http.Request) string
	// Upstream is the name of the one that is meant, where several have the same address; "": the first.
	Upstream string
	// Base sends the calls; nil: http.DefaultTransport.
	Base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	route := t.Gateway.Upstreams.leadingTo(r.Method, r.URL, t.Upstream)
	user := t.User(r)
	if route == nil || user == "" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		if user == "" {
			return nil, failure.Invalidf("nobody is named whose call it is")
		}
		return nil, failure.NotFoundf("%s://%s is none of the upstreams, so nothing meters it", r.URL.Scheme, r.URL.Host).
			WithReason(ReasonNotMetered)
	}
	ctx, cancel := context.WithCancel(r.Context())
	body, to := io.Pipe()
	context.AfterFunc(ctx, func() { _ = to.CloseWithError(context.Cause(ctx)) })
	w := &pipedAnswer{header: http.Header{}, trailer: http.Header{}, ready: make(chan struct{}), body: to}
	c := &call{Gateway: t.Gateway, w: w, r: r.Clone(ctx), route: route, began: t.Gateway.Clock(), base: t.Base,
		Caller: Caller{User: user, MayCall: mayCallAll, SeesCost: true}}
	if c.base == nil {
		c.base = http.DefaultTransport
	}
	if c.r.Body == nil {
		c.r.Body = http.NoBody
	}
	t.Gateway.running.Go(func() { w.carry(c) })
	select {
	case <-w.ready:
	case <-ctx.Done():
		cancel()
		return nil, context.Cause(ctx)
	}
	return w.response(r, &closing{body, cancel}), nil
}

// closing is the body of an answer. Who closes it has no more use for the call.
type closing struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (c *closing) Close() error {
	c.cancel()
	return c.PipeReader.Close()
}

// pipedAnswer is an answer that is read while it is written.
type pipedAnswer struct {
	header  http.Header // as it is written
	sent    http.Header // as it was when the answer began
	trailer http.Header
	status  int
	begin   sync.Once
	ready   chan struct{} // is closed when the answer begins
	body    *io.PipeWriter
}

// Header implements http.ResponseWriter.
func (w *pipedAnswer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *pipedAnswer) WriteHeader(status int) {
	w.begin.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

// Write implements http.ResponseWriter.
func (w *pipedAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush implements http.Flusher.
func (w *pipedAnswer) Flush() {}

// carry carries a call, and ends its answer.
func (w *pipedAnswer) carry(c *call) {
	ended := io.EOF
	defer func() {
		if fault := recover(); fault != nil {
			if fault != http.ErrAbortHandler { //nolint:errorlint // it is this very value
				panic(fault)
			}
			ended = io.ErrUnexpectedEOF
		}
		for name, values := range w.header {
			if name, is := strings.CutPrefix(name, http.TrailerPrefix); is {
				w.trailer[name] = values
			}
		}
		_ = w.body.CloseWithError(ended)
	}()
	err := c.carry()
	_ = c.r.Body.Close() // it was read, or is not needed
	if err != nil {
		w.refuse(c, err)
	}
	w.WriteHeader(http.StatusOK)
}

// refuse answers with a failure in the vendor's form.
func (w *pipedAnswer) refuse(c *call, err error) {
	refusal := wire.Refusal{RequestID: c.id, Message: "a fault of the program"}
	refusal.Kind, refusal.Code = KindOf(err)
	if told, ok := errors.AsType[*failure.Error](err); ok {
		refusal.Message = told.Message
	}
	if wait := usage.RetryAfter(err); wait > 0 {
		refusal.Kind = wire.TooFast
		w.header.Set("Retry-After", strconv.FormatInt(int64(max(1, wait.Seconds())), 10))
	} else if NeverPasses(refusal) {
		w.header.Set("X-Should-Retry", "false")
	}
	kind, text := c.route.Style().Refusal(refusal)
	w.header.Set("Content-Type", kind)
	w.WriteHeader(refusal.Kind.Status())
	_, _ = w.Write(text) // who has gone is not there to be told
}

// response is what the client gets.
func (w *pipedAnswer) response(r *http.Request, body io.ReadCloser) *http.Response {
	length, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Trailer: w.trailer, Body: body,
		ContentLength: length, Request: r,
	}
}

// leadingTo returns the route of a request to a vendor by its whole address, without a path where nothing meters it;
// nil where the address is none of the upstreams.
func (c *Catalogue) leadingTo(method string, u *url.URL, only string) (found *Route) {
	for _, up := range c.Upstreams {
		if only != "" && up.Name != only {
			continue
		}
		for _, base := range up.bases() {
			rest, fits := strings.CutPrefix(u.EscapedPath(), base.Path)
			if !fits || !strings.HasPrefix(rest, "/") || u.Scheme != base.Scheme || u.Host != base.Host {
				continue
			}
			r := up.route(method, rest)
			if r.Path != nil && up.baseOf(r.Path).String() == base.String() {
				return r
			}
			if found == nil {
				found = &Route{Upstream: up, Target: rest}
			}
		}
	}
	return found
}

// bases are the addresses that paths of the upstream begin with.
func (u *Upstream) bases() []*url.URL {
	all := []*url.URL{u.URL}
	for _, p := range u.Paths {
		if p.URL != nil {
			all = append(all, p.URL)
		}
	}
	return all
}

func (u *Upstream) baseOf(p *Path) *url.URL {
	if p.URL != nil {
		return p.URL
	}
	return u.URL
}
