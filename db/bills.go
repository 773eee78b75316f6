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

const billColumns = `h.number, h.kind, COALESCE(h.refers_to, 0), h.user_id, ` + profileColumns + `, h.plan_id, h.cycle,
	h.period_start, h.period_end, h.issued_at, h.due_at,
	h.status, h.subtotal_pico, h.rounding_pico, h.total_pico, h.cost_pico, h.settled_at, h.reference, h.terms,
	h.payment_id`

// Bills implements billing.Store.
func (d *DB) Bills(ctx context.Context, q billing.Query) ([]billing.Bill, error) {
	return inView(ctx, d, func(t *tx) ([]billing.Bill, error) { return t.bills(ctx, q) })
}

func (t *tx) bills(ctx context.Context, q billing.Query) ([]billing.Bill, error) {
	plans, err := t.keptPlans(ctx)
	if err != nil {
		return nil, err
	}
	where, order, limit := billConditions(q), " ORDER BY h.number", ""
	if q.Newest {
		order += " DESC"
	}
	if q.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", q.Limit)
	}
	bills, err := selectRows(ctx, t, func(row scanner) (billing.Bill, error) { return scanBill(row, plans) },
		"SELECT "+billColumns+" FROM billing_history h JOIN users u ON u.user_id = h.user_id"+where.sql()+
			order+limit, where.args...)
	if err != nil || !q.Lines || len(bills) == 0 {
		return bills, err
	}
	if q.Limit > 0 { // no lines of those that are left out
		where.add("h.number <= ?", bills[len(bills)-1].Number)
	}
	return bills, t.readLines(ctx, bills, where)
}

// billConditions are those of a query, also of one that goes through the books of a month page by page.
func billConditions(q billing.Query) (where conditions) {
	where.equal("h.user_id", q.UserID)
	where.equal("h.kind", string(q.Kind))
	if q.Number != 0 {
		where.add("h.number = ?", q.Number)
	}
	if len(q.Statuses) > 0 {
		var values []any
		for _, s := range q.Statuses {
			values = append(values, string(s))
		}
		where.add("h.status IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
	}
	switch {
	case q.After > 0 && q.Newest:
		where.add("h.number < ?", q.After)
	case q.After > 0:
		where.add("h.number > ?", q.After)
	}
	if !q.UnsettledAt.IsZero() {
		where.add("h.issued_at <= ? AND (h.settled_at IS NULL OR h.settled_at > ?) AND h.kind = 'bill'",
			q.UnsettledAt, q.UnsettledAt)
	}
	if q.Month != 0 { // see billing.Bill.BookedIn
		start, end := q.Month.Start(), q.Month.End()
		where.add("(h.kind = 'bill' AND h.period_end > ? AND h.period_end <= ? OR "+
			"h.kind = 'credit_note' AND h.issued_at >= ? AND h.issued_at < ?)", start, end, start, end)
	}
	return where
}

// SumBills implements billing.Store. The cost of a total may not fit an integer: it is summed in two parts.
func (d *DB) SumBills(ctx context.Context, q billing.Query) (s billing.MonthSums, err error) {
	where := billConditions(q)
	parts := make([]int64, 4)
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&s.Bills, &parts[0], &parts[1], &parts[2], &parts[3]), `SELECT COUNT(*),
			CAST(COALESCE(SUM(h.total_pico / 1000000), 0) AS BIGINT), CAST(COALESCE(SUM(h.total_pico % 1000000), 0) AS BIGINT),
			CAST(COALESCE(SUM(h.cost_pico / 1000000), 0) AS BIGINT), CAST(COALESCE(SUM(h.cost_pico % 1000000), 0) AS BIGINT)
			FROM billing_history h`+where.sql(), where.args...)
	})
	s.Revenue, s.Cost = pricing.TotalFromParts(parts[0], parts[1]), pricing.TotalFromParts(parts[2], parts[3])
	return s, err
}

func scanBill(row scanner, plans plan.Plans) (billing.Bill, error) {
	var b billing.Bill
	err := row.Scan(&b.Number, &b.Kind, &b.RefersTo, &b.UserID, &b.Email, &b.Contact.Name, &b.Contact.Address,
		&b.Contact.Country, &b.Contact.TaxID, &b.PlanID, &b.Cycle,
		moment{&b.Period.Start}, moment{&b.Period.End}, moment{&b.IssuedAt}, moment{&b.DueAt}, &b.Status,
		&b.Subtotal, &b.Rounding, &b.Total, &b.Cost, moment{&b.SettledAt}, &b.Reference, fromJSON{&b.Terms}, &b.PaymentID)
	p, _ := plans.ByID(b.PlanID)
	b.PlanName = p.Name
	return b, err
}

