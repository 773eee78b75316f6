package alwrity

import (
	"errors"
	"net/http"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// refused is an answer other than 200, with its text.
type refused struct {
	status int
	detail string
}

func (r *refused) Error() string { return r.detail }

func refuse(status int, detail string) error { return &refused{status, detail} }

// unavailable is the body of an answer that can't be given for now.
type unavailable struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// fail writes a failure: {"detail": …}, which is a text, or of bad input a list with each field at fault.
func fail(w http.ResponseWriter, c *web.Call, err error) {
	status, detail := web.StatusOf(err), any(nil)
	if bad, ok := errors.AsType[*badInput](err); ok {
		status, detail = http.StatusUnprocessableEntity, bad.fields
	} else if r, ok := errors.AsType[*refused](err); ok {
		status, detail = r.status, r.detail
	} else {
		detail = textOf(c, status, err)
	}
	if wait := access.RetryAfter(err); wait > 0 {
		web.SetRetryAfter(w, wait)
	}
	web.SetRetry(w, status)
	body := any(map[string]any{"detail": detail})
	if status == http.StatusServiceUnavailable {
		const text = "the figures can't be read for now: try again"
		body = unavailable{"Service unavailable", text, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE", text}
	}
	_ = web.WriteJSON(w, status, body) // there is nowhere left to report a failure
}

// textOf words a failure. What is a fault of ours is told in the log alone.
func textOf(c *web.Call, status int, err error) string {
	f, known := errors.AsType[*failure.Error](err)
	switch {
	case status == http.StatusUnauthorized && web.Bearer(c.Request) == "":
		return "Not authenticated"
	case status == http.StatusUnauthorized:
		return "Authentication failed"
	case status == http.StatusForbidden:
		return "Access denied"
	case !known || f.Code == failure.Internal:
		return "Internal server error"
	}
	return report.Visible(f.Message)
}
