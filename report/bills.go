package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// billFields are the fields of a bill, which may have lines beside them.
func billFields(b billing.Bill) fields {
	return fields{
		{"number", "NUMBER", shown(orNull(id(b.Number)), text(billNumber(b)))}, // null for one that is not issued
		{"kind", "", b.Kind},
		{"refers_to", "", orNull(b.RefersTo)},
		{"user_id", "USER", name(b.UserID)},
		{"email", "EMAIL", orNull(b.Email)},
		{"plan", "PLAN", b.PlanName},
		{"cycle", "CYCLE", orNull(b.Cycle)},
		{"period", "PERIOD", shown(b.Period, text(days(b.Period)))},
		{"issued_at", "ISSUED", b.IssuedAt},
		{"due_at", "DUE", shown(b.DueAt, text(dueDay(b)))},
		{"status", "STATUS", shown(b.Status, billStatus(b))},
		{"settled_at", "", b.SettledAt},
		{"reference", "REFERENCE", orNull(b.Reference)},
		{"subtotal", "", b.Subtotal},
		{"rounding", "", b.Rounding},
		{"total", "TOTAL", b.Total},
		{"cost", "COST", b.Cost},
	}
}

// Bills shows a list of bills.
func Bills(bills []billing.Bill) Document {
	list := rowsOf(bills, billFields)
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		if len(bills) == 0 {
			t.Note("no bills")
			return
		}
		t.billTable(bills)
	}}
}

// billTable writes a table of bills, with what is still owed below it.
func (t *Text) billTable(bills []billing.Bill) {
	var total, unpaid pricing.Total
	for _, b := range bills {
		total = total.Add(pricing.TotalOf(b.Total))
		if b.Status.Unpaid() {
			unpaid = unpaid.Add(pricing.TotalOf(b.Total))
		}
	}
	tb, none := rowsOf(bills, billFields).table("number user_id plan period total cost status due_at"), text("")
	t.table(tb.total(none, text(Counted(len(bills), "bill")), none, none, text(total.Display()), none, none, none))
	if unpaid.Cmp(pricing.Total{}) > 0 {
		t.Note("unpaid: %s", unpaid.Display())
	}
}

func dueDay(b billing.Bill) string {
	if !b.Status.Unpaid() {
		return Dash
	}
	return b.DueAt.UTC().Format(time.DateOnly)
}

func billStatus(b billing.Bill) span {
	if b.Kind == billing.CreditNote {
		return dim.of("credit note for " + strconv.FormatInt(b.RefersTo, 10))
	}
	switch b.Status {
	case billing.Paid:
		return good.of("paid")
	case billing.Open:
		return caution.of("open")
	case billing.PastDue:
		return bad.of("past due")
	}
	return dim.of(string(b.Status))
}

func billNumber(b billing.Bill) string {
	if b.Number == 0 {
		return Dash
	}
	return strconv.FormatInt(b.Number, 10)
}