// readLines reads the lines of bills that were found by a condition.
func (t *tx) readLines(ctx context.Context, bills []billing.Bill, where conditions) error {
	n := 0
	return t.query(ctx, func(row scanner) error {
		var number int64
		var l billing.Line
		dest := []any{&number, &l.Kind, &l.Description, moment{&l.Period.Start}, moment{&l.Period.End}, &l.Provider,
			&l.Vendor, &l.Model}
		dest = append(append(dest, scanAmounts(&l.Usage)...), &l.Amount, fromJSON{&l.Prices}, fromJSON{&l.Charges})
		if err := row.Scan(dest...); err != nil {
			return err
		}
		l.Usage.Quantities[pricing.Requests] = l.Usage.Calls
		for bills[n].Number < number {
			n++
		}
		bills[n].Lines = append(bills[n].Lines, l)
		return nil
	}, `SELECT l.number, l.kind, l.description, l.period_start, l.period_end, l.provider, l.vendor,
			l.model, `+prefixed("l", totalColumns)+`, l.amount_pico, l.unit_prices, l.charges
		FROM billing_lines l JOIN billing_history h ON h.number = l.number`+where.sql()+" ORDER BY l.number, l.line",
		where.args...)
}

// BillByNumber implements billing.Tx.
func (t *tx) BillByNumber(ctx context.Context, number int64) (billing.Bill, bool, error) {
	bills, err := t.bills(ctx, billing.Query{Number: number, Lines: true})
	if err != nil || len(bills) == 0 {
		return billing.Bill{}, false, err
	}
	return bills[0], true, nil
}

// BillOf implements billing.Tx.
func (t *tx) BillOf(ctx context.Context, user string, start time.Time) (billing.Bill, bool, error) {
	var number int64
	err := t.query(ctx, into(&number),
		"SELECT number FROM billing_history WHERE user_id = $1 AND period_start = $2 AND kind = 'bill'", user, start)
	if err != nil || number == 0 {
		return billing.Bill{}, false, err
	}
	return t.BillByNumber(ctx, number)
}

// BillOfPayment implements billing.Tx.
func (t *tx) BillOfPayment(ctx context.Context, id string) (number int64, err error) {
	err = t.query(ctx, into(&number), "SELECT number FROM billing_history WHERE payment_id = $1", id)
	return number, err
}

// UnpaidBills implements billing.Tx.
func (t *tx) UnpaidBills(ctx context.Context, user string) ([]billing.Bill, error) {
	return t.bills(ctx, billing.Query{UserID: user, Statuses: []billing.Status{billing.Open, billing.PastDue}})
}

// BilledOverage implements billing.Tx. What is on a void bill counts as billed, so lines of credit notes take nothing
// away from it.
func (t *tx) BilledOverage(
	ctx context.Context, user string, start time.Time,
) (billed map[billing.SeriesKey]pricing.USD, left pricing.USD, err error) {
	billed = map[billing.SeriesKey]pricing.USD{}
	err = t.query(ctx, func(row scanner) error {
		var key billing.SeriesKey
		var amount, stands pricing.USD
		if err := row.Scan(&key.Provider, &key.Vendor, &key.Model, &amount, &stands); err != nil {
			return err
		}
		billed[key] = amount
		left, err = left.Add(stands)
		return err
	}, `SELECT l.provider, l.vendor, l.model,
			CAST(SUM(CASE WHEN h.kind = 'bill' THEN l.amount_pico ELSE 0 END) AS BIGINT), CAST(SUM(l.amount_pico) AS BIGINT)
		FROM billing_lines l JOIN billing_history h ON h.number = l.number
		WHERE l.user_id = $1 AND l.period_start = $2 AND l.kind IN ('usage', 'overage', 'adjustment')
		GROUP BY l.provider, l.vendor, l.model`, user, start)
	return billed, left, err
}

// GivenBackOn implements billing.Tx.
func (t *tx) GivenBackOn(ctx context.Context, user string, after int64, start time.Time) (number int64, err error) {
	err = t.query(ctx, into(&number),
		`SELECT COALESCE(MIN(h.number), 0) FROM billing_history h JOIN billing_lines l ON l.number = h.number
			WHERE l.user_id = $1 AND h.number > $2 AND h.kind = 'bill'
				AND h.status <> 'void' AND l.kind = 'adjustment' AND l.period_start = $3 AND l.amount_pico < 0`,
		user, after, start)
	return number, err
}

// ProratedOn implements billing.Tx.
func (t *tx) ProratedOn(ctx context.Context, user string, after int64, cycleEnd time.Time) (number int64, err error) {
	err = t.query(ctx, into(&number),
		`SELECT COALESCE(MIN(h.number), 0) FROM billing_history h JOIN billing_lines l ON l.number = h.number
			WHERE h.user_id = $1 AND h.number > $2 AND h.kind = 'bill'
				AND h.status <> 'void' AND l.kind = 'proration' AND l.period_end = $3`, user, after, cycleEnd)
	return number, err
}
