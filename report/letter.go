package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
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

// Letter is one bill or credit note as its user gets it.
type Letter struct {
	Bill        billing.Bill // with its lines
	Uses        []usage.Use  // how far the limits of its plan were used
	CorrectedBy int64        // the credit note that takes it back; 0 for none
}

// letter is a Letter in words and figures, the same on paper and on a page.
type letter struct {
	Name    string // "Bill 17", "Credit note 18"
	Company string
	From    []string // who sends it
	To      []string
	Facts   []letterFact
	Amount  string
	Claim   string // what is to be done about the amount
	Kind    string // of the claim: open, late, settled or void
	Groups  []letterGroup
	Sums    []letterFact // the last of them is the total
	Limits  []letterLimit
	Payment []string
	Notes   []string
}

type letterFact struct{ Name, Value string }

// letterGroup is the lines of a bill that are for the same.
type letterGroup struct {
	Title string
	Note  string
	Usage bool // its rows have costs
	Rows  []letterRow
}

type letterRow struct {
	Name   string
	Used   []string // what was used of each thing, and what one unit of it cost
	Note   string
	Cost   string
	Amount string
}

// Small is what stands small with the name.
func (r letterRow) Small() string {
	parts := r.Used
	if r.Note != "" {
		parts = append(parts[:len(parts):len(parts)], r.Note)
	}
	return strings.Join(parts, " · ")
}

type letterLimit struct {
	Name, Used, Max, Percent string
	Bar                      bar
}

// Is tells the kind of the claim, for templates.
func (l letter) Is(kind string) bool { return l.Kind == kind }

func letterOf(l Letter, from Sender, now time.Time) letter {
	b := l.Bill
	v := letter{Name: billName(b.Kind, b.Number), Company: Visible(from.Company), From: senderLines(from), To: recipient(b), Facts: letterFacts(l, now),
		Groups: groupsOf(b), Sums: sumsOf(b), Limits: limitsOf(l.Uses)}
	v.Amount, v.Claim, v.Kind = claimOf(l, now)
	if b.Status.Unpaid() && b.Total > 0 {
		v.Payment = visibleLines(from.PaymentNote)
	}
	if len(v.Groups) > 0 {
		v.Notes = append(v.Notes, "All amounts are in US dollars, all times in UTC. Usage is shown at its exact cost; what is billed is rounded once, to whole cents, half to even.")
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
			lines = append(lines, Visible(line))
		}
	}
	return lines
}

func senderLines(s Sender) []string {
	lines := append(visibleLines(s.Address), visibleLines(s.Email)...)
	if s.TaxID != "" {
		lines = append(lines, "Tax ID "+Visible(s.TaxID))
	}
	return lines
}

func recipient(b billing.Bill) []string {
	to := []string{Visible(b.UserID)}
	if b.Email != "" && b.Email != b.UserID {
		to = append(to, Visible(b.Email))
	}
	return to
}

func letterFacts(l Letter, now time.Time) []letterFact {
	b := l.Bill
	facts := []letterFact{{"Number", fmt.Sprint(b.Number)}, {"Date", dayForPeople(b.IssuedAt)}, {"Period", daysOf(b.Period)}, {"Plan", Visible(b.PlanName)}}
	if b.Cycle != "" {
		facts[3].Value += ", " + string(b.Cycle)
	}
	if b.Kind == billing.CreditNote {
		facts = append(facts, letterFact{"Takes back", billName(billing.Invoice, b.RefersTo)})
	} else if b.Total > 0 && b.Status != billing.Void {
		facts = append(facts, letterFact{"Due", dayForPeople(b.DueAt)})
	}
	return append(facts, letterFact{"Status", statusOfLetter(l, now)})
}

func statusOfLetter(l Letter, now time.Time) string {
	b := l.Bill
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
func claimOf(l Letter, now time.Time) (amount, claim, kind string) {
	b := l.Bill
	amount = b.Total.Roundly()
	switch statusOfLetter(l, now) {
	case "credited":
		amount, claim, kind = noteWorth(b), noteClaim(b), "settled"
	case "void":
		claim, kind = "void: nothing is to be paid", "void"
		if l.CorrectedBy != 0 {
			claim = "void: taken back by " + lowerFirst(billName(billing.CreditNote, l.CorrectedBy))
		}
	case "nothing to pay":
		claim, kind = "nothing is to be paid", "settled"
	case "paid":
		claim, kind = "paid, thank you", "settled"
		if !b.SettledAt.IsZero() {
			claim = "paid on " + dayForPeople(b.SettledAt) + ", thank you"
		}
	case "overdue":
		claim, kind = "was due on "+dayForPeople(b.DueAt), "late"
	default:
		claim, kind = "due by "+dayForPeople(b.DueAt), "open"
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

// noteWorth is the amount of a credit note: what is no longer owed, and what goes to the
// user's credit, or comes from it.
func noteWorth(b billing.Bill) string {
	worth := toCredit(b) - b.Total
	return max(worth, -worth).Roundly()
}

// noteClaim says where the amount of a credit note goes.
func noteClaim(b billing.Bill) string {
	credit, of := toCredit(b), lowerFirst(billName(billing.Invoice, b.RefersTo))
	claim := "credited: it takes back " + of
	switch {
	case credit > 0 && b.Total == 0:
		claim = "added to your credit: it takes back " + of
	case credit > 0:
		claim += ", of which " + credit.Roundly() + " went to your credit"
	case credit < 0:
		claim = "taken back from your credit, where " + of + " had added it"
	}
	if b.Reference != "" {
		claim += " (" + Visible(b.Reference) + ")"
	}
	return claim
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func sumsOf(b billing.Bill) []letterFact {
	name := "Total to pay"
	switch {
	case b.Kind == billing.CreditNote && b.Total != 0:
		name = "Total credited"
	case !b.Status.Unpaid():
		name = "Total"
	}
	var sums []letterFact
	if b.Rounding != 0 {
		sums = append(sums, letterFact{"Subtotal", b.Subtotal.Display()}, letterFact{"Rounding to whole cents", b.Rounding.Display()})
	}
	sums = append(sums, letterFact{name, b.Total.Display()})
	if credit := toCredit(b); b.Kind == billing.CreditNote && credit > 0 {
		sums = append(sums, letterFact{"Added to your credit", credit.Display()})
	} else if b.Kind == billing.CreditNote && credit < 0 {
		sums = append(sums, letterFact{"Taken back from your credit", credit.Display()})
	}
	return sums
}

// limitsOf shows the limits of which anything was used.
func limitsOf(uses []usage.Use) []letterLimit {
	var limits []letterLimit
	for _, u := range uses {
		if u.Used == 0 {
			continue
		}
		l := letterLimit{Name: strings.ReplaceAll(Visible(u.Limit.Name), "_", " "), Used: measure{u.Limit.Meter, u.Used}.forPeople(), Max: maximumForPeople(u.Limit),
			Bar: bar{Class: "revenue", Track: true}}
		if perMille, ok := u.PerMille(); ok {
			l.Percent, l.Bar.Width = shortPercent(perMille), int(min(perMille, 1000)/10)
			if u.Limit.Meter == plan.Cost {
				l.Used, l.Max = pricing.USD(u.Used).RoundlyOf(pricing.USD(u.Limit.Max))
			}
		}
		limits = append(limits, l)
	}
	return limits
}
