package report

import (
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

type closingView struct {
	DryRun    bool               `json:"dry_run"`
	Users     int64              `json:"users"`
	Bills     int64              `json:"bills"`
	Billed    pricing.Total      `json:"billed"`
	Renewed   int64              `json:"renewed"`
	Changed   int64              `json:"plan_changes"`
	Expired   int64              `json:"expired"`
	PastDue   int64              `json:"past_due"`
	Suspended int64              `json:"suspended"`
	Failures  []closeFailureView `json:"failures"`
	Drafts    []billHeadView     `json:"would_write,omitempty"`
}

type closeFailureView struct {
	UserID  string       `json:"user_id"`
	Code    failure.Code `json:"code"`
	Message string       `json:"message"`
}

// shownDrafts is how many bills a rehearsal lists for people.
const shownDrafts = 30

// Closing says what closing periods did or, with the bills it would have written, what it
// would do.
func Closing(c billing.Closing, dry bool, drafts []billing.Bill) Document {
	view := closingView{dry, c.Users, c.Bills, c.Billed, c.Renewed, c.Changed, c.Expired, c.PastDue, c.Suspended, listOf(c.Failures, viewCloseFailure), nil}
	for _, b := range drafts {
		b.Number = 0 // it gets one when it is written
		view.Drafts = append(view.Drafts, viewBillHead(b))
	}
	grid := Grid{
		Header: []string{"dry_run", "users", "bills", "billed", "renewed", "plan_changes", "expired", "past_due", "suspended", "failures"},
		Rows: [][]Cell{{BoolCell(dry), NumberCell(c.Users), NumberCell(c.Bills), MoneyCell(c.Billed), NumberCell(c.Renewed), NumberCell(c.Changed), NumberCell(c.Expired),
			NumberCell(c.PastDue), NumberCell(c.Suspended), NumberCell(int64(len(c.Failures)))}},
	}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error { return t.closing(c, dry, drafts) }}
}

func viewCloseFailure(f billing.UserFailure) closeFailureView {
	return closeFailureView{f.UserID, failure.CodeOf(f.Err), f.Err.Error()}
}

func (t *Text) closing(c billing.Closing, dry bool, drafts []billing.Bill) error {
	if dry && len(drafts) > 0 {
		shown := drafts[:min(len(drafts), shownDrafts)]
		for i := range shown {
			shown[i].Number = 0
		}
		if err := t.billTable(shown); err != nil {
			return err
		}
		if more := len(drafts) - len(shown); more > 0 {
			t.Note("and %s more: -o json lists all", Counted(more, "bill"))
		}
		t.Gap()
	}
	verb := "written"
	if dry {
		verb = "to be written"
	}
	t.Line("%s %s, %s in all", Counted(c.Bills, "bill"), verb, c.Billed.Display())
	t.facts(factOf("renewed", Count(c.Renewed)), factOf("plan changes", Count(c.Changed)), factOf("ended", Count(c.Expired)),
		fact{"past due", countSpan(c.PastDue, caution)}, fact{"suspended", countSpan(c.Suspended, bad)}, fact{"failed", countSpan(int64(len(c.Failures)), bad)})
	for i, f := range c.Failures {
		if i == shownDrafts {
			t.Note("and %s more", Counted(len(c.Failures)-i, "failure"))
			break
		}
		t.Warning("%s: %s", f.UserID, f.Err)
	}
	if dry {
		t.Note("nothing was changed: this was a rehearsal")
	}
	return nil
}

type creditView struct {
	UserID  string      `json:"user_id"`
	Balance pricing.USD `json:"balance"`
}

// Credit shows a user's balance.
func Credit(user string, balance pricing.USD) Document {
	grid := Grid{[]string{"user_id", "balance"}, [][]Cell{{TextCell(user), MoneyCell(balance)}}}
	return Document{JSON: creditView{user, balance}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s has %s of credit", user, balance.Display())
		return nil
	}}
}
