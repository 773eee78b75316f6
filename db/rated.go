package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Rated implements billing.Reader. Calls were rated alike that have the same price, basis and tier, are on the same
// side of each length of input beyond which calls are long ones, at the same minute of the week where the price has
// bands, and have all used some, or all none, of what a call counts as one of.
func (t *tx) Rated(ctx context.Context, user string, p plan.Period) ([]billing.RatedSeries, error) {
	book, err := t.Book(ctx, "")
	if err != nil {
		return nil, err
	}
	minute, alike := t.ratedAlike(book)
	sums := []string{"CAST(SUM(requests) AS BIGINT)"}
	for q := pricing.InputTokens; q < pricing.QuantityCount; q++ {
		sums = append(sums, "CAST(COALESCE(SUM("+q.Column()+"), 0) AS BIGINT)")
	}
	return selectRows(ctx, t, func(row scanner) (s billing.RatedSeries, err error) {
		var minute int64
		dest := []any{&s.Provider, &s.Vendor, &s.Model, &s.PriceID, &s.Basis, &s.Tier, &minute}
		for q := range s.Used {
			dest = append(dest, &s.Used[q])
		}
		err = row.Scan(append(dest, &s.Cost)...)
		s.At = time.Unix(minute*60, 0).UTC()
		return s, err
	}, "SELECT provider, vendor, model, COALESCE(price_id, 0), pricing, COALESCE(service_tier, ''), "+minute+", "+
		strings.Join(sums, ", ")+`, CAST(SUM(cost_pico) AS BIGINT) FROM api_usage_logs
		WHERE user_id = $1 AND period_start = $2 AND occurred_at >= $2 AND occurred_at < $3
			AND (status_code < 400 OR billable)
		GROUP BY provider, vendor, model, price_id, pricing, service_tier, `+strings.Join(alike, ", "), user, p.Start, p.End)
}

// ratedAlike returns the expressions over a log row that are the same for calls of one price that were rated alike: the
// minute of the week, which is among them where it matters, is returned too.
func (t *tx) ratedAlike(book *pricing.Book) (minute string, alike []string) {
	over, banded := book.Steps()
	minute = "0"
	if len(banded) > 0 {
		minute = "CASE WHEN price_id IN (" + joined(banded) + ") THEN " + t.minuteOfWeek + " ELSE 0 END"
		alike = append(alike, minute)
	}
	if len(over) > 0 {
		// input > over * requests, in numbers that always fit. Of a counter-entry both are below 0.
		const input = "CASE WHEN input_tokens = 0 THEN characters ELSE input_tokens END"
		each := "(ABS(" + input + ") - 1) / CASE WHEN requests = 0 THEN 1 ELSE ABS(requests) END"
		step := "CASE"
		for i := len(over) - 1; i >= 0; i-- {
			step += fmt.Sprintf(" WHEN %s >= %d THEN %d", each, over[i], i+1)
		}
		alike = append(alike, step+" ELSE 0 END")
	}
	alike = append(alike, "input_tokens = 0")
	for q := range pricing.QuantityCount {
		if q.OneEachCall() {
			alike = append(alike, q.Column()+" = 0")
		}
	}
	return minute, alike
}

func joined(ids []int64) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]")
}

// BilledCharges implements billing.Reader. Lines of credit notes have no usage.
func (t *tx) BilledCharges(ctx context.Context, user string, start time.Time) ([]billing.Line, error) {
	return selectRows(ctx, t, func(row scanner) (l billing.Line, err error) {
		err = row.Scan(&l.Provider, &l.Vendor, &l.Model, &l.Usage.Calls, &l.Usage.Cost, fromJSON{&l.Charges})
		return l, err
	}, `SELECT provider, vendor, model, calls, cost_pico, charges FROM billing_lines
		WHERE user_id = $1 AND period_start = $2 AND kind IN ('usage', 'adjustment')`, user, start)
}
