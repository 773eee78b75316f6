package report

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Recorded shows what became of one event.
func Recorded(o usage.Outcome) Document {
	e, over := o.Entry, len(o.OverLimit) > 0
	return recordedFields(o).document(func(t *Text) {
		t.line(good.of(string(o.Status)), text(" "+e.ID+": "), strong.of(e.Cost.Display()),
			text(" ("+costReason(e)+"), period "+Period(o.Period)))
		if o.Status == usage.Duplicate {
			t.Note("it was recorded before, with the same content: nothing has changed")
		}
		if e.Counts() && e.Basis == pricing.Unpriced {
			t.Warning("there is no price for %s: its cost is 0 until it is rated again",
				strings.TrimSpace(e.Provider+" "+e.Model))
		}
		if over {
			t.Warning("over the limit: %s", strings.Join(o.OverLimit, ", "))
		}
		if o.Overage {
			t.Note("it is overage: the plan allows it, and bills what is beyond the limit")
		}
		if o.Note != "" {
			t.Note("%s", o.Note)
		}
		if o.NewUser {
			t.Note("new user: %s was never seen before", e.UserID)
		}
	})
}

func recordedFields(o usage.Outcome) fields {
	e := o.Entry
	return fields{
		{"id", "", e.ID}, {"status", "", o.Status}, {"cost", "", e.Cost}, {"pricing", "", e.Basis},
		{"period", "", o.Period}, {"over_limit", "", len(o.OverLimit) > 0},
		{"over_limits", "", o.OverLimit}, // their names
		{"overage", "", jsonOnly(orAbsent(o.Overage))}, {"note", "", jsonOnly(orAbsent(o.Note))},
		{"new_user", "", jsonOnly(orAbsent(o.NewUser))},
	}
}

// RecordedList shows what became of each event of a list. hint words what to do about a failure.
func RecordedList(outcomes []usage.Outcome, hint func(*failure.Error) string) Document {
	return rowsOf(outcomes, func(o usage.Outcome) fields {
		all := recordedFields(o)
		if o.Err == nil {
			return append(all, field{"error", "", orNull(name(""))})
		}
		e := o.Entry
		all = fields{{"id", "", orNull(e.ID)}, {"status", "", o.Status}, {"cost", "", orNull(name(""))}}
		all = append(all, field{"error", "", jsonOnly(failureFields(o.Err, hint))})
		if o.Refusal != nil {
			all = append(all, field{"resets_at", "", jsonOnly(o.Refusal.ResetsAt())},
				field{"decision", "", jsonOnly(decisionFields(*o.Refusal))})
		}
		return all
	}).document("id status cost", "no events")
}

// failureFields are what went wrong, and what can be done about it. What is a fault of the program is told in logs
// alone.
func failureFields(err error, hint func(*failure.Error) string) fields {
	f, known := errors.AsType[*failure.Error](err)
	if !known || f.Code == failure.Internal {
		return fields{{"code", "", string(failure.Internal)}, {"message", "", "a fault of the program"}}
	}
	return fields{{"code", "", string(f.Code)}, {"message", "", Visible(f.Message)},
		{"hint", "", orAbsent(Visible(hint(f)))}, {"reason", "", orAbsent(f.Reason)}}
}

// costReason says where the cost of an event comes from.
func costReason(e usage.Entry) string {
	if !e.Counts() {
		return "a failed call"
	}
	return basis(e.Basis)
}

