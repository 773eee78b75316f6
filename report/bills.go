package report

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// lineFields are the fields of a line but the first, and without prices.
func lineFields(l billing.Line) fields {
	cost := l.Usage.Cost.Display()
	if l.Provider == "" {
		cost = Dash
	}
	return slices.Concat(fields{
		{"description", "FOR", shown(name(l.Description), text(lineText(l)))},
		{"used", "USED", peopleOnly(name(usedText(l.Usage)))},
		{"period", "", l.Period}, {"provider", "", orNull(l.Provider)}, {"vendor", "", orNull(l.Vendor)},
		{"model", "", orNull(l.Model)}, {"calls", "", l.Usage.Calls}, {"errors", "", l.Usage.Errors},
		{"unpriced_calls", "", l.Usage.Unpriced},
	}, quantities(l.Usage.Quantities, pricing.InputTokens), estimated(l.Usage.Estimated, l.Usage.EstimatedCost), fields{
		{"cost", "COST", shown(l.Usage.Cost, text(cost))},
		{"amount", "BILLED", l.Amount},
		{"unit_prices", "", listOf(l.Prices, unitPriceFields)},
		{"charges", "", nullUnless(l.Charges != nil || l.Usage.Cost == 0, listOf(l.Charges, chargeFields))},
	})
}

// unitPriceFields are a price that was in force in the period of a line.
func unitPriceFields(u billing.UnitPrice) fields {
	var terms pricing.Price
	if err := terms.SetTerms(u.Terms); err != nil { // which no bill has
		terms = pricing.Price{}
	}
	return slices.Concat(fields{
		{"effective_from", "", u.From}, {"pricing", "", u.Basis}, {"priced_as", "", orAbsent(u.Model)},
		{"rates", "", value{json: u.Rates}}, // for one unit, by its name
	}, longContextFields(u.Above), termsFields(terms))
}

// numberedLine is a line and its place on the bill, from 1.
type numberedLine struct {
	place int
	billing.Line
}

func numberedLines(b billing.Bill) []numberedLine {
	place := 0
	return listOf(b.Lines, func(l billing.Line) numberedLine {
		place++
		return numberedLine{place, l}
	})
}

func lineRows(b billing.Bill) rows {
	return rowsOf(numberedLines(b), func(l numberedLine) fields {
		return append(fields{
			{"number", "", csvOnly(orNull(id(b.Number)))}, {"line", "", csvOnly(l.place)},
			{"kind", "", shown(l.Kind, dim.of(string(l.Kind)))},
		}, lineFields(l.Line)...)
	})
}

// Bill shows one bill with its lines; in CSV the lines alone.
func Bill(b billing.Bill) Document {
	return Document{JSON: billWithLines(b), CSV: lineRows(b), Text: func(t *Text) { t.bill(b) }}
}

func billWithLines(b billing.Bill) fields {
	calls, cost, _ := b.Estimated()
	return append(append(billFields(b), estimated(calls, cost)...), field{"lines", "", lineRows(b)})
}

// bill writes a bill as a person reads it.
func (t *Text) bill(b billing.Bill) {
	t.Title("%s", t.billTitle(b))
	facts := billFields(b).pick("user_id email plan cycle period issued_at status due_at reference")
	facts[4].value = b.Period
	t.facts(facts)
	t.Gap()
	t.table(lineRows(b).table("kind description used cost amount").
		total(strong.of("total"), text(""), text(""), text(b.Cost.Display()), strong.of(b.Total.Display())))
	if calls, cost, of := b.Estimated(); calls != 0 {
		noteEstimated(t, calls, of, cost)
	}
	t.billPrices(b)
}

func (t *Text) billTitle(b billing.Bill) string {
	switch {
	case b.Number == 0 && b.IssuedAt.Before(b.Period.End):
		return "the bill of " + b.UserID + ", if the period ended now"
	case b.Number == 0:
		return "a bill of " + b.UserID + t.hint(", ", "bill_not_written")
	case b.Kind == billing.CreditNote:
		return "credit note " + billNumber(b) + ", for bill " + strconv.FormatInt(b.RefersTo, 10)
	}
	return "bill " + billNumber(b)
}

