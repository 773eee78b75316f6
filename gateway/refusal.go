package gateway

import (
	"errors"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/usage"
)

// refusalKinds are what the reasons of failures are in every vendor's form, with a finer code where clients know one.
var refusalKinds = map[string]struct { // read-only
	kind wire.RefusalKind
	code string
}{
	string(usage.LimitExceeded):        {wire.QuotaUsedUp, ""},
	string(usage.NotInPlan):            {wire.QuotaUsedUp, ""},
	string(usage.IsSuspended):          {wire.PaymentDue, ""},
	string(usage.IsCancelled):          {wire.PaymentDue, ""},
	string(usage.IsExpired):            {wire.PaymentDue, ""},
	string(usage.RateLimited):          {wire.TooFast, ""},
	string(usage.TooManyParallelCalls): {wire.TooFast, ""},
	ReasonNotMetered:                   {wire.NotFound, ReasonNotMetered},
	ReasonModelNotAllowed:              {wire.Forbidden, ReasonModelNotAllowed},
	ReasonUnpriced:                     {wire.Forbidden, "model_without_price"},
	ReasonNotConfigured:                {wire.Unavailable, ReasonNotConfigured},
	ReasonLimitsUnreadable:             {wire.Unavailable, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE"},
	ReasonNotAccountable:               {wire.Unavailable, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE"},
	ReasonUpstreamAway:                 {wire.VendorAway, ReasonUpstreamAway},
	ReasonUpstreamBroke:                {wire.VendorAway, ReasonUpstreamBroke},
	ReasonUpstreamRefusesUs:            {wire.VendorAway, ReasonUpstreamRefusesUs},
	ReasonUpstreamSlow:                 {wire.VendorSlow, ReasonUpstreamSlow},
	ReasonCalledBefore:                 {wire.Conflict, ReasonCalledBefore},
	ReasonUnknownJob:                   {wire.NotFound, ReasonUnknownJob},
	string(usage.TokenLimitExceeded):   {wire.QuotaUsedUp, ""},
	ReasonTooLarge:                     {wire.TooLarge, ""},
}

// codeKinds are what failures are that have none of the reasons.
var codeKinds = map[failure.Code]wire.RefusalKind{ // read-only
	failure.Invalid: wire.BadRequest, failure.NotFound: wire.NotFound, failure.Denied: wire.Forbidden,
	failure.Conflict: wire.Conflict, failure.Unavailable: wire.Unavailable, failure.Interrupted: wire.Unavailable,
}

// neverPass are the refusals that the same call meets again at once. Vendors' clients would try two times more.
var neverPass = map[wire.RefusalKind]bool{ // read-only
	wire.QuotaUsedUp: true, wire.PaymentDue: true, wire.Conflict: true, wire.Forbidden: true, wire.Unauthenticated: true,
}

// KindOf returns what a failure is in every vendor's form, and the finer code where clients know one, else "".
func KindOf(err error) (wire.RefusalKind, string) {
	if f, ok := errors.AsType[*failure.Error](err); ok {
		if known, ok := refusalKinds[f.Reason]; ok {
			return known.kind, known.code
		}
	}
	if kind, ok := codeKinds[failure.CodeOf(err)]; ok {
		return kind, ""
	}
	return wire.Broken, ""
}

// NeverPasses tells whether the same call would be refused again at once.
func NeverPasses(r wire.Refusal) bool {
	return neverPass[r.Kind] || r.Code == ReasonNotConfigured || r.Code == ReasonUpstreamRefusesUs
}
