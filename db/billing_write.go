package db

import (
	"context"
	"encoding/json"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
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
	terms := make([]string, len(bills))
	var lines []numberedLine
	for i := range bills {
		b := &bills[i]
		b.Number = last - int64(len(bills)) + int64(i) + 1
		if terms[i], err = jsonOrNothing(b.Terms, b.Terms == nil); err != nil {
			return err
		}
		for n := range b.Lines {
			prices, err := jsonOrNothing(b.Lines[n].Prices, len(b.Lines[n].Prices) == 0)
			if err != nil {
				return err
			}
			lines = append(lines, numberedLine{b, n, prices})
		}
	}
	err = t.writeRows(ctx, rowsInto{"billing_history", func(source string) string {
		return `INSERT INTO billing_history (number, kind, refers_to, user_id, plan_id, cycle, period_start,
			period_end, issued_at, due_at, status,
			subtotal_pico, rounding_pico, total_pico, cost_pico, settled_at, reference, terms) ` + source
	}, len(bills), func(to sink, i int) { putBill(to, &bills[i], terms[i]) }})
	if err != nil {
		return err
	}
	return t.writeRows(ctx, rowsInto{"billing_lines", func(source string) string {
		return `INSERT INTO billing_lines (number, line, user_id, kind, description, period_start, period_end,
			provider, vendor, model, ` + totalColumns +
			`, amount_pico, unit_prices) ` + source
	}, len(lines), func(to sink, i int) { lines[i].put(to) }})
}

func jsonOrNothing(v any, nothing bool) (string, error) {
	if nothing {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// numberedLine is a line of a bill, and its place in it.
type numberedLine struct {
	bill   *billing.Bill
	place  int
	prices string
}

func (n numberedLine) put(to sink) {
	l := &n.bill.Lines[n.place]
	to.integer(n.bill.Number)
	to.integer(int64(n.place + 1))
	to.text(n.bill.UserID)
	to.text(string(l.Kind))
	to.text(l.Description)
	to.moment(l.Period.Start.UnixMicro())
	to.moment(l.Period.End.UnixMicro())
	for _, text := range [...]string{l.Provider, l.Vendor, l.Model} {
		to.text(text)
	}
	putAmounts(to, &l.Usage)
	to.integer(int64(l.Amount))
	to.text(n.prices)
}

func putBill(to sink, b *billing.Bill, terms string) {
	to.integer(b.Number)
	to.text(string(b.Kind))
	putIDOrNull(to, b.RefersTo)
	to.text(b.UserID)
	to.integer(b.PlanID)
	to.text(string(b.Cycle))
	for _, at := range [...]time.Time{b.Period.Start, b.Period.End, b.IssuedAt, b.DueAt} {
		to.moment(at.UnixMicro())
	}
	to.text(string(b.Status))
	for _, amount := range [...]int64{int64(b.Subtotal), int64(b.Rounding), int64(b.Total), int64(b.Cost)} {
		to.integer(amount)
	}
	putMomentOrNull(to, b.SettledAt)
	to.text(b.Reference)
	to.text(terms)
}

func putIDOrNull(to sink, id int64) {
	if id == 0 {
		to.nullInteger()
		return
	}
	to.integer(id)
}

func putMomentOrNull(to sink, at time.Time) {
	if at.IsZero() {
		to.nullMoment()
		return
	}
	to.moment(at.UnixMicro())
}

// Settle implements billing.Tx.
func (t *tx) Settle(ctx context.Context, number int64, status billing.Status, at time.Time, reference string) error {
	return t.do(ctx, "UPDATE billing_history SET status = $1, settled_at = $2, reference = $3 WHERE number = $4",
		string(status), at, reference, number)
}

// AddCredits implements billing.Tx.
func (t *tx) AddCredits(ctx context.Context, credits []billing.CreditEntry) error {
	return t.writeRows(ctx, rowsInto{"billing_credits", func(source string) string {
		return "INSERT INTO billing_credits (user_id, at, amount_pico, number, reason, actor) " + source
	}, len(credits), func(to sink, i int) {
		c := &credits[i]
		to.text(c.UserID)
		to.moment(c.At.UnixMicro())
		to.integer(int64(c.Amount))
		putIDOrNull(to, c.Number)
		to.text(c.Reason)
		to.text(c.Actor)
	}})
}

// SaveBillingAccounts implements billing.Tx.
func (t *tx) SaveBillingAccounts(ctx context.Context, accounts []billing.BillingAccount) error {
	return t.writeRows(ctx, rowsInto{"billing_accounts", func(source string) string {
		return "INSERT INTO billing_accounts (user_id, closed_until, billed_from, closes_at, suspended_unpaid) " + source +
			` ON CONFLICT (user_id) DO UPDATE SET closed_until = excluded.closed_until,
				billed_from = excluded.billed_from, closes_at = excluded.closes_at, suspended_unpaid = excluded.suspended_unpaid`
	}, len(accounts), func(to sink, i int) {
		f := &accounts[i]
		to.text(f.Account.UserID)
		to.moment(f.ClosedUntil.UnixMicro())
		if f.BilledFrom.IsZero() {
			to.moment(0) // from the beginning on
		} else {
			to.moment(f.BilledFrom.UnixMicro())
		}
		putMomentOrNull(to, f.ClosesAt)
		to.boolean(f.SuspendedUnpaid)
	}})
}

// AddAudit implements billing.Tx.
func (t *tx) AddAudit(ctx context.Context, audit usage.Audit, subject string, before, after map[string]any) error {
	return t.audit(ctx, audit, subject, before, after)
}
