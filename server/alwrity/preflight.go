package alwrity

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type preflightShape struct {
	CanProceed    bool             `json:"can_proceed"`
	EstimatedCost money            `json:"estimated_cost"`
	TotalCost     money            `json:"total_cost"`
	Cached        bool             `json:"cached"`
	Operations    []operationShape `json:"operations"`
	UsageSummary  *callSummary     `json:"usage_summary"`
}

type operationShape struct {
	Provider      string      `json:"provider"`
	OperationType string      `json:"operation_type"`
	Cost          json.Number `json:"cost"`
	Allowed       bool        `json:"allowed"`
	LimitInfo     *limitInfo  `json:"limit_info"` // null where nothing limits it: the client divides by the limit
	Message       string      `json:"message"`
}

type limitInfo struct {
	Current   json.Number `json:"current_usage"`
	Limit     json.Number `json:"limit"`
	Remaining json.Number `json:"remaining"`
}

type callSummary struct {
	Current   int64 `json:"current_calls"`
	Limit     int64 `json:"limit"`
	Remaining int64 `json:"remaining"`
}

// operation is a call that is planned, in their words.
type operation struct {
	provider, kind string
	call           usage.Call
}

// mostOperations is how many calls may be asked about at once.
const mostOperations = 100

// preflight answers whether calls that are planned would pass, one after the other.
func preflight(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user, err := in.caller(c)
	if err != nil {
		return err
	}
	operations, err := in.operations(c)
	if err != nil {
		return err
	}
	calls := make([]usage.Call, len(operations))
	for i, o := range operations {
		calls[i] = o.call
		calls[i].TokenID = c.Who.TokenID
	}
	decisions, err := c.Usage.CheckTogether(c.Context(), c.Now, user, calls)
	if err != nil {
		return err
	}
	body := preflightOf(operations, decisions)
	if len(body.Operations) == 0 {
		return refuse(http.StatusBadRequest, "No valid operations provided")
	}
	used, err := c.Usage.ShowMonth(c.Context(), user, plan.MonthOf(c.Now), c.Now)
	if err != nil {
		return err
	}
	body.UsageSummary = videoCalls(used)
	return answer(w, body)
}

func preflightOf(operations []operation, decisions []*usage.Decision) preflightShape {
	body := preflightShape{CanProceed: true}
	reason := ""
	for i, d := range decisions {
		if d == nil {
			continue
		}
		body.Operations = append(body.Operations, operationShape{operations[i].provider, operations[i].kind,
			dollars(d.EstimatedCost), d.Allowed, limitInfoOf(d), d.Message})
		body.TotalCost = money{body.TotalCost.Add(pricing.TotalOf(d.EstimatedCost))}
		if !d.Allowed && body.CanProceed {
			body.CanProceed, reason = false, d.Message
		}
	}
	body.EstimatedCost = body.TotalCost
	if !body.CanProceed && body.Operations[0].Allowed {
		body.Operations[0].Message = reason // the client shows the first message as the reason of them all
	}
	return body
}

// limitInfoOf returns the limit that refuses a call, or of one that passes the limit that is fullest.
func limitInfoOf(d *usage.Decision) *limitInfo {
	var fullest *usage.LimitVerdict
	most := int64(-1)
	for i := range d.Limits {
		v := &d.Limits[i]
		used := v.LimitUse
		used.Used = usage.AtMost(v.Used, v.Reserved)
		share, has := used.PerMille()
		if v.Limit.Name == d.Limit && v.Token == d.Token {
			fullest = v
			if has {
				break
			}
			return nil // of a limit of 0 there is no share
		}
		if has && share > most && d.Limit == "" {
			fullest, most = v, share
		}
	}
	if fullest == nil {
		return nil
	}
	l, used := fullest.Limit, usage.AtMost(fullest.Used, fullest.Reserved)
	return &limitInfo{amountOf(l, used), amountOf(l, l.Max), amountOf(l, max(0, l.Max-used))}
}

func amountOf(l plan.Limit, n int64) json.Number { return json.Number(l.Amount(n)) }

// videoCalls says how far the limit of video calls is used, null where there is none.
func videoCalls(u usage.PeriodUsage) *callSummary {
	for _, v := range u.Limits {
		if l := v.Limit; l.Name == "video_calls" && l.Meter == plan.Calls && !l.Unlimited && l.Max > 0 {
			return &callSummary{v.Used, l.Max, max(0, l.Max-v.Used)}
		}
	}
	return nil
}

// operations reads which calls are planned.
func (in *input) operations(c *web.Call) ([]operation, error) {
	o, err := in.body(c)
	if err != nil {
		return nil, err
	}
	list, given := o.given("operations")
	var items []json.RawMessage
	switch {
	case !given:
		o.wrong("missing", "It must be given", nil, "operations")
	case json.Unmarshal(list, &items) != nil:
		o.wrong("list_type", "It must be a list", nil, "operations")
	case len(items) > mostOperations:
		o.wrong("too_long", "It must have 100 operations or fewer", nil, "operations")
		items = nil
	}
	var operations []operation
	for i, item := range items {
		one := object{in: in, loc: []any{"body", "operations", i}}
		if json.Unmarshal(item, &one.fields) != nil || one.fields == nil {
			in.wrong("dict_type", "It must be an object", nil, one.loc...)
			continue
		}
		operations = append(operations, one.operation())
	}
	return operations, in.err()
}

func (o object) operation() operation {
	op := operation{provider: o.text("provider", true), kind: o.text("operation_type", true)}
	model, actual := o.text("model", false), strings.ToLower(o.text("actual_provider_name", false))
	tokens := o.number("tokens_requested", pricing.MaxQuantity)
	op.call = usage.Call{Model: model, Quantities: quantitiesOf(op.kind, tokens)}
	if names := ours(op.provider); len(names) > 0 {
		op.call.Provider = names[0]
	}
	if pricing.ValidateName("vendor", actual) == nil {
		op.call.Vendor = actual
	}
	for field, err := range map[string]error{"model": validModel(model), "provider": validModel(op.provider)} {
		if err != nil {
			o.wrong("value_error", err.Error(), nil, field)
		}
	}
	return op
}

func validModel(name string) error {
	if name == "" {
		return nil
	}
	return usage.ValidateModel(name)
}

// quantitiesOf is what a call will use: half of the tokens that are asked for as input and half as output, since nobody
// says which.
func quantitiesOf(kind string, tokens int64) pricing.Quantities {
	q := pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: tokens - tokens/2, pricing.OutputTokens: tokens / 2}
	for word, quantity := range map[string]pricing.Quantity{"image": pricing.Images, "search": pricing.Searches,
		"crawl": pricing.Pages, "scrape": pricing.Pages} {
		if strings.Contains(strings.ToLower(kind), word) {
			q[quantity] = 1
		}
	}
	return q
}
