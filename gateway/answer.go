package gateway

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
)

// largestWhole is how large an answer may be that is read before it goes on, in bytes; what is larger goes on as it
// comes.
const largestWhole = 8 << 20

// comeBack brings an answer back to the caller.
func (j *journey) comeBack(answer *http.Response) error {
	status, kind := answer.StatusCode, answer.Header.Get("Content-Type")
	j.meter = j.route.Path.Format.Stream(j.ask, status, kind)
	from, err := unpacked(answer)
	if err != nil {
		return j.brokeOff(j.plain(err))
	}
	body := j.reader(from)
	if status >= 200 && status < 300 && j.goesOnAtOnce(kind) {
		return j.relay(answer, body, nil)
	}
	text, err := io.ReadAll(io.LimitReader(body, largestWhole+1))
	switch {
	case err != nil:
		j.pass(text)
		return j.brokeOff(j.plain(err))
	case status < 200 || status >= 300:
		return j.refusedByVendor(answer, text)
	case len(text) > largestWhole:
		return j.relay(answer, body, text)
	}
	return j.whole(answer, text)
}

// goesOnAtOnce tells whether an answer goes on as it comes: a stream, or sound that is played meanwhile.
func (j *journey) goesOnAtOnce(kind string) bool {
	kind, _, _ = mime.ParseMediaType(kind)
	return kind == eventStream || j.ask.Stream || strings.HasPrefix(kind, "audio/")
}

const eventStream = "text/event-stream"

// pass lets the meter read what has come, and returns what goes on.
func (j *journey) pass(text []byte) []byte {
	on := j.meter.Pass(text)
	j.produced.Store(j.meter.Produced())
	return on
}

// used ends the reading of the answer, and says what it has used.
func (j *journey) used() wire.Used {
	j.meter.Close()
	return j.meter.Used()
}

// brokeOff settles a call whose answer broke off before any of it went on, and returns what its caller is told.
func (j *journey) brokeOff(message string) error {
	e := j.interrupted(message)
	j.settle(&e)
	if e.outcome == TooSlow {
		return failure.Unavailablef("%s takes too long to answer", j.route.Upstream.Name).WithReason(ReasonUpstreamSlow)
	}
	return failure.Unavailablef("%s broke off its answer", j.route.Upstream.Name).WithReason(ReasonUpstreamBroke)
}

// interrupted says how an answer ended that did not come to its end.
func (j *journey) interrupted(message string) end {
	e := end{outcome: BrokeOff, status: http.StatusBadGateway, billable: j.BillBroken, used: j.used(),
		message: message}
	switch cause := context.Cause(j.ctx); {
	case errors.Is(cause, errGone):
		e.outcome, e.status, e.gone, e.message = CallerGone, statusGone, GoneBefore, cause.Error()
		if e.billable = j.produced.Load(); e.billable {
			e.gone = GoneDuring
		}
		return e
	case cause != nil:
		e.outcome, e.status, e.message = TooSlow, http.StatusGatewayTimeout, cause.Error()
	}
	if n := e.used.Quantities[pricing.OutputTokens]; n > 0 {
		e.message += "; about " + strconv.FormatInt(n, 10) + " output tokens had come"
	}
	return e
}

// refusedByVendor settles a call that the vendor refuses, and passes on what it says.
func (j *journey) refusedByVendor(answer *http.Response, text []byte) error {
	j.pass(text)
	used := j.used()
	status := answer.StatusCode
	e := end{outcome: VendorRefused, status: status, used: used, message: shortText(used.Failure)}
	e.billable = used.Reported && used.Quantities.Tokens() > 0
	if status < 400 { // a redirect is not followed
		e.status, e.message = http.StatusBadGateway, "the vendor answers with a redirect"
	}
	j.settle(&e)
	switch {
	case j.base != nil:
	case status < 400:
		return failure.Unavailablef("%s answers with a redirect, which is not followed", j.route.Upstream.Name).
			WithReason(ReasonUpstreamAway)
	case status == http.StatusUnauthorized:
		return failure.Unavailablef("%s does not take the key of this gateway", j.route.Upstream.Name).
			WithReason(ReasonUpstreamRefusesUs)
	}
	j.header(answer)
	j.answer(status, j.hidden(text))
	return nil
}

// whole settles a call whose answer has come, and passes it on.
func (j *journey) whole(answer *http.Response, text []byte) error {
	text = j.pass(text)
	e := end{outcome: OK, status: answer.StatusCode, used: j.used()}
	switch state := e.used.JobState; {
	case j.job == nil && state == wire.JobRunning && j.keepJob(e.used):
		j.w.Header().Set("X-Alwrity-Event-Id", j.id)
		j.header(answer)
		j.answer(answer.StatusCode, text)
		return nil
	case j.job == nil && state == wire.JobFailed:
		e.outcome, e.status, e.message = VendorRefused, http.StatusBadGateway, e.used.Failure
	case j.job == nil && state == wire.JobRunning:
		e.used.Quantities, e.used.Reported = j.ask.Quantities, false
	}
	j.settle(&e)
	j.header(answer)
	j.answer(answer.StatusCode, text)
	return nil
}

// header gives the caller what may go on of an answer's header.
func (j *journey) header(answer *http.Response) {
	h := j.w.Header()
	if j.base != nil {
		maps.Copy(h, answer.Header)
		h.Del("Content-Length") // what we asked for is taken out again
		return
	}
	copyHeaders(h, answer.Header, passedBack, j.route.Upstream.Answers)
	if id := answer.Header.Get("X-Request-Id"); id != "" {
		h.Set("X-Alwrity-Upstream-Request-Id", id)
	}
	h.Set("Cache-Control", "no-store")
}

func (j *journey) answer(status int, text []byte) {
	j.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	j.w.WriteHeader(status)
	_, _ = j.w.Write(text) // who has gone is not there to be told
}

// longestFailure is how much of what a vendor says went wrong is recorded.
const longestFailure = 500

func shortText(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	if len(text) > longestFailure {
		text = strings.ToValidUTF8(text[:longestFailure], "") + "…"
	}
	return text
}
