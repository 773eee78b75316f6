package usage

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// NotificationKind says what a notification is about.
type NotificationKind string

// The kinds, each with the data of its notifications.
const (
	// ThresholdReached: limit, meter, action, used, max, percent, period_start, period_end, and overage (allow) if the
	// plan lets calls go on at an extra charge.
	ThresholdReached NotificationKind = "threshold_reached"
	// LimitReached is the same from 100 percent on.
	LimitReached NotificationKind = "limit_reached"
	// RenewalSoon: plan, cycle, price, renews_at.
	RenewalSoon NotificationKind = "renewal_soon"
	// Expired, also for a cancellation that has taken effect: plan, ended_at.
	Expired NotificationKind = "expired"
	// BillReady: number, kind, plan, total, credited (added to the user's credit, or taken from it if negative),
	// period_start, period_end, due_at, status.
	BillReady NotificationKind = "bill_ready"
	// PastDue: number, total, due_at, suspends_at ("" if nobody is suspended).
	PastDue NotificationKind = "past_due"
	// Suspended: number, total, due_at.
	Suspended NotificationKind = "suspended"
	// ImportRejected, for the operators: file, rejected, conflicts, read, reason (the first).
	ImportRejected NotificationKind = "import_rejected"
	// PriceMissing, for the operators: provider, model, user_id, time.
	PriceMissing NotificationKind = "price_missing"
)

// Notification is something that a user or the operators should be told. It is stored in the transaction of its cause,
// and delivered later.
type Notification struct {
	Key    string // says what it is about: there is never a second notification with the same key
	Kind   NotificationKind
	UserID string // "" if it is about nobody
	At     time.Time
	Data   map[string]string // money as exact decimals, times as RFC 3339
}

// fullPercent is the percentage of a limit at which nothing is left of it.
const fullPercent = 100

// Notification returns what the user is told about an alert.
func (a *Alert) Notification() Notification {
	kind := ThresholdReached
	if a.Threshold >= fullPercent {
		kind = LimitReached
	}
	start, percent := a.PeriodStart.UTC().Format(time.RFC3339), strconv.Itoa(a.Threshold)
	data := map[string]string{
		"limit": a.Limit.Name, "meter": string(a.Limit.Meter), "action": string(a.Limit.Action),
		"used": a.Limit.Amount(a.Used), "max": a.Limit.MaxText(), "percent": percent, "period_start": start,
	}
	if a.Overage {
		data["overage"] = "allow"
	}
	if !a.PeriodEnd.IsZero() {
		data["period_end"] = a.PeriodEnd.UTC().Format(time.RFC3339)
	}
	if a.Repeats > 0 {
		percent += "-" + strconv.Itoa(a.Repeats+1)
	}
	// The user comes last: a user's id may contain colons, and keys must stay different.
	return Notification{Key: strings.Join([]string{"alert", start, percent, a.Limit.Name, a.UserID}, ":"),
		Kind: kind, UserID: a.UserID, At: a.CreatedAt, Data: data}
}

// missingPrices remembers which models have no price, so that each is reported once and the thousandth call without a
// price costs only a look into memory.
type missingPrices struct {
	seen    map[unpricedModel]bool
	unsaved []Notification // to be stored with the events that caused them
}

type unpricedModel struct{ provider, model string }

// note notes that an entry has no price. It is reported once a month, as long as it lasts, in the month in which it is
// recorded.
func (m *missingPrices) note(e *Entry) {
	model := unpricedModel{provider: e.Provider, model: e.Model}
	if m.seen[model] {
		return
	}
	if m.seen == nil {
		m.seen = map[unpricedModel]bool{}
	}
	m.seen[model] = true
	m.unsaved = append(m.unsaved, Notification{
		Key:  strings.Join([]string{"price", e.RecordedAt.UTC().Format("2006-01"), e.Provider, e.Model}, ":"),
		Kind: PriceMissing, At: e.RecordedAt,
		Data: map[string]string{"provider": e.Provider, "model": e.Model, "user_id": e.UserID,
			"time": e.Time.UTC().Format(time.RFC3339)},
	})
}

// take returns what is to be stored, ordered by key, so that two transactions that store the same do not wait for each
// other in a circle.
func (m *missingPrices) take() []Notification {
	unsaved := m.unsaved
	m.unsaved = nil
	slices.SortFunc(unsaved, func(a, b Notification) int { return strings.Compare(a.Key, b.Key) })
	return unsaved
}

// rejectedNotification returns what the operators are told about an import with rows that were not recorded. Each run
// has its own: the same file may have been corrected and spoilt again.
func (r *ImportResult) rejectedNotification(run, file string, now time.Time) Notification {
	data := map[string]string{
		"file": file, "read": strconv.FormatInt(r.Read, 10),
		"rejected": strconv.FormatInt(r.Rejected, 10), "conflicts": strconv.FormatInt(r.Conflicts, 10),
	}
	if len(r.Problems) > 0 {
		data["reason"] = "line " + strconv.FormatInt(r.Problems[0].Line, 10) + ": " + r.Problems[0].Reason
	}
	return Notification{Key: "import:" + run, Kind: ImportRejected, At: now, Data: data}
}
