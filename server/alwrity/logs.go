package alwrity

import (
	"encoding/json"
	"net/http"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type logShape struct {
	ID                 int64       `json:"id"`
	Timestamp          string      `json:"timestamp"`
	Provider           string      `json:"provider"`
	ActualProviderName string      `json:"actual_provider_name"`
	ModelUsed          *string     `json:"model_used"`
	Endpoint           string      `json:"endpoint"`
	Method             string      `json:"method"`
	TokensInput        int64       `json:"tokens_input"`
	TokensOutput       int64       `json:"tokens_output"`
	TokensTotal        int64       `json:"tokens_total"`
	CostInput          json.Number `json:"cost_input"`
	CostOutput         json.Number `json:"cost_output"`
	CostTotal          json.Number `json:"cost_total"`
	ResponseTime       json.Number `json:"response_time"`
	StatusCode         int         `json:"status_code"`
	Status             string      `json:"status"`
	ErrorMessage       *string     `json:"error_message"`
	BillingPeriod      string      `json:"billing_period"`
	RetryCount         int64       `json:"retry_count"`
	IsAggregated       bool        `json:"is_aggregated"`
}

type logPage struct {
	Logs       []logShape `json:"logs"`
	TotalCount int64      `json:"total_count"`
	Limit      int        `json:"limit"`
	Offset     int        `json:"offset"`
	HasMore    bool       `json:"has_more"`
}

// farthest is how far down a list one may ask.
const farthest = 1_000_000_000

// logs answers with a page of the caller's log, the newest first. Its billing_period is a month of the calendar, of the
// filter and of the rows alike.
func logs(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	q := usage.LogPageQuery{Providers: ours(in.query.Get("provider")), Limit: in.number("limit", 50, 1, 5000),
		Offset: in.number("offset", 0, 0, farthest)}
	if month, _ := in.month(); month != 0 {
		q.From, q.To = month.Start(), month.End()
	}
	in.status(&q)
	user, err := in.caller(c)
	if bad := in.err(); bad != nil {
		return bad
	}
	if err != nil {
		return err
	}
	q.User = user
	page, err := c.Reports.LogPage(c.Context(), q)
	if err != nil {
		return err
	}
	body := logPage{Logs: []logShape{}, TotalCount: page.Total, Limit: q.Limit, Offset: q.Offset, HasMore: page.More}
	for i := range page.Rows {
		body.Logs = append(body.Logs, logOf(&page.Rows[i]))
	}
	return web.WriteJSON(w, http.StatusOK, body)
}

// status reads the filter of the calls' statuses. Of the client's two, 200 means all that did not fail and 400 all that
// did.
func (in *input) status(q *usage.LogPageQuery) {
	if in.query.Get("status_code") == "" {
		return
	}
	switch code := in.number("status_code", 0, 100, 599); code {
	case http.StatusOK:
		q.Status = usage.LogOK
	case http.StatusBadRequest:
		q.Status = usage.LogFailed
	default:
		q.Code = code
	}
}

func logOf(e *usage.PagedEntry) logShape {
	s := logShape{
		ID: e.Number, Timestamp: stamp(e.Time), Provider: e.Vendor, ActualProviderName: e.Vendor,
		ModelUsed: textOrNull(e.Model), Endpoint: e.Endpoint, Method: e.Method,
		TokensInput: e.Quantities[pricing.InputTokens], TokensOutput: e.Quantities[pricing.OutputTokens],
		TokensTotal: e.Quantities.Tokens(), CostInput: dollars(e.InputCost), CostOutput: dollars(e.OutputCost),
		CostTotal: dollars(e.Cost), ResponseTime: seconds(e.ResponseTimeMS), StatusCode: e.StatusCode, Status: "success",
		ErrorMessage: textOrNull(e.ErrorMessage), BillingPeriod: plan.MonthOf(e.Time).String(), RetryCount: e.RetryCount,
	}
	if e.Failed() {
		s.Status = "failed"
	}
	return s
}
