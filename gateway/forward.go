package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
)

// Why the context of a call ends.
var (
	errGone  = errors.New("the caller has gone")
	errIdle  = errors.New("the vendor has fallen silent")
	errWhole = errors.New("the call takes too long")
)

// journey is a call that goes to its upstream and comes back.
type journey struct {
	*call
	ctx      context.Context //nolint:containedctx // of the one call that it is
	cancel   context.CancelCauseFunc
	meter    *wire.Meter // nil: nothing is counted
	produced atomic.Bool // something came that the vendor has worked for
	sent     time.Time   // when the request went out, by the clock
	gone     sync.Once   // the caller has
}

// drainFor is how long a stream is read on whose caller has gone.
const drainFor = 30 * time.Second

// forward sends the call on, and answers it.
func (c *call) forward() error {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.r.Context()))
	j := &journey{call: c, ctx: ctx, cancel: cancel, sent: c.Clock()}
	whole := time.AfterFunc(c.route.Upstream.Timeouts.Whole, func() { cancel(errWhole) })
	stopGone := context.AfterFunc(c.r.Context(), j.callerGone)
	defer func() {
		stopGone()
		whole.Stop()
		cancel(nil)
	}()
	connection := http.NewResponseController(c.w) // a call may take longer than the server's other routes
	_ = connection.SetReadDeadline(time.Time{})
	_ = connection.SetWriteDeadline(time.Time{})
	answer, err := j.send()
	c.ended.FirstByte = c.since(j.sent)
	if err != nil {
		return j.notAnswered(err)
	}
	defer answer.Body.Close()
	return j.comeBack(answer)
}

// callerGone ends a call whose caller has gone, or lets it be read to its end where that is wanted and worth it.
func (j *journey) callerGone() { j.gone.Do(j.leave) }

func (j *journey) leave() {
	if !j.DrainGone || !j.produced.Load() {
		j.cancel(errGone)
		return
	}
	select {
	case j.draining <- struct{}{}:
		timer := time.AfterFunc(drainFor, func() { j.cancel(errGone) })
		context.AfterFunc(j.ctx, func() {
			timer.Stop()
			<-j.draining
		})
	default:
		j.cancel(errGone)
	}
}

// longestWait is how long a vendor may ask to wait before a call is made again.
const longestWait = 2 * time.Second

// send sends the request, once more where nothing can have been billed for the first time.
func (j *journey) send() (*http.Response, error) {
	for {
		answer, connected, err := j.try()
		wait, again := j.mayTryAgain(answer, connected, err)
		if !again {
			return answer, err
		}
		if answer != nil {
			_ = answer.Body.Close()
		}
		j.retries++
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-j.ctx.Done():
			timer.Stop()
			return nil, context.Cause(j.ctx)
		}
	}
}

// mayTryAgain tells whether a call may be made once more, and after how long.
func (j *journey) mayTryAgain(answer *http.Response, connected bool, err error) (time.Duration, bool) {
	if j.retries > 0 || j.ctx.Err() != nil {
		return 0, false
	}
	if j.base != nil {
		return 0, false // its client does
	}
	if err != nil {
		return 0, !connected && !errors.Is(err, errPrivate)
	}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, 529: // 529: Anthropic is overloaded
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		wait := time.Duration(seconds) * time.Second
		return wait, err == nil && wait >= 0 && wait <= longestWait
	}
	return 0, false
}

// try sends the request once, and tells whether there was a connection.
func (j *journey) try() (answer *http.Response, connected bool, err error) {
	request, err := j.request()
	if err != nil {
		return nil, false, err
	}
	var got atomic.Bool
	ctx := httptrace.WithClientTrace(j.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) }})
	sender := j.base
	if sender == nil {
		sender = j.lines[j.route.Upstream].transport
	}
	answer, err = sender.RoundTrip(request.WithContext(ctx))
	return answer, got.Load(), err
}

