package gate

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// kinds are those of failures that come before a call is the gateway's.
var kinds = map[string]wire.RefusalKind{ // read-only
	access.ReasonNotAuthenticated: wire.Unauthenticated,
	access.ReasonForbidden:        wire.Forbidden,
	access.ReasonTooManyTries:     wire.TooFast,
}

// refuse answers with a failure.
func refuse(w http.ResponseWriter, c *web.Call, route *gateway.Route, err error) {
	denied, isDenied := errors.AsType[*gateway.Denied](err)
	if isDenied {
		denied.Decision = c.Told(denied.Decision)
		err = denied.Decision.Denied()
	}
	told := web.Tell(c.Request, err)
	refusal := wire.Refusal{Message: told.Message, RequestID: told.RequestID}
	refusal.Kind, refusal.Code = gateway.KindOf(err)
	if kind, ok := kinds[web.Reason(err)]; ok {
		refusal.Kind, refusal.Code = kind, ""
	}
	h := w.Header()
	wait := max(access.RetryAfter(err), usage.RetryAfter(err))
	switch {
	case wait > 0:
		web.SetRetryAfter(w, wait)
		refusal.Kind = wire.TooFast
	case gateway.NeverPasses(refusal):
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
