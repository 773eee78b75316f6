package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// StatusOf returns the HTTP status of a failure, by its code and, where the code is too coarse, its reason.
func StatusOf(err error) int {
	if status := statusOfBody(err); status != 0 {
		return status
	}
	switch reason := Reason(err); reason {
	case access.ReasonNotAuthenticated:
		return http.StatusUnauthorized
	case access.ReasonForbidden:
		return http.StatusForbidden
	case access.ReasonTooManyTries:
		return http.StatusTooManyRequests
	case string(usage.IsSuspended), string(usage.IsCancelled), string(usage.IsExpired), billing.ReasonPaymentRequired:
		return http.StatusPaymentRequired
	}
	switch failure.CodeOf(err) {
	case failure.Invalid:
		return http.StatusBadRequest
	case failure.NotFound:
		return http.StatusNotFound
	case failure.Denied:
		return http.StatusTooManyRequests
	case failure.Conflict:
		return http.StatusConflict
	case failure.Unavailable, failure.Interrupted:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// statusOfBody returns the status of what went wrong with the request itself, else 0.
func statusOfBody(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable
	}
	return 0
}

// Reason returns the reason of a failure, "" where it has none.
func Reason(err error) string {
	if f, ok := errors.AsType[*failure.Error](err); ok {
		return f.Reason
	}
	return ""
}
