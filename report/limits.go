package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// limitRows are limits, and how far each is used.
func limitRows(verdicts []usage.LimitVerdict) rows {
	return rowsOf(verdicts, func(v usage.LimitVerdict) fields {
		l := v.Limit
		return fields{
			{"name", "LIMIT", shown(l.Name, limitName(v))},
			{"meter", "", l.Meter}, {"scope", "", scope(l.Scope)},
			{"used", "USED", measure{l.Meter, v.Used}},
			{"reserved", "RESERVED", measure{l.Meter, v.Reserved}},
			{"requested", "REQUESTED", measure{l.Meter, v.Requested}},
			{"max", "MAXIMUM", shown(maximum(l), limitMaximum(l))},
			{"percent", "", percent(v.LimitUse)}, {"bar", "", peopleOnly(shown("", limitBar(v.LimitUse)))},
			{"action", "", l.Action}, {"ok", "", v.OK},
			// The call is beyond the limit, and passes since the plan allows it.
			{"overage", "", jsonOnly(orAbsent(v.Overage))},
			// It is a limit of an API token, and begins anew then.
			{"token", "", jsonOnly(orAbsent(v.Token))}, {"resets_at", "", jsonOnly(orAbsent(v.ResetsAt))},
		}
	})
}

// limits writes limits with their bars; what is reserved and requested only where there is any.
func (t *Text) limits(verdicts []usage.LimitVerdict) {
	columns := []string{"name used"}
	if slices.ContainsFunc(verdicts, func(v usage.LimitVerdict) bool { return v.Reserved != 0 }) {
		columns = append(columns, "reserved")
	}
	if slices.ContainsFunc(verdicts, func(v usage.LimitVerdict) bool { return v.Requested != 0 }) {
		columns = append(columns, "requested")
	}
	t.table(limitRows(verdicts).table(strings.Join(append(columns, "max bar"), " ")))
}

func limitName(v usage.LimitVerdict) span {
	name := text(v.Name())
	if v.Limit.Action == plan.Warn {
		name.text += " (warns)"
	}
	if v.Overage {
		name.text += " (overage)"
		name.style = caution
	}
	if !v.OK && v.Requested > 0 {
		name.style = bad
		if v.Limit.Action == plan.Warn {
			name.style = caution
		}
	}
	return name
}

// limitMaximum leaves to the bar's column what is no amount.
func limitMaximum(l plan.Limit) span {
	if l.Unlimited || l.Max == 0 {
		return dim.of(Dash)
	}
	return text(Amount(l.Meter, l.Max))
}

// barCells is how wide the bar of a limit is.
const barCells = 20

// limitBar draws how full a limit is: "██████████████░░░░░░  66.0%".
func limitBar(u usage.LimitUse) span {
	switch {
	case u.Limit.Unlimited:
		return dim.of("unlimited")
	case u.Limit.Max == 0:
		return dim.of(notInPlan)
	}
	perMille, _ := u.PerMille()
	// What is used at all shows, and only what is full looks full.
	filled := min(perMille*barCells/1000, barCells)
	bar := strings.Repeat("█", int(filled)) + strings.Repeat("░", int(barCells-filled))
	if filled == 0 && u.Used > 0 {
		bar = partialCell(perMille) + strings.Repeat("░", barCells-1)
	}
	return span{fmt.Sprintf("%s %6s", bar, ShortPercent(perMille)), barStyle(perMille)}
}

// partialCell is the first cell of a bar where not all of it is filled, in eighths.
func partialCell(perMille int64) string {
	eighths := []rune("▏▎▍▌▋▊▉")
	return string(eighths[min(perMille*barCells*8/1000, int64(len(eighths)-1))])
}

// barStyle is the colour of a bar: the steps are those of the default alerts.
func barStyle(perMille int64) style {
	switch {
	case perMille >= 1000:
		return bad
	case perMille >= 800:
		return caution
	}
	return good
}

// decisionFields are a decision, and what was reserved for the call. The limits are in
// JSON: a script that reads CSV asks for the answer.
func decisionFields(j usage.Decision) fields {
	all := fields{
		{"allowed", "", j.Allowed}, {"reason", "", orNull(j.Reason)}, {"message", "", j.Message},
		{"user_id", "user", j.Call.UserID},
		{"provider", "", j.Call.Provider}, {"model", "", j.Call.Model}, {"vendor", "", j.Call.Vendor},
		{"plan", "plan", shown(j.Plan.Name, text(j.Plan.Name+" ("+string(j.Status)+")"))},
		{"status", "", j.Status}, // of the subscription
		{"period", "period", j.Period},
		{"estimated_cost", "estimate", shown(j.EstimatedCost, text(j.EstimatedCost.Display()+" ("+basis(j.Basis)+")"))},
		{"pricing", "", orNull(j.Basis)}, {"limits", "", limitRows(j.Limits)}, {"rates", "", jsonOnly(rates(j.Plan.Rates))},
	}
	if j.Token != "" { // whose limit or rate refuses
		all = append(all, field{"token", "", jsonOnly(j.Token)})
	}
	if j.RetryAfter > 0 { // in whole seconds, as HTTP has it
		all = append(all, field{"retry_after", "", jsonOnly(int64((j.RetryAfter + time.Second - 1) / time.Second))})
	}
	r := j.Reservation
	if r == nil {
		return append(all, field{"reservation", "", csvOnly(fields{{"id", "", ""}, {"expires_at", "", ""}})})
	}
	held := shown(fields{{"id", "", r.ID}, {"expires_at", "", r.ExpiresAt}}, text(r.ID+", until "+Time(r.ExpiresAt)))
	return append(all, field{"reservation", "reservation", held})
}

