// Package statement shows bills and credit notes as their user gets them: as an HTML page
// and as a PDF. It is the only importer of fpdf.
package statement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/usage"
)

// Sender is the company that sends a bill. All of it may be "".
type Sender struct {
	Company     string
	Address     string // line by line
	Email       string
	TaxID       string
	PaymentNote string // how to pay
}

// Statement is one bill or credit note as its user gets it.
type Statement = billing.Statement

// view is a Statement in words and figures, the same in a PDF and on a page.
type view struct {
	Name    string // "Bill 17", "Credit note 18"
	Company string
	From    []string // who sends it
	To      []string
	Facts   []fact
	Amount  string
	Claim   string // what is to be done about the amount
	Kind    string // of the claim: open, late, settled or void
	Groups  []group
	Sums    []fact // the last of them is the total
	Limits  []limit
	Payment []string
	Notes   []string
}

type fact struct{ Name, Value string }

// group is the lines of a bill that are for the same.
type group struct {
	Title string
	Note  string
	Usage bool // its rows have costs
	Rows  []row
}

type row struct {
	Name   string
	Used   []string // what was used of each thing, and what one unit of it cost
	Note   string
	Cost   string
	Amount string
}

// Small is what stands small with the name.
func (r row) Small() string {
	parts := r.Used
	if r.Note != "" {
		parts = append(parts[:len(parts):len(parts)], r.Note)
	}
	return strings.Join(parts, " · ")
}

type limit struct {
	Name, Used, Max, Percent string
	Bar                      page.Bar
}

// Is tells the kind of the claim, for templates.
func (v view) Is(kind string) bool { return v.Kind == kind }

func viewsOf(statements []Statement, from Sender, now time.Time) []view {
	var views []view
	for _, s := range statements {
		views = append(views, viewOf(s, from, now))
	}
	return views
}

func viewOf(s Statement, from Sender, now time.Time) view {
	b := s.Bill
	v := view{Name: billName(b.Kind, b.Number), Company: report.Visible(from.Company), From: senderLines(from),
		To: recipient(b), Facts: factsOf(s, now),
		Groups: groupsOf(b, s.WithCost), Sums: sumsOf(b), Limits: limitsOf(s.Uses, s.WithCost)}
	v.Amount, v.Claim, v.Kind = claimOf(s, now)
	if b.Status.Unpaid() && b.Total > 0 {
		v.Payment = visibleLines(from.PaymentNote)
	}
	if len(v.Groups) > 0 {
		note, billed := "All amounts are in US dollars, all times in UTC. ",
			"hat is billed is rounded once, to whole cents, half to even."
		if s.WithCost {
			note += "Usage is shown at its exact cost; w" + billed
		} else {
			note += "W" + billed
		}
		v.Notes = append(v.Notes, note)
	}
	if calls, cost, of := b.Estimated(); calls != 0 {
		note := "Usage, " + report.EstimatedShare(calls, of)
		if s.WithCost {
			note += ", " + cost.Display() + " of its cost"
		}
		v.Notes = append(v.Notes, note+": their providers did not say what these calls used.")
	}
	return v
}

// billName names a bill, or the credit note that takes one back.
func billName(kind billing.Kind, number int64) string {
	name := "Bill"
	if kind == billing.CreditNote {
		name = "Credit note"
	}
	return fmt.Sprintf("%s %d", name, number)
}

// visibleLines splits a text of several lines; \n written out counts as the end of one
// too, since a variable of the environment is hard to write otherwise.
func visibleLines(text string) []string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, `\n`, "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, report.Visible(line))
		}
	}
	return lines
}

func senderLines(s Sender) []string {
	lines := append(visibleLines(s.Address), visibleLines(s.Email)...)
	if s.TaxID != "" {
		lines = append(lines, "Tax ID "+report.Visible(s.TaxID))
	}
	return lines
}

func recipient(b billing.Bill) []string {
	to := slices.Concat(visibleLines(b.Contact.Name), visibleLines(b.Contact.Address), visibleLines(b.Contact.Country))
	if b.Contact.TaxID != "" {
		to = append(to, "Tax ID "+report.Visible(b.Contact.TaxID))
	}
	to = append(to, report.Visible(b.UserID))
	if b.Email != "" && b.Email != b.UserID {
		to = append(to, report.Visible(b.Email))
	}
	return to
}

func factsOf(s Statement, now time.Time) []fact {
	b := s.Bill
	facts := []fact{{"Number", fmt.Sprint(b.Number)}, {"Date", page.Day(b.IssuedAt)}, {"Period", page.Days(b.Period)},
		{"Plan", report.Visible(b.PlanName)}}
	if b.Cycle != "" {
		facts[3].Value += ", " + string(b.Cycle)
	}
	if b.Kind == billing.CreditNote {
		facts = append(facts, fact{"Takes back", billName(billing.Invoice, b.RefersTo)})
	} else if b.Total > 0 && b.Status != billing.Void {
		facts = append(facts, fact{"Due", page.Day(b.DueAt)})
	}
	return append(facts, fact{"Status", statusOf(s, now)})
}

