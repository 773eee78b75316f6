package web

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// errorBody is what a caller is told about a failure; the fields are in the order of the JSON.
type errorBody struct {
	Code      failure.Code `json:"code"`
	Message   string       `json:"message"`
	Hint      string       `json:"hint,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
}

// RateLimitExceeded is the code for calls that come too fast, as the vendors have it.
const RateLimitExceeded failure.Code = "rate_limit_exceeded"

// Fail answers with a failure in the form of our own API. What is a fault of ours is told in the log alone.
func Fail(w http.ResponseWriter, r *http.Request, err error) { FailWith(w, r, StatusOf(err), err) }

// FailWith is Fail with a status of its own.
func FailWith(w http.ResponseWriter, r *http.Request, status int, err error) {
	if wait := cmp.Or(access.RetryAfter(err), usage.RetryAfter(err)); wait > 0 {
		SetRetryAfter(w, wait)
	}
	SetRetry(w, status)
	_ = WriteJSON(w, status, map[string]errorBody{"error": bodyOf(r, err)}) // there is nowhere left to report a failure
}

// Told is a decision as the caller is told it: without what usage costs, unless the caller sees that.
func (c *Call) Told(d usage.Decision) usage.Decision {
	if c.SeesCost {
		return d
	}
	return d.WithoutCost()
}

// Refuse answers a call that a decision has refused: with the failure, and with the decision and when its limits begin
// anew, as headers too.
func (c *Call) Refuse(w http.ResponseWriter, refusal usage.Decision) {
	d := c.Told(refusal)
	doc, err := report.Decision(d), d.Denied()
	if !c.SeesCost {
		doc = doc.WithoutCost()
	}
	body := map[string]any{"error": bodyOf(c.Request, err), "decision": doc.JSON, "resets_at": nil}
	if at := d.ResetsAt(); !at.IsZero() {
		text := at.UTC().Format(time.RFC3339)
		body["resets_at"] = text
		w.Header().Set("X-Alwrity-Resets-At", text)
	}
	if d.RetryAfter > 0 {
		SetRetryAfter(w, d.RetryAfter)
	}
	NoteOf(c.Context()).Err = err
	status := StatusOf(err)
	SetRetry(w, status)
	_ = WriteJSON(w, status, body) // there is nowhere left to report a failure
}

func bodyOf(r *http.Request, err error) errorBody {
	body := errorBody{Code: failure.CodeOf(err), Reason: Reason(err), RequestID: NoteOf(r.Context()).ID}
	switch usage.Reason(body.Reason) {
	case usage.RateLimited, usage.TooManyParallelCalls:
		body.Code = RateLimitExceeded
	}
	f, known := errors.AsType[*failure.Error](err)
	if !known || f.Code == failure.Internal {
		body.Message, body.Hint = "a fault of the server", "the log of the server says more under this request_id"
		return body
	}
	body.Message, body.Hint = report.Visible(f.Message), report.Visible(Hint(f))
	return body
}

// SetRetry says when it helps to try again, and that it does not where nothing will have changed by then. The vendors'
// libraries try again by themselves unless they are told.
func SetRetry(w http.ResponseWriter, status int) {
	h := w.Header()
	switch status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusPaymentRequired:
		if h.Get("Retry-After") == "" {
			h.Set("X-Should-Retry", "false")
		}
	}
}

// SetRetryAfter says that it helps to try again after a while.
func SetRetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	w.Header().Set("X-Should-Retry", "true")
}
