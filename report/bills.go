package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// billView is a bill with its lines, of which there may be none.
type billView struct {
	billHeadView
	Lines []billLineView `json:"lines"`
}

// billHeadView is a bill in a list, which has no lines.
type billHeadView struct {
	billTitles
	billFacts
	billSums
}

// billTitles are the fields of a bill that come first.
type billTitles struct {
	Number   *int64       `json:"number"` // null for one that is not issued
	Kind     billing.Kind `json:"kind"`
	RefersTo *int64       `json:"refers_to"`
	UserID   string       `json:"user_id"`
	Email    *string      `json:"email"`
}

type billFacts struct {
	Plan      string         `json:"plan"`
	Cycle     *string        `json:"cycle"`
	Period    periodView     `json:"period"`
	IssuedAt  moment         `json:"issued_at"`
	DueAt     moment         `json:"due_at"`
	Status    billing.Status `json:"status"`
	SettledAt moment         `json:"settled_at"`
	Reference *string        `json:"reference"`
}

type billSums struct {
	Subtotal pricing.USD `json:"subtotal"`
	Rounding pricing.USD `json:"rounding"`
	Total    pricing.USD `json:"total"`
	Cost     pricing.USD `json:"cost"`
}

func viewBill(b billing.Bill) billView {
	return billView{viewBillHead(b), listOf(b.Lines, viewBillLine)}
}

func viewBillHead(b billing.Bill) billHeadView {
	return billHeadView{
		billTitles{numberOrNull(b.Number), b.Kind, numberOrNull(b.RefersTo), b.UserID, orNull(b.Email)},
		billFacts{b.PlanName, orNull(b.Cycle), viewPeriod(b.Period), moment(b.IssuedAt), moment(b.DueAt), b.Status, moment(b.SettledAt), orNull(b.Reference)},
		billSums{b.Subtotal, b.Rounding, b.Total, b.Cost}}
}

func numberOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func billHeader() []string {
	return []string{"number", "kind", "refers_to", "user_id", "email", "plan", "cycle", "period_start", "period_end", "issued_at", "due_at", "status",
		"settled_at", "reference", "subtotal", "rounding", "total", "cost"}
}

func billCells(b billing.Bill) []Cell {
	return []Cell{numberCellOrNone(b.Number), TextCell(string(b.Kind)), numberCellOrNone(b.RefersTo), TextCell(b.UserID), TextCell(b.Email), TextCell(b.PlanName),
		TextCell(string(b.Cycle)), TimeCell(b.Period.Start), TimeCell(b.Period.End), TimeCell(b.IssuedAt), TimeCell(b.DueAt), TextCell(string(b.Status)),
		TimeCell(b.SettledAt), TextCell(b.Reference), MoneyCell(b.Subtotal), MoneyCell(b.Rounding), MoneyCell(b.Total), MoneyCell(b.Cost)}
}

func numberCellOrNone(n int64) Cell {
	if n == 0 {
		return ""
	}
	return NumberCell(n)
}

// Bills shows a list of bills.
func Bills(bills []billing.Bill) Document {
	return listDocument(listOf(bills, viewBillHead), gridOf(billHeader(), bills, billCells), func(t *Text) error {
		if len(bills) == 0 {
			t.Note("no bills")
			return nil
		}
		return t.billTable(bills)
	})
}

// billTable writes a table of bills, with what is still owed below it.
func (t *Text) billTable(bills []billing.Bill) error {
	columns := []column{{"NUMBER", number}, {"USER", names}, {"PLAN", words}, {"PERIOD", words}, {"TOTAL", money}, {"COST", money}, {"STATUS", words}, {"DUE", words}}
	var total, unpaid pricing.Total
	for _, b := range bills {
		total = total.Add(pricing.TotalOf(b.Total))
		if b.Status.Unpaid() {
			unpaid = unpaid.Add(pricing.TotalOf(b.Total))
		}
	}
	tb := tableOf(columns, bills, func(b billing.Bill) []span {
		return []span{text(billNumber(b)), text(b.UserID), text(b.PlanName), text(shortPeriod(b.Period)), text(b.Total.Display()), text(b.Cost.Display()),
			billStatus(b), text(dueDay(b))}
	})
	tb.footer = []span{text(""), text(Counted(len(bills), "bill")), text(""), text(""), text(total.Display()), text(""), text(""), text("")}
	if err := t.table(tb); err != nil {
		return err
	}
	if unpaid.Cmp(pricing.Total{}) > 0 {
		t.Note("unpaid: %s", unpaid.Display())
	}
	return nil
}

func billNumber(b billing.Bill) string {
	if b.Number == 0 {
		return Dash
	}
	return strconv.FormatInt(b.Number, 10)
}

func dueDay(b billing.Bill) string {
	if !b.Status.Unpaid() {
		return Dash
	}
	return b.DueAt.UTC().Format(time.DateOnly)
}

// shortPeriod writes the days of a period; that of its end does not belong to it.
func shortPeriod(p plan.Period) string {
	return p.Start.UTC().Format(time.DateOnly) + " – " + p.End.UTC().Format(time.DateOnly)
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