// Import sums up an import.
func Import(r usage.ImportResult) Document {
	took := seconds(r.Elapsed)
	problems := rowsOf(r.Problems, func(p usage.ImportProblem) fields {
		return fields{{"line", "LINE", p.Line}, {"reason", "WHY IT WAS NOT RECORDED", shown(p.Reason, bad.of(p.Reason))}}
	})
	reasons := rowsOf(r.Reasons, func(p usage.ImportReason) fields {
		return fields{{"rows", "ROWS", p.Rows}, {"reason", "WHY THEY ARE BAD", p.Reason}}
	})
	all := fields{
		{"read", "read", shown(r.Read, text(failure.Counted(r.Read, "row")))},
		{"recorded", "recorded", shown(r.Recorded, strong.of(Count(r.Recorded)))},
		{"duplicates", "duplicates", r.Duplicates},
		{"rejected", "rejected", flagged(r.Rejected, bad)},
		{"conflicts", "conflicts", flagged(r.Conflicts, bad)},
		{"unpriced", "unpriced", flagged(r.Unpriced, caution)},
		{"over_limit", "over limit", flagged(r.OverLimit, caution)},
		{"cost", "cost", shown(r.Cost, strong.of(r.Cost.Display()))},
		{"seconds", "time", shown(took, text(string(took)+" s"+speed(r.Read, r.Elapsed)))},
		{"averaged", "", r.Averaged}, {"without_tier_price", "", r.NoTier},
		{"problems", "", problems},
		{"unread_fields", "", listOf(r.Unread, func(f usage.UnreadField) fields {
			return fields{{"name", "", f.Name}, {"rows", "", f.Rows}}
		})},
		{"reasons", "", reasons},
	}
	var models, limits rows
	if r.DryRun != nil {
		models, limits = costsOfModels(r.DryRun.Models), crossedLimits(r.DryRun.Limits)
		all = append(all, field{"dry_run", "", true}, field{"models", "", models}, field{"limits", "", limits})
	}
	return all.document(func(t *Text) {
		t.facts(all.pick(""))
		t.importNotes(r)
		if len(r.Problems) > 0 {
			t.Gap()
			t.table(problems.table(""))
			if more := r.Rejected + r.Conflicts - int64(len(r.Problems)); more > 0 {
				t.Note("and %s more", Count(more))
				t.Gap()
				t.table(reasons.table(""))
			}
		}
		for _, list := range []rows{models, limits} {
			if list.count > 0 {
				t.Gap()
				t.table(list.table(""))
			}
		}
	})
}

// importNotes says what the numbers of an import don't.
func (t *Text) importNotes(r usage.ImportResult) {
	if r.Averaged > 0 {
		t.Note("%s of several calls: whether the prices of long ones hold was decided by their average of input tokens",
			failure.Counted(r.Averaged, "row"))
	}
	if r.NoTier > 0 {
		t.Note("%s of a service tier for which there is no price: the usual one was taken",
			failure.Counted(r.NoTier, "row"))
	}
	if r.DryRun != nil {
		t.Note("a dry run: nothing was recorded")
	}
	if len(r.Unread) > 0 {
		names := listOf(r.Unread, func(f usage.UnreadField) string {
			return f.Name + " (" + failure.Counted(f.Rows, "row") + ")"
		})
		t.Note("not fields of an event, and not read: %s", strings.Join(names, ", "))
	}
}

func costsOfModels(models []usage.ModelCost) rows {
	return rowsOf(models, func(m usage.ModelCost) fields {
		return fields{{"provider", "PROVIDER", m.Provider}, {"model", "MODEL", m.Model},
			{"pricing", "PRICE", string(m.Basis)}, {"calls", "CALLS", m.Calls}, {"cost", "COST", m.Cost}}
	})
}

func crossedLimits(limits []usage.CrossedLimit) rows {
	return rowsOf(limits, func(c usage.CrossedLimit) fields {
		return fields{{"user_id", "USER", name(c.UserID)}, {"period_start", "PERIOD FROM", day(c.PeriodStart)},
			{"limit", "LIMIT", c.Limit.Name}, {"meter", "", c.Limit.Meter},
			{"threshold", "WOULD REACH", shown(c.Threshold, threshold(c.Threshold))},
			{"used", "USED", measure{c.Limit.Meter, c.Used}}, {"max", "MAXIMUM", maximum(c.Limit)},
			{"action", "ACTION", c.Limit.Action}}
	})
}

// seconds writes a duration as a JSON number with at most three decimals.
func seconds(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(float64(d.Milliseconds())/1000, 'f', -1, 64))
}

// speed says how many rows a second were read, where that means anything.
func speed(rows int64, elapsed time.Duration) string {
	ms := elapsed.Milliseconds()
	if rows == 0 || ms <= 0 {
		return ""
	}
	return " (" + failure.Counted(rows*1000/ms, "row") + " a second)"
}
