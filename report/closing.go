package report

import (
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

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

// Credit shows a user's balance.
func Credit(user string, balance pricing.USD) Document {
	return fields{{"user_id", "", user}, {"balance", "", balance}}.says("%s has %s of credit", user, balance.Display())
}

// shownDrafts is how many bills a rehearsal lists for people.
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
			t.Note("nothing was changed: this was a rehearsal")
		}
	})
}

// drafts writes the bills that a rehearsal would write.
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
