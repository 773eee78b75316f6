// Package billing closes usage periods: it turns them into bills, renews or ends subscriptions, keeps credits and
// payments, and prepares what an accountant reads. Storage is behind small interfaces that package db implements.
package billing

import (
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Kind tells bills from the credit notes that correct them. Both are numbered in one series without gaps.
type Kind string

// The kinds.
const (
	Invoice    Kind = "bill"
	CreditNote Kind = "credit_note"
)

// Status says whether a bill has been settled.
type Status string

// The statuses. A credit note, and a bill of nothing, are paid from the start.
const (
	Open    Status = "open"
	PastDue Status = "past_due"
	Paid    Status = "paid"
	Void    Status = "void"
)

// Unpaid tells whether money is still owed.
func (s Status) Unpaid() bool { return s == Open || s == PastDue }

// Bill is what one subscription owes for one closed usage period, or the credit note that takes such a bill back. What
// is written on it never changes: only its status does, and what settled it.
type Bill struct {
	Number    int64 // from 1, without gaps
	Kind      Kind
	RefersTo  int64 // of a credit note: the bill that it corrects; else 0
	UserID    string
	Email     string        // the user's now; it is not part of the bill
	Contact   usage.Contact // likewise
	PlanID    int64
	PlanName  string     // the plan's name now
	Cycle     plan.Cycle // empty where the user had no subscription
	Period    plan.Period
	IssuedAt  time.Time
	DueAt     time.Time
	Status    Status
	SettledAt time.Time // when it was paid or voided; zero before
	Reference string    // of the payment, or the reason of a credit note
	PaymentID string    // that the payment was given; "" for none
	Lines     []Line    // in their order; nil where they were not asked for

	Subtotal pricing.USD // the sum of all lines but that of the rounding, exact
	Rounding pricing.USD // Total - Subtotal
	Total    pricing.USD // whole cents: Subtotal rounded once, half to even
	Cost     pricing.USD // what the usage on it cost, adjustments included
	Terms    *Terms      // nil where the plan allowed no overage
}

// Estimated returns of how many calls on the bill it was estimated what they used, what these cost, and how many calls
// there are in all. They are part of its usage, and change nothing of what is to be paid.
func (b *Bill) Estimated() (calls int64, cost pricing.Total, of int64) {
	for _, l := range b.Lines {
		if l.Kind == Usage || l.Kind == Adjustment {
			calls, of = usage.AtMost(calls, l.Usage.Estimated), usage.AtMost(of, l.Usage.Calls)
			cost = cost.Add(pricing.TotalOf(l.Usage.EstimatedCost))
		}
	}
	return calls, cost, of
}

// withinYear tells whether a line of the bill is the fee of 0 of a month of a year that was paid before: not that of a
// year that begins, whose period is the year.
func (b *Bill) withinYear(l Line) bool {
	return l.Kind == Fee && b.Cycle == plan.Yearly && l.Period == b.Period
}

// LineKind says what a line of a bill is for.
type LineKind string

// The kinds of lines, in the order in which they stand on a bill.
const (
	Fee        LineKind = "fee"        // of a paid cycle that begins in the period
	Proration  LineKind = "proration"  // a change of plan within a paid cycle
	Usage      LineKind = "usage"      // of a provider and model: shown at cost, billed 0
	Overage    LineKind = "overage"    // the part of it beyond the limits, where the plan allows it
	Adjustment LineKind = "adjustment" // what was found later about a closed period
	Credit     LineKind = "credit"     // of the user's balance, used up for this bill
	Carried    LineKind = "carried"    // what is owed to the user, moved to the balance
	Rounding   LineKind = "rounding"   // to whole cents
)

// Line is one line of a bill. The amounts of all lines sum to the bill's total.
type Line struct {
	Kind        LineKind
	Description string
	Period      plan.Period // the usage period, or the time that a fee is for
	Provider    string      // this and the next two of usage, overage and adjustments
	Vendor      string
	Model       string
	// Usage is how much was used, and its cost. It is negative where an adjustment takes back, and empty where the line is
	// of no usage.
	Usage  usage.Amounts
	Amount pricing.USD // what is billed
	Prices []UnitPrice // in force within Period, from the first on
	// Charges are what each price came to that was used: they sum to the usage's cost. nil where that is not known.
	Charges []Charge
}

// UnitPrice is a price that was in force in the period of a line.
type UnitPrice struct {
	From  time.Time              `json:"from"`            // since when, also before the period
	Rates map[string]pricing.USD `json:"rates"`           // of a unit by its name: input_token, …; without what is free
	Above *pricing.LongContext   `json:"above,omitempty"` // nil where long input costs no more
	Basis pricing.Basis          `json:"basis"`
	Model string                 `json:"model,omitempty"` // whose price it is, where the line's model has none of its own
	// Terms are what else the price charges: in service tiers, at some times, as reported (pricing.Price.Terms).
	Terms string `json:"terms,omitempty"`
}

// Query says which bills are wanted, oldest first.
type Query struct {
	UserID   string   // "" for everyone's
	Number   int64    // 0 for all
	Statuses []Status // nil for all
	Kind     Kind     // "" for both
	Lines    bool     // with their lines
	// UnsettledAt asks for bills that were issued by a moment and neither paid nor void then.
	UnsettledAt time.Time

	Month plan.Month // of the books; 0 for all: see Bill.BookedIn
	After int64      // only numbers above this one
	// Newest lists them the other way round: from the newest on, or of the page after a number those below it.
	Newest bool
	Limit  int // at most so many; 0 for all
}

// ParseStatuses reads a list of statuses with commas between them; "" is none.
func ParseStatuses(text string) ([]Status, error) {
	if text == "" {
		return nil, nil
	}
	known := []string{string(Open), string(PastDue), string(Paid), string(Void)}
	var statuses []Status
	for word := range strings.SplitSeq(text, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		if !slices.Contains(known, word) {
			return nil, failure.UnknownName(failure.Invalid, "status", word, known)
		}
		statuses = append(statuses, Status(word))
	}
	return statuses, nil
}

// LedgerAccount is the account in a ledger that a line belongs to. What the customer owes (receivable) is the sum of a
// bill's lines, whatever their account.
type LedgerAccount string

// The accounts.
const (
	FeeRevenue        LedgerAccount = "fees"           // revenue, also of prorations
	IncludedUsage     LedgerAccount = "included_usage" // billed 0: its cost is what the plan cost us
	OverageRevenue    LedgerAccount = "overage"        // revenue
	AdjustmentRevenue LedgerAccount = "adjustments"    // revenue of closed periods
	CustomerBalances  LedgerAccount = "credits"        // what we owe to customers
	RoundingDiffers   LedgerAccount = "rounding"       // gain or loss
)

// LedgerAccount returns the account of a line of this kind.
func (k LineKind) LedgerAccount() LedgerAccount {
	switch k {
	case Usage:
		return IncludedUsage
	case Overage:
		return OverageRevenue
	case Adjustment:
		return AdjustmentRevenue
	case Credit, Carried:
		return CustomerBalances
	case Rounding:
		return RoundingDiffers
	}
	return FeeRevenue
}
