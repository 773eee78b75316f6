package gate

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// kinds are what the reasons of failures are in every vendor's form, with a finer code where clients know one.
var kinds = map[string]struct { // read-only
	kind wire.RefusalKind
	code string
}{
	access.ReasonNotAuthenticated:      {wire.Unauthenticated, ""},
	access.ReasonForbidden:             {wire.Forbidden, ""},
	access.ReasonTooManyTries:          {wire.TooFast, ""},
	string(usage.LimitExceeded):        {wire.QuotaUsedUp, ""},
	string(usage.NotInPlan):            {wire.QuotaUsedUp, ""},
	string(usage.IsSuspended):          {wire.PaymentDue, ""},
	string(usage.IsCancelled):          {wire.PaymentDue, ""},
	string(usage.IsExpired):            {wire.PaymentDue, ""},
	string(usage.RateLimited):          {wire.TooFast, ""},
	string(usage.TooManyParallelCalls): {wire.TooFast, ""},
	gateway.ReasonNotMetered:           {wire.NotFound, gateway.ReasonNotMetered},
	gateway.ReasonModelNotAllowed:      {wire.Forbidden, gateway.ReasonModelNotAllowed},
	gateway.ReasonUnpriced:             {wire.Forbidden, "model_without_price"},
	gateway.ReasonNotConfigured:        {wire.Unavailable, gateway.ReasonNotConfigured},
	gateway.ReasonLimitsUnreadable:     {wire.Unavailable, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE"},
	gateway.ReasonNotAccountable:       {wire.Unavailable, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE"},
	gateway.ReasonUpstreamAway:         {wire.VendorAway, gateway.ReasonUpstreamAway},
	gateway.ReasonUpstreamBroke:        {wire.VendorAway, gateway.ReasonUpstreamBroke},
	gateway.ReasonUpstreamRefusesUs:    {wire.VendorAway, gateway.ReasonUpstreamRefusesUs},
	gateway.ReasonUpstreamSlow:         {wire.VendorSlow, gateway.ReasonUpstreamSlow},
	gateway.ReasonCalledBefore:         {wire.Conflict, gateway.ReasonCalledBefore},
	gateway.ReasonUnknownJob:           {wire.NotFound, gateway.ReasonUnknownJob},
	string(usage.TokenLimitExceeded):   {wire.QuotaUsedUp, ""},
	gateway.ReasonTooLarge:             {wire.TooLarge, ""},
}

// codes are what failures are that have none of the reasons.
var codes = map[failure.Code]wire.RefusalKind{ // read-only
	failure.Invalid: wire.BadRequest, failure.NotFound: wire.NotFound, failure.Denied: wire.Forbidden,
	failure.Conflict: wire.Conflict, failure.Unavailable: wire.Unavailable, failure.Interrupted: wire.Unavailable,
}

// never are the refusals that the same call meets again at once. Vendors' clients would try two times more.
var never = map[wire.RefusalKind]bool{ // read-only
	wire.QuotaUsedUp: true, wire.PaymentDue: true, wire.Conflict: true, wire.Forbidden: true, wire.Unauthenticated: true,
}

// refuse answers with a failure.
func refuse(w http.ResponseWriter, c *web.Call, route *gateway.Route, err error) {
	denied, isDenied := errors.AsType[*gateway.Denied](err)
	if isDenied {
		denied.Decision = c.Told(denied.Decision)
		err = denied.Decision.Denied()
	}
	told := web.Tell(c.Request, err)
	refusal := wire.Refusal{Kind: wire.Broken, Message: told.Message, RequestID: told.RequestID}
	known, ok := kinds[web.Reason(err)]
	if ok {
		refusal.Kind, refusal.Code = known.kind, known.code
	} else if kind, has := codes[failure.CodeOf(err)]; has {
		refusal.Kind = kind
	}
	h := w.Header()
	wait := max(access.RetryAfter(err), usage.RetryAfter(err))
	switch {
	case wait > 0:
		web.SetRetryAfter(w, wait)
		refusal.Kind = wire.TooFast
	case never[refusal.Kind], refusal.Code == gateway.ReasonNotConfigured, refusal.Code == gateway.ReasonUpstreamRefusesUs:
		h.Set("X-Should-Retry", "false")
	case refusal.Kind == wire.Unavailable:
		h.Set("Retry-After", "1")
	}
	if isDenied {
		refusal.Beside = beside(c, &denied.Decision, told.Message)
		if at := denied.Decision.ResetsAt(); !at.IsZero() {
			h.Set("X-Alwrity-Resets-At", at.UTC().Format(time.RFC3339))
		}
	}
	kind, body := route.Style().Refusal(refusal)
	web.Write(w, refusal.Kind.Status(), kind, body)
}

// beside is what stands beside the vendor's form: ALwrity's dialog reads it, and the vendors' clients do not.
func beside(c *web.Call, d *usage.Decision, message string) (all []wire.Beside) {
	add := func(name string, value any) {
		if text, err := json.Marshal(value); err == nil {
			all = append(all, wire.Beside{Name: name, Value: text})
		}
	}
	add("message", message)
	add("provider", d.Call.Provider)
	info := report.Decision(*d)
	if !c.SeesCost {
		info = info.WithoutCost()
	}
	add("usage_info", info.JSON)
	if at := d.ResetsAt(); !at.IsZero() {
		add("resets_at", at.UTC().Format(time.RFC3339))
	}
	return all
}