// Decision shows whether a call passes, and what was reserved for it.
func Decision(j usage.Decision) Document {
	all := decisionFields(j)
	return all.document(func(t *Text) {
		t.line(answerSpan(j.Allowed), text(": "+messageWithoutAnswer(j)))
		t.facts(all.pick(""))
		if len(j.Limits) == 0 {
			t.Note("no limit of the plan counts this call")
			return
		}
		t.Gap()
		t.limits(j.Limits)
	})
}

func answerSpan(allowed bool) span {
	if allowed {
		return good.of("allowed")
	}
	return bad.of("refused")
}

// messageWithoutAnswer is the message without the word that stands before it already.
func messageWithoutAnswer(j usage.Decision) string {
	if j.Allowed && j.Message == "allowed" {
		return "every limit has room"
	}
	if j.Allowed {
		return strings.TrimPrefix(j.Message, "allowed, ")
	}
	return j.Message
}

// Explanation shows a decision step by step.
func Explanation(j usage.Decision) Document {
	steps := rowsOf(j.Explain(), func(s usage.Step) fields {
		return fields{{"name", "STEP", s.Name}, {"text", "WHAT IT SAYS", s.Text}}
	})
	return Document{JSON: append(decisionFields(j), field{"steps", "", steps}), CSV: steps, Text: func(t *Text) {
		t.line(answerSpan(j.Allowed), text(": "+j.Call.UserID+", "+j.Call.Provider+" "+j.Call.Model))
		tb := steps.table("")
		tb.columns = append([]column{{kind: number}}, tb.columns...)
		for i, row := range tb.rows {
			tb.rows[i] = append([]span{dim.of(Count(int64(i + 1)))}, row...)
		}
		t.table(tb)
	}}
}

// Limits shows a user's limits in a period, and when they begin anew.
func Limits(st usage.PeriodUsage) Document {
	limits := limitRows(st.Limits)
	all := fields{{"user_id", "", st.UserID}, {"plan", "plan", st.Plan.Name}, {"status", "", st.LimitStatus},
		{"subscription", "subscription", st.Status}, {"period", "period", st.Period}, {"resets_at", "", st.Period.End},
		{"limits", "", limits}}
	return Document{JSON: all, CSV: limits, Text: func(t *Text) {
		t.facts(all.pick(""))
		t.limits(st.Limits)
	}}
}

func reservationFields(r usage.Reservation, status string) fields {
	return fields{
		{"id", "ID", r.ID},
		{"user_id", "USER", name(r.UserID)},
		{"provider", "PROVIDER", r.Provider},
		{"model", "MODEL", orDash(name(r.Model))},
		{"vendor", "", r.Vendor}, {"period_start", "", r.PeriodStart},
		{"calls", "CALLS", r.Calls},
		{"tokens", "TOKENS", r.Tokens},
		{"cost", "COST", r.Cost},
		{"status", "STATUS", status}, // held, expired, settled, released
		{"created_at", "", r.CreatedAt},
		{"expires_at", "UNTIL", r.ExpiresAt},
		{"closed_at", "", r.ClosedAt}, {"event_id", "", orNull(r.EventID)},
		{"token_id", "", jsonOnly(orAbsent(r.TokenID))},
	}
}

// Reservations shows reservations as they stand at a moment.
func Reservations(list []usage.Reservation, now time.Time) Document {
	return rowsOf(list, func(r usage.Reservation) fields {
		if r.Status == usage.Held && !r.HoldsAt(now) {
			return reservationFields(r, "expired")
		}
		return reservationFields(r, string(r.Status))
	}).document("", "no reservations")
}

// Released shows a reservation that was given back.
func Released(r usage.Reservation) Document {
	return reservationFields(r, string(r.Status)).says("%s %s: %s, %s and %s of %s can be used again", r.Status, r.ID,
		failure.Counted(r.Calls, "call"), failure.Counted(r.Tokens, "token"), r.Cost.Display(), r.UserID)
}
