package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// entryView has the fields of an event as `usage import` reads them, then what
// recording has added.
type entryView struct {
	ID                string        `json:"id"`
	UserID            string        `json:"user_id"`
	Provider          string        `json:"provider"`
	Model             string        `json:"model"`
	Vendor            string        `json:"vendor"`
	Time              moment        `json:"time"`
	Requests          int64         `json:"requests"`
	InputTokens       int64         `json:"input_tokens"`
	OutputTokens      int64         `json:"output_tokens"`
	CachedInputTokens int64         `json:"cached_input_tokens"`
	Images            int64         `json:"images"`
	Searches          int64         `json:"searches"`
	Pages             int64         `json:"pages"`
	Characters        int64         `json:"characters"`
	Seconds           int64         `json:"seconds"`
	Endpoint          string        `json:"endpoint"`
	Method            string        `json:"method"`
	StatusCode        int           `json:"status_code"`
	ResponseTimeMS    int64         `json:"response_time_ms"`
	ErrorMessage      string        `json:"error_message"`
	RetryCount        int64         `json:"retry_count"`
	Billable          bool          `json:"billable"`
	Cost              pricing.USD   `json:"cost"`
	Pricing           pricing.Basis `json:"pricing"`
	Plan              string        `json:"plan"`
	PeriodStart       moment        `json:"period_start"`
	RecordedAt        moment        `json:"recorded_at"`
}

func viewEntry(e usage.Entry, plan string) entryView {
	q := e.Quantities
	return entryView{e.ID, e.UserID, e.Provider, e.Model, e.Vendor, moment(e.Time),
		q[pricing.Requests], q[pricing.InputTokens], q[pricing.OutputTokens], q[pricing.CachedInputTokens],
		q[pricing.Images], q[pricing.Searches], q[pricing.Pages], q[pricing.Characters], q[pricing.Seconds],
		e.Endpoint, e.Method, e.StatusCode, e.ResponseTimeMS, e.ErrorMessage, e.RetryCount, e.Billable,
		e.Cost, e.Basis, plan, moment(e.PeriodStart), moment(e.RecordedAt)}
}

func entryHeader() []string {
	return []string{"id", "user_id", "provider", "model", "vendor", "time", "requests", "input_tokens", "output_tokens", "cached_input_tokens",
		"images", "searches", "pages", "characters", "seconds", "endpoint", "method", "status_code", "response_time_ms", "error_message",
		"retry_count", "billable", "cost", "pricing", "plan", "period_start", "recorded_at"}
}

func (v entryView) cells() []Cell {
	return []Cell{TextCell(v.ID), TextCell(v.UserID), TextCell(v.Provider), TextCell(v.Model), TextCell(v.Vendor), TimeCell(time.Time(v.Time)),
		NumberCell(v.Requests), NumberCell(v.InputTokens), NumberCell(v.OutputTokens), NumberCell(v.CachedInputTokens),
		NumberCell(v.Images), NumberCell(v.Searches), NumberCell(v.Pages), NumberCell(v.Characters), NumberCell(v.Seconds),
		TextCell(v.Endpoint), TextCell(v.Method), NumberCell(int64(v.StatusCode)), NumberCell(v.ResponseTimeMS), TextCell(v.ErrorMessage),
		NumberCell(v.RetryCount), BoolCell(v.Billable), MoneyCell(v.Cost), TextCell(string(v.Pricing)), TextCell(v.Plan),
		TimeCell(time.Time(v.PeriodStart)), TimeCell(time.Time(v.RecordedAt))}
}

// Logs shows log rows. Their CSV and JSON lines are event files that `usage
// import` reads. planName tells what a plan is called.
func Logs(entries []usage.Entry, planName func(int64) string) Document {
	views := listOf(entries, func(e usage.Entry) entryView { return viewEntry(e, planName(e.PlanID)) })
	return listDocument(views, gridOf(entryHeader(), views, entryView.cells), func(t *Text) error {
		if len(entries) == 0 {
			t.Note("no log rows")
			return nil
		}
		columns := []column{{"TIME (UTC)", words}, {"USER", names}, {"PROVIDER", words}, {"MODEL", names}, {"CALLS", number},
			{"INPUT", number}, {"OUTPUT", number}, {"COST", money}, {"PRICE", words}, {"STATUS", words}, {"ID", words}}
		return t.table(tableOf(columns, entries, func(e usage.Entry) []span {
			return []span{text(e.Time.UTC().Format(time.DateTime)), text(e.UserID), text(e.Provider), orNone(e.Model),
				text(Count(e.Quantities[pricing.Requests])), text(Count(e.Quantities[pricing.InputTokens])), text(Count(e.Quantities[pricing.OutputTokens])),
				text(e.Cost.Display()), entryBasis(e), entryStatus(e), text(e.ID)}
		}))
	})
}

func entryBasis(e usage.Entry) span {
	switch {
	case !e.Counts():
		return dim.of(Dash)
	case e.Basis == pricing.Unpriced:
		return caution.of(string(e.Basis))
	}
	return text(string(e.Basis))
}

func entryStatus(e usage.Entry) span {
	status := strconv.Itoa(e.StatusCode)
	switch {
	case !e.Failed():
		return text(status)
	case e.Billable:
		return bad.of(status + " billable")
	}
	return bad.of(status + " failed")
}
