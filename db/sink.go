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
	fields := usage.EntryFields()
	for i := range fields {
		switch from := fields[i].In(e).(type) {
		case *string:
			to.text(*from)
		case *int64:
			to.integer(*from)
		case *int:
			to.small(int16(*from))
		case *bool:
			to.boolean(*from)
		case *time.Time:
			to.moment(from.UnixMicro())
		case *pricing.USD:
			to.integer(int64(*from))
		case usage.Reference:
			putIDOrNull(to, *from.ID)
		}
	}
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