func statusOf(s Statement, now time.Time) string {
	b := s.Bill
	switch {
	case b.Kind == billing.CreditNote:
		return "credited"
	case b.Status == billing.Void:
		return "void"
	case b.Status == billing.Paid && b.Total == 0:
		return "nothing to pay"
	case b.Status == billing.Paid:
		return "paid"
	case billing.DaysOverdue(b, now) > 0:
		return "overdue"
	}
	return "open"
}

// claimOf says what the amount of a bill is about.
func claimOf(s Statement, now time.Time) (amount, claim, kind string) {
	b := s.Bill
	amount = b.Total.Rounded()
	switch statusOf(s, now) {
	case "credited":
		amount, claim, kind = creditNoteAmount(b), creditNoteClaim(b), "settled"
	case "void":
		claim, kind = "void: nothing is to be paid", "void"
		if s.CorrectedBy != 0 {
			claim = "void: taken back by " + lowerFirst(billName(billing.CreditNote, s.CorrectedBy))
		}
	case "nothing to pay":
		claim, kind = "nothing is to be paid", "settled"
	case "paid":
		claim, kind = "paid, thank you", "settled"
		if !b.SettledAt.IsZero() {
			claim = "paid on " + page.Day(b.SettledAt) + ", thank you"
		}
	case "overdue":
		claim, kind = "was due on "+page.Day(b.DueAt), "late"
	default:
		claim, kind = "due by "+page.Day(b.DueAt), "open"
	}
	return amount, claim, kind
}

// toCredit returns what a bill or credit note changes of its user's credit.
func toCredit(b billing.Bill) pricing.USD {
	sum := pricing.USD(0)
	for _, l := range b.Lines {
		if l.Kind == billing.Credit || l.Kind == billing.Carried {
			sum += l.Amount
		}
	}
	return sum
}

// creditNoteAmount is the amount of a credit note: what is no longer owed, and what goes to the
// user's credit, or comes from it.
func creditNoteAmount(b billing.Bill) string {
	worth := toCredit(b) - b.Total
	return max(worth, -worth).Rounded()
}

// creditNoteClaim says where the amount of a credit note goes.
func creditNoteClaim(b billing.Bill) string {
	credit, of := toCredit(b), lowerFirst(billName(billing.Invoice, b.RefersTo))
	claim := "credited: it takes back " + of
	switch {
	case credit > 0 && b.Total == 0:
		claim = "added to your credit: it takes back " + of
	case credit > 0:
		claim += ", of which " + credit.Rounded() + " went to your credit"
	case credit < 0:
		claim = "taken back from your credit, where " + of + " had added it"
	}
	if b.Reference != "" {
		claim += " (" + report.Visible(b.Reference) + ")"
	}
	return claim
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func sumsOf(b billing.Bill) []fact {
	name := "Total to pay"
	switch {
	case b.Kind == billing.CreditNote && b.Total != 0:
		name = "Total credited"
	case !b.Status.Unpaid():
		name = "Total"
	}
	var sums []fact
	if b.Rounding != 0 {
		sums = append(sums, fact{"Subtotal", b.Subtotal.Display()}, fact{"Rounding to whole cents", b.Rounding.Display()})
	}
	sums = append(sums, fact{name, b.Total.Display()})
	if credit := toCredit(b); b.Kind == billing.CreditNote && credit > 0 {
		sums = append(sums, fact{"Added to your credit", credit.Display()})
	} else if b.Kind == billing.CreditNote && credit < 0 {
		sums = append(sums, fact{"Taken back from your credit", credit.Display()})
	}
	return sums
}

// limitsOf shows the limits of which anything was used. How much of a limit of cost was used is a share of it, where
// the cost is not shown.
func limitsOf(uses []usage.LimitUse, withCost bool) []limit {
	var limits []limit
	for _, u := range uses {
		hidden := u.Limit.Meter == plan.Cost && !withCost
		if _, ok := u.PerMille(); u.Used == 0 || hidden && !ok {
			continue
		}
		l := limit{Name: strings.ReplaceAll(report.Visible(u.Limit.Name), "_", " "),
			Used: report.Amount(u.Limit.Meter, u.Used), Max: report.Maximum(u.Limit),
			Bar: page.Bar{Class: "revenue", Track: true}}
		if perMille, ok := u.PerMille(); ok {
			l.Percent, l.Bar.Width = report.ShortPercent(perMille), int(min(perMille, 1000)/10)
			if hidden {
				l.Used, l.Max = l.Percent, "100%"
			} else if u.Limit.Meter == plan.Cost {
				l.Used, l.Max = pricing.USD(u.Used).RoundedOf(pricing.USD(u.Limit.Max))
			}
		}
		limits = append(limits, l)
	}
	return limits
}
