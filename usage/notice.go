package usage

import "time"

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds. What stands in a notice's data is said with each.
const (
	// ThresholdReached: limit, meter, action, used, max, percent, period_start,
	// period_end, and overage (allow) where the plan lets calls go on at an extra charge.
	ThresholdReached NoticeKind = "threshold_reached"
	// LimitReached is the same from 100 percent on.
	LimitReached NoticeKind = "limit_reached"
	// RenewalSoon: plan, cycle, price, renews_at.
	RenewalSoon NoticeKind = "renewal_soon"
	// Expired: plan, ended_at; also of a cancellation that has taken effect.
	Expired NoticeKind = "expired"
	// BillReady: number, kind, plan, total, credited (what it gives to the user's credit,
	// below 0 what it uses of it), period_start, period_end, due_at, status.
	BillReady NoticeKind = "bill_ready"
	// PastDue: number, total, due_at, suspends_at (empty where nobody is suspended).
	PastDue NoticeKind = "past_due"
	// Suspended: number, total, due_at.
	Suspended NoticeKind = "suspended"
	// ImportRejected, for the operators: file, rejected, conflicts, read, reason (the first).
	ImportRejected NoticeKind = "import_rejected"
	// PriceMissing, for the operators: provider, model, user_id, time.
	PriceMissing NoticeKind = "price_missing"
)

// Notice is something that a user or the operators should be told. It is kept in
// the transaction of its cause, and sent later.
type Notice struct {
	// Key says what it is about: of the same key there is never a second one.
	Key    string
	Kind   NoticeKind
	UserID string // "" where it is about nobody
	At     time.Time
	Data   map[string]string // money as exact decimals, times as RFC 3339
}
