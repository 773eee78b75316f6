package db

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// sink takes the values of one row after another, column by column. There is one for
// each way in which rows reach a database.
type sink interface {
	text(s string)
	integer(n int64)
	small(n int16)
	moment(micros int64) // since 1970
	boolean(b bool)
	nullInteger()
	nullMoment()
}

// values collects the values of one row as arguments of a statement.
type values []any

func (v *values) text(s string)       { *v = append(*v, s) }
func (v *values) integer(n int64)     { *v = append(*v, n) }
func (v *values) small(n int16)       { *v = append(*v, n) }
func (v *values) moment(micros int64) { *v = append(*v, time.UnixMicro(micros).UTC()) }
func (v *values) boolean(b bool)      { *v = append(*v, b) }
func (v *values) nullInteger()        { *v = append(*v, nil) }
func (v *values) nullMoment()         { *v = append(*v, nil) }

// valuesOf returns the values that are put into a sink.
func valuesOf(put func(to sink)) []any {
	var v values
	put(&v)
	return v
}

// putEntry puts the values of entryColumns.
func putEntry(to sink, e *usage.Entry) {
	for _, text := range [...]string{e.ID, e.UserID, e.Provider, e.Model, e.Vendor} {
		to.text(text)
	}
	to.moment(e.Time.UnixMicro())
	to.moment(e.PeriodStart.UnixMicro())
	to.integer(e.PlanID)
	for _, n := range e.Quantities {
		to.integer(n)
	}
	to.integer(int64(e.Cost))
	to.text(string(e.Basis))
	if e.PriceID == 0 {
		to.nullInteger()
	} else {
		to.integer(e.PriceID)
	}
	to.text(e.Endpoint)
	to.text(e.Method)
	to.small(int16(e.StatusCode))
	to.integer(e.ResponseTimeMS)
	to.text(e.ErrorMessage)
	to.integer(e.RetryCount)
	to.boolean(e.Billable)
	to.moment(e.RecordedAt.UnixMicro())
}

// putCounts puts the values of amountColumns.
func putCounts(to sink, a *usage.Amounts) {
	to.integer(a.Calls)
	to.integer(a.Errors)
	to.integer(a.Unpriced)
	for _, n := range a.Quantities[pricing.InputTokens:] {
		to.integer(n)
	}
}

// putAmounts puts the values of totalColumns.
func putAmounts(to sink, a *usage.Amounts) {
	putCounts(to, a)
	to.integer(int64(a.Cost))
}

func putSeries(to sink, s series) {
	to.text(s.provider)
	to.text(s.vendor)
	to.text(s.model)
}