// lineText says what a line is for; of a fee also for which time.
func lineText(l billing.Line) string {
	if l.Kind == billing.Fee || l.Kind == billing.Proration {
		return l.Description + ", " + l.Period.Start.UTC().Format(time.DateOnly) + " – " +
			l.Period.End.UTC().Format(time.DateOnly)
	}
	return l.Description
}

// usedText lists the quantities of a line that are not 0.
func usedText(a usage.Amounts) string {
	var parts []string
	add := func(n int64, count, thing, things string) {
		switch {
		case n == 0:
		case count == "1":
			parts = append(parts, "1 "+thing)
		default:
			parts = append(parts, count+" "+things)
		}
	}
	add(a.Calls, Count(a.Calls), "call", "calls")
	add(a.Errors, Count(a.Errors), "error", "errors")
	for i, n := range a.Quantities {
		if q := pricing.Quantity(i); q != pricing.Requests {
			add(n, CountOf(q, n), strings.ReplaceAll(q.Unit(), "_", " "), strings.ReplaceAll(q.String(), "_", " "))
		}
	}
	return strings.Join(parts, ", ")
}

// Preview shows the bills of periods that have ended and are not closed yet, and that of
// the running period as if it ended now.
func Preview(due []billing.Bill, running billing.Bill) Document {
	all := fields{{"due", "", listOf(due, billWithLines)}, {"running", "", billWithLines(running)}}
	return Document{JSON: all, CSV: lineRows(running), Text: func(t *Text) {
		for _, b := range due {
			b.Number = 0
			t.bill(b)
			t.Gap()
		}
		running.Number = 0
		t.bill(running)
	}}
}

