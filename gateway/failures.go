package gateway

import (
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// The reasons of this package's failures.
const (
	ReasonNotMetered        = "not_metered"       // nothing meters the path
	ReasonModelNotAllowed   = "model_not_allowed" // the token may not call it
	ReasonNotConfigured     = "upstream_not_configured"
	ReasonLimitsUnreadable  = "limits_unreadable"
	ReasonNotAccountable    = "not_accountable" // what a call used could not be written down
	ReasonUnpriced          = "unpriced"
	ReasonUpstreamAway      = "upstream_away"
	ReasonUpstreamSlow      = "upstream_slow"
	ReasonUpstreamRefusesUs = "upstream_refuses_key"
	ReasonUpstreamBroke     = "upstream_broke_off"
	ReasonCalledBefore      = "idempotency_key_used"
	ReasonTooLarge          = "request_too_large"
	ReasonUnknownJob        = "unknown_job"
	ReasonVendorRefused     = "upstream_refused" // a call that tries an upstream
	ReasonNoTest            = "no_test_call"
)

// Denied is a call that the limits refuse.
type Denied struct {
	Decision usage.Decision
	Err      error
}

// Error says what refused the call.
func (d *Denied) Error() string { return d.Err.Error() }

// Unwrap returns the denied failure.
func (d *Denied) Unwrap() error { return d.Err }

// NotMetered is the failure for a route without a path: what nothing meters is not carried.
func NotMetered(r *Route, method string) error {
	return failure.NotFoundf("%s %s of %s is not metered here, so it is not carried", failure.Shorten(method),
		failure.Shorten(r.Target), r.Upstream.Name).WithReason(ReasonNotMetered)
}
