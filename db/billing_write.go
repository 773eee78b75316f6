package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

// AddBills implements billing.Tx. Who gives numbers holds the row of the last one until the transaction ends: one that
// rolls back leaves no gap.
func (t *tx) AddBills(ctx context.Context, bills []billing.Bill) error {
	if len(bills) == 0 {
		return nil
	}
	var last int64
	err := t.query(ctx, into(&last),
		"UPDATE billing_numbers SET last_number = last_number + $1 WHERE series = 'bills' RETURNING last_number",
		len(bills))
	if err != nil {
		return err
	}
	type billLine struct {
		bill *billing.Bill
		n    int
	}
	var lines []billLine
	for i := range bills {
		bills[i].Number = last - int64(len(bills)-1-i)
		for n := range bills[i].Lines {
			lines = append(lines, billLine{&bills[i], n})
		}
	}
	err = t.writeRows(ctx, newRows("billing_history", `number, kind, refers_to, user_id, plan_id, cycle, period_start,
		period_end, issued_at, due_at, status, subtotal_pico, rounding_pico, total_pico, cost_pico, settled_at,
		reference, terms`, "", len(bills), func(to encode.Sink, i int) {
		b := &bills[i]
		putAll(to, b.Number, b.Kind, nullID(b.RefersTo), b.UserID, b.PlanID, b.Cycle, b.Period.Start, b.Period.End,
			b.IssuedAt, b.DueAt, b.Status, b.Subtotal, b.Rounding, b.Total, b.Cost, nullTime(b.SettledAt),
			b.Reference, jsonText(b.Terms, b.Terms == nil))
	}))
	if err != nil {
		return err
	}
	const keys = "number, line, user_id, kind, description, period_start, period_end, provider, vendor, model, "
	columns := keys + totalColumns + ", amount_pico, unit_prices, charges"
	return t.writeRows(ctx, newRows("billing_lines", columns, "", len(lines), func(to encode.Sink, i int) {
		b, l := lines[i].bill, &lines[i].bill.Lines[lines[i].n]
		putAll(to, b.Number, lines[i].n+1, b.UserID, l.Kind, l.Description, l.Period.Start, l.Period.End,
			l.Provider, l.Vendor, l.Model)
		putAmounts(to, &l.Usage)
		putAll(to, l.Amount, jsonText(l.Prices, len(l.Prices) == 0), jsonText(l.Charges, l.Charges == nil))
	}))
}

// Settle implements billing.Tx.
func (t *tx) Settle(ctx context.Context, number int64, status billing.Status, at time.Time, reference string) error {
	return t.do(ctx, "UPDATE billing_history SET status = $1, settled_at = $2, reference = $3 WHERE number = $4",
		string(status), at, reference, number)
}

// SetPayment implements billing.Tx.
func (t *tx) SetPayment(ctx context.Context, number int64, id string) error {
	return t.do(ctx, "UPDATE billing_history SET payment_id = $1 WHERE number = $2", id, number)
}

// AddCredits implements billing.Tx.
func (t *tx) AddCredits(ctx context.Context, credits []billing.CreditEntry) error {
	const columns = "user_id, at, amount_pico, number, reason, actor, credit_key, reference"
	return t.writeRows(ctx, newRows("billing_credits", columns, "", len(credits), func(to encode.Sink, i int) {
		c := &credits[i]
		putAll(to, c.UserID, c.At, c.Amount, nullID(c.Number), c.Reason, c.Actor, c.Key, c.Reference)
	}))
}

// SaveBillingAccounts implements billing.Tx.
func (t *tx) SaveBillingAccounts(ctx context.Context, accounts []billing.BillingAccount) error {
	const columns = "user_id, closed_until, billed_from, closes_at, suspended_unpaid"
	return t.writeRows(ctx, newRows("billing_accounts", columns, overwrite("user_id", columns),
		len(accounts), func(to encode.Sink, i int) {
			a := &accounts[i]
			from := a.BilledFrom
			if from.IsZero() { // from the beginning on
				from = time.UnixMicro(0)
			}
			putAll(to, a.Account.UserID, a.ClosedUntil, from, nullTime(a.ClosesAt), a.SuspendedUnpaid)
		}))
}

// AddAudit implements billing.Tx.
func (t *tx) AddAudit(ctx context.Context, audit usage.Audit, subject string, before, after map[string]any) error {
	return t.audit(ctx, audit, subject, before, after)
}

// nullTime is a time that is NULL where it is zero, as nullID is for an id.
type nullTime time.Time

// putAll puts texts, integers, booleans and times, of whatever types; nil is an id that is missing.
func putAll(to encode.Sink, values ...any) {
	for _, value := range values {
		if at, ok := value.(nullTime); ok {
			putMomentOrNull(to, time.Time(at))
			continue
		}
		value, err := driver.DefaultParameterConverter.ConvertValue(value)
		switch v := value.(type) {
		case nil:
			to.NullInteger()
		case string:
			to.Text(v)
		case int64:
			to.Integer(v)
		case bool:
			to.Boolean(v)
		case time.Time:
			to.Moment(v.UnixMicro())
		default: // which no caller puts
			panic(fmt.Sprintf("a %T can't be put: %v", value, err))
		}
	}
}

func putIDOrNull(to encode.Sink, id int64) {
	if id == 0 {
		to.NullInteger()
		return
	}
	to.Integer(id)
}

func putMomentOrNull(to encode.Sink, at time.Time) {
	if at.IsZero() {
		to.NullMoment()
		return
	}
	to.Moment(at.UnixMicro())
}