// billFields are the fields of a bill, which may have lines beside them.
func billFields(b billing.Bill) fields {
	all := fields{
		{"number", "NUMBER", shown(orNull(id(b.Number)), text(billNumber(b)))}, // null for one that is not issued
		{"kind", "", b.Kind}, {"refers_to", "", orNull(b.RefersTo)},
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
		{"subtotal", "", b.Subtotal}, {"rounding", "", b.Rounding},
		{"total", "TOTAL", b.Total},
		{"cost", "COST", b.Cost},
	}
	return append(all, contactFields(b.Contact)...)
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
	t.table(tb.total(none, text(failure.Counted(len(bills), "bill")), none, none, text(total.Display()), none, none, none))
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

// Credits shows what users got as credit, and what bills used up of it.
func Credits(entries []billing.CreditEntry) Document {
	list := rowsOf(entries, func(c billing.CreditEntry) fields {
		return fields{
			{"user_id", "USER", name(c.UserID)},
			{"at", "WHEN", day(c.At)},
			{"amount", "AMOUNT", c.Amount},
			{"number", "BILL", orNull(id(c.Number))},
			{"reason", "REASON", name(c.Reason)},
			{"actor", "BY", name(c.Actor)},
			{"id", "", orNull(c.Key)},
			{"reference", "", orNull(c.Reference)},
		}
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		if len(entries) == 0 {
			t.Note("no credit")
			return
		}
		left := pricing.Total{}
		for _, c := range entries {
			left = left.Add(pricing.TotalOf(c.Amount))
		}
		columns := "at user_id amount number reason actor"
		t.table(list.table(columns).total(text("left"), text(""), text(left.Display()), text(""), text(""), text("")))
	}}
}

// Credit shows what a user got as credit, and the balance then.
func Credit(c billing.Credited) Document {
	done := "added " + c.Amount.Display() + " to the credit of"
	switch {
	case c.Duplicate:
		done = "known already: " + c.Amount.Display() + " of " + c.At.UTC().Format(time.DateOnly) + " for"
	case c.Amount < 0:
		done = "took " + (-c.Amount).Display() + " from the credit of"
	}
	return fields{
		{"user_id", "", c.UserID}, {"id", "", orNull(c.Key)}, {"status", "", recordedOr(c.Duplicate)},
		{"amount", "", c.Amount}, {"reason", "", c.Reason}, {"reference", "", orNull(c.Reference)},
		{"balance", "", c.Balance},
	}.says("%s %s: %s is there now", done, c.UserID, c.Balance.Display())
}

// recordedOr is the status of what may have been recorded before.
func recordedOr(duplicate bool) usage.Status {
	if duplicate {
		return usage.Duplicate
	}
	return usage.Recorded
}

// PaidBill shows a bill that was paid, with the payment and what the user has and owes now.
func PaidBill(p billing.PaidBill) Document {
	b := p.Bill
	payment := fields{{"id", "", orNull(b.PaymentID)}, {"status", "", recordedOr(p.Duplicate)}, {"amount", "", b.Total},
		{"reference", "", orNull(b.Reference)}, {"balance", "", p.Balance}, {"unpaid", "", p.Unpaid}}
	return Document{JSON: append(billWithLines(b), field{"payment", "", payment}), CSV: lineRows(b),
		Text: func(t *Text) {
			t.bill(b)
			done := "paid"
			if p.Duplicate {
				done = "known already: paid"
			}
			t.Note("%s: %s of bill %d; %s has %s of credit now and owes %s", done, b.Total.Display(), b.Number, b.UserID,
				p.Balance.Display(), p.Unpaid.Display())
		}}
}

// shownDrafts is how many bills a dry run lists for people.
const shownDrafts = 30

// Closing says what closing periods did or, with the bills it would have written, what it would do.
func Closing(c billing.Closing, dry bool, drafts []billing.Bill) Document {
	for i := range drafts {
		drafts[i].Number = 0 // it gets one when it is written
	}
	failures := listOf(c.Failures, func(f billing.UserFailure) fields {
		return fields{{"user_id", "", f.UserID}, {"code", "", failure.CodeOf(f.Err)}, {"message", "", f.Err.Error()}}
	})
	all := fields{
		{"dry_run", "", dry}, {"users", "", c.Users}, {"bills", "", c.Bills}, {"billed", "", c.Billed},
		{"renewed", "renewed", c.Renewed},
		{"plan_changes", "plan changes", c.Changed},
		{"expired", "ended", c.Expired},
		{"past_due", "past due", flagged(c.PastDue, caution)},
		{"suspended", "suspended", flagged(c.Suspended, bad)},
		{"failures", "failed", csvOnly(flagged(len(c.Failures), bad))},
		{"failures", "", failures},
	}
	if len(drafts) > 0 {
		all = append(all, field{"would_write", "", rowsOf(drafts, billFields)})
	}
	return all.document(func(t *Text) {
		t.drafts(drafts, dry)
		verb := "written"
		if dry {
			verb = "to be written"
		}
		t.Line("%s %s, %s in all", failure.Counted(c.Bills, "bill"), verb, c.Billed.Display())
		t.facts(all.pick(""))
		for _, f := range c.Failures[:min(len(c.Failures), shownDrafts)] {
			t.Warning("%s: %s", f.UserID, f.Err)
		}
		t.more(len(c.Failures)-shownDrafts, "failure")
		if dry {
			t.Note("nothing was changed: this was a dry run")
		}
	})
}

// drafts writes the bills that a dry run would write.
func (t *Text) drafts(drafts []billing.Bill, dry bool) {
	if !dry || len(drafts) == 0 {
		return
	}
	shown := drafts[:min(len(drafts), shownDrafts)]
	t.billTable(shown)
	if more := len(drafts) - len(shown); more > 0 {
		t.Note("and %s more: -o json lists all", failure.Counted(more, "bill"))
	}
	t.Gap()
}
