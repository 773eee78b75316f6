package usage

import (
	"context"
	"net/mail"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// ValidateEmail returns an invalid failure unless a text is a mail address alone, or empty.
func ValidateEmail(email string) error {
	if email == "" {
		return nil
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 254 {
		return failure.Invalidf("email is %q: it must be an address such as alice@example.com", failure.Shorten(email))
	}
	return nil
}

// User is one line of the list of users.
type User struct {
	UserID       string
	Email        string
	Contact      Contact
	PlanName     string
	NextPlanName string             // that the subscription changes to; empty for none
	Subscription *plan.Subscription // nil: on the default plan
	CreatedAt    time.Time
}

// Audit says who changes something, when, and by which command.
type Audit struct {
	At     time.Time
	Actor  string
	Action string
}

// AuditEntry is a change that an admin made.
type AuditEntry struct {
	ID      int64
	At      time.Time
	Actor   string
	Action  string // "pricing set", "plans apply", "users cancel", …
	Subject string // what was changed: a plan, a model, a user
	Before  string // JSON; empty where there was nothing
	After   string // JSON; empty where there is nothing left
}

// StorageStatus describes the database.
type StorageStatus struct {
	Kind          string // sqlite or postgresql
	Version       string // of the database software
	Location      string // URL or path, never with a password
	Encoding      string // of text; it must be UTF8
	SchemaVersion int64
	SchemaNeeded  int64 // the version that this binary works with
	SizeBytes     int64
	Tables        []TableStatus
}

// TableStatus is how many rows a table has.
type TableStatus struct {
	Name string
	Rows int64
}

// Discrepancy is a total that is not the sum of its log rows, archived or not.
type Discrepancy struct {
	Table  string
	Key    string // which total: user, period or day, provider, vendor, model
	Field  string
	Log    string // what the log adds up to
	Stored string
}

// Reconciliation compares the totals with the log.
type Reconciliation struct {
	LogRows       int64
	ArchivedRows  int64 // whose sums were kept when they were moved to files
	Summaries     int64
	Daily         int64
	FleetDaily    int64
	UserMonthly   int64
	Rollups       bool          // FleetDaily and UserMonthly were compared with Daily
	Discrepancies []Discrepancy // at most MostDiscrepancies of them
	More          bool          // there are more
	Repaired      bool
}

// MostDiscrepancies is how many discrepancies are listed one by one.
const MostDiscrepancies = 100

// Reconciler is the storage that reconciliation needs.
type Reconciler interface {
	// Reconcile compares every total with its log rows; with repair it rebuilds the totals that differ, in the same
	// transaction.
	Reconcile(ctx context.Context, repair bool) (Reconciliation, error)
}
