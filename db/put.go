package db

import (
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// putEntry puts the values of entryColumns.
func putEntry(to encode.Sink, e *usage.Entry) {
	fields := usage.EntryFields()
	for i := range fields {
		switch from := fields[i].In(e).(type) {
		case *string:
			to.Text(*from)
		case *int64:
			to.Integer(*from)
		case *int:
			to.Small(int16(*from))
		case *bool:
			to.Boolean(*from)
		case *time.Time:
			to.Moment(from.UnixMicro())
		case *pricing.USD:
			to.Integer(int64(*from))
		case usage.Reference:
			putIDOrNull(to, *from.ID)
		}
	}
}

// putCounts puts the values of amountColumns.
func putCounts(to encode.Sink, a *usage.Amounts) {
	to.Integer(a.Calls)
	to.Integer(a.Errors)
	to.Integer(a.Unpriced)
	for _, n := range a.Quantities[pricing.InputTokens:] {
		to.Integer(n)
	}
}

// putAmounts puts the values of totalColumns.
func putAmounts(to encode.Sink, a *usage.Amounts) {
	putCounts(to, a)
	to.Integer(int64(a.Cost))
}

func putSeries(to encode.Sink, s series) {
	to.Text(s.provider)
	to.Text(s.vendor)
	to.Text(s.model)
}
