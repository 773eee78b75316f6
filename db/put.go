package db

import (
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// putEntry puts the values of entryColumns or, without rare, of commonEntryColumns.
func putEntry(to encode.Sink, e *usage.Entry, rare bool) {
	fields := usage.EntryFields()
	for i := range fields {
		if fields[i].Rare && !rare {
			continue
		}
		if fields[i].Rare && fields[i].IsEmpty(e) {
			putNull(to, fields[i].In(e))
			continue
		}
		switch from := fields[i].In(e).(type) {
		case *string:
			to.Text(*from)
		case *int64:
			to.Integer(*from)
		case *pricing.Thousandths:
			to.Integer(int64(*from))
		case *pricing.ReportedCost:
			to.Integer(int64(from.USD))
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

// putNull puts what a rare field has instead of nothing.
func putNull(to encode.Sink, from any) {
	if _, isText := from.(*string); isText {
		to.NullText()
		return
	}
	to.NullInteger()
}

// putCounts puts the values of namesOfAmounts.
func putCounts(to encode.Sink, a *usage.Amounts, rare bool) {
	to.Integer(a.Calls)
	to.Integer(a.Errors)
	to.Integer(a.Unpriced)
	for q := pricing.InputTokens; q < pricing.QuantityCount; q++ {
		switch n := a.Quantities[q]; {
		case !q.Rare():
			to.Integer(n)
		case rare:
			putRare(to, n)
		}
	}
	if rare {
		putRare(to, a.Estimated)
	}
}

// putRare puts a value of a column that few rows have anything in.
func putRare(to encode.Sink, n int64) {
	if n == 0 {
		to.NullInteger()
		return
	}
	to.Integer(n)
}

// putTotals puts the values of namesOfTotals.
func putTotals(to encode.Sink, a *usage.Amounts, rare bool) {
	putCounts(to, a, rare)
	if rare {
		putRare(to, int64(a.EstimatedCost))
	}
	to.Integer(int64(a.Cost))
}

// putAmounts puts the values of totalColumns.
func putAmounts(to encode.Sink, a *usage.Amounts) { putTotals(to, a, true) }

func putSeries(to encode.Sink, s series) {
	to.Text(s.provider)
	to.Text(s.vendor)
	to.Text(s.model)
}