// request makes the request to the upstream: of the caller's header what is on the list, and none of its credentials.
func (j *journey) request() (*http.Request, error) {
	if j.base != nil {
		return j.asItIs(), nil
	}
	up, base := j.route.Upstream, j.route.Upstream.URL
	if j.route.Path.URL != nil {
		base = j.route.Path.URL
	}
	target, err := url.Parse(base.String() + j.route.Target)
	if err != nil {
		return nil, failure.Invalidf("the path can't be read").Because(err)
	}
	target.RawQuery = queryWithout(j.r.URL.RawQuery)
	var body io.Reader = http.NoBody
	if len(j.body) > 0 {
		body = bytes.NewReader(j.body)
	}
	request, err := http.NewRequestWithContext(j.ctx, j.r.Method, target.String(), body)
	if err != nil {
		return nil, failure.Invalidf("the request can't be sent on").Because(err)
	}
	copyHeaders(request.Header, j.r.Header, passedOn, up.Headers)
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "alwrity-sub/"+j.Version)
	if trace := j.w.Header().Get("Traceparent"); trace != "" {
		request.Header.Set("Traceparent", trace)
	}
	if key := j.lines[up].keys.Next(); key != "" {
		if up.Auth.Header != "" {
			request.Header.Set(up.Auth.Header, up.Auth.Prefix+key)
		} else {
			query := request.URL.Query()
			query.Set(up.Auth.Query, key)
			request.URL.RawQuery = query.Encode()
		}
	}
	return request, nil
}

// asItIs is the request of a caller that sends its own key.
func (j *journey) asItIs() *http.Request {
	request := j.r.Clone(j.ctx)
	request.Body, request.GetBody, request.ContentLength = http.NoBody, nil, int64(len(j.body))
	if len(j.body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(j.body))
	}
	return request
}

// notAnswered settles a call to which no answer has begun, and returns what its caller is told.
func (j *journey) notAnswered(err error) error {
	cause := context.Cause(j.ctx)
	slow, isNet := errors.AsType[net.Error](err)
	e := end{outcome: NoConnection, status: http.StatusBadGateway}
	told := failure.Unavailablef("%s can't be reached", j.route.Upstream.Name).WithReason(ReasonUpstreamAway)
	switch {
	case errors.Is(cause, errGone):
		e.outcome, e.status, e.gone = CallerGone, statusGone, GoneBefore
	case cause != nil || isNet && slow.Timeout() && !isDial(err):
		e.outcome, e.status = TooSlow, http.StatusGatewayTimeout
		told = failure.Unavailablef("%s takes too long to answer", j.route.Upstream.Name).WithReason(ReasonUpstreamSlow)
	}
	e.message = j.plain(err)
	if cause != nil {
		e.message = cause.Error()
	}
	j.settle(&e)
	return told.Because(err)
}

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// statusGone is what is recorded of a call whose caller did not wait for the answer, as nginx has it.
const statusGone = 499

// plain returns an error without the address that was called, which may have a key in it.
func (j *journey) plain(err error) string {
	if at, ok := errors.AsType[*url.Error](err); ok {
		err = at.Err
	}
	return string(j.hidden([]byte(err.Error())))
}

// unpacked returns an answer's body as it was before the vendor has packed it, though it was asked not to.
func unpacked(answer *http.Response) (io.Reader, error) {
	switch packed := strings.ToLower(answer.Header.Get("Content-Encoding")); packed {
	case "", "identity":
		return answer.Body, nil
	case "gzip":
		return gzip.NewReader(answer.Body)
	default:
		return nil, failure.Unavailablef("the answer is packed by %q, which was not asked for", failure.Shorten(packed))
	}
}

// reader reads an answer, and gives up where the vendor falls silent.
type reader struct {
	from  io.Reader
	timer *time.Timer
	idle  time.Duration
}

func (j *journey) reader(from io.Reader) *reader {
	idle := j.route.Upstream.Timeouts.Idle
	return &reader{from: from, idle: idle, timer: time.AfterFunc(idle, func() { j.cancel(errIdle) })}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.timer.Reset(r.idle)
	n, err := r.from.Read(p)
	r.timer.Stop()
	return n, err
}
