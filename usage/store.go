package usage

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Store is the storage that metering needs.
type Store interface {
	// Update runs fn in one transaction that first locks the rows of the given users, adding those
	// that are new. It commits if fn returns nil and rolls back otherwise. Where the database asks
	// for it (a deadlock, a lost race for an event id), all of fn runs again, a bounded number of times.
	Update(ctx context.Context, users []string, now time.Time, fn func(Tx) error) error
	// Assume runs fn as Update does, where what it writes first is written by an assumption. What it reads before need
	// not be of one state, and where one statement does all there is no transaction around it.
	Assume(ctx context.Context, fn func(Tx) error) error
	// View runs fn on one consistent state of the database, for reading only.
	View(ctx context.Context, fn func(Reader) error) error
	// Load says how much one transaction takes best.
	Load() Load
}

// Load says how much one transaction takes best.
type Load struct {
	Rows  int           // of a file; single calls are few beside them
	Pause time.Duration // that is left to other processes after so many rows
	// Writers is how many transactions, of different users, go on at the same time; 0 counts as 1.
	Writers int
	// GoesOn: a file's transaction takes up what is read while it is under way, until it has so many rows. Else it has
	// those that were there when it began, so that all of their users are locked in one order.
	GoesOn bool
}

// Reader reads what decisions are made of.
type Reader interface {
	// CatalogueVersion returns a number that changes with plans, prices, providers and archived months.
	CatalogueVersion(ctx context.Context) (int64, error)
	// Book returns the prices and providers; of the named provider alone where one is given. Every
	// known provider is in it always.
	Book(ctx context.Context, provider string) (*pricing.Book, error)
	// Accounts returns the account of every given user, also of unknown ones.
	Accounts(ctx context.Context, users []string) (map[string]plan.Account, error)
	// UserKnown tells whether a user was ever seen.
	UserKnown(ctx context.Context, user string) (bool, error)
	// UserIDs returns the ids of the users after one, in their order, at most so many.
	UserIDs(ctx context.Context, after string, limit int) ([]string, error)
	// Totals returns what was used in each of the given periods.
	Totals(ctx context.Context, periods []PeriodKey) (map[PeriodKey][]ProviderUsage, error)
	// UsedPeriods returns when the periods of a user began in which there is usage, in their order.
	UsedPeriods(ctx context.Context, user string) ([]time.Time, error)
	// UsedUnder returns what was used in a period under a plan, which held between two moments of it.
	UsedUnder(ctx context.Context, key PeriodKey, planID int64, within plan.Period) ([]ProviderUsage, error)
	// Held returns the users' reservations that hold at now. Those taken in an earlier period are
	// among them: their calls will be recorded in this one.
	Held(ctx context.Context, users []string, now time.Time) (map[string][]Reservation, error)
	// Entries returns those of the events that are recorded, by id.
	Entries(ctx context.Context, ids []string) (map[string]Entry, error)
	// ArchivedMonths returns the months of which no log rows are left here, and the names of the
	// files that have them. It never returns nil.
	ArchivedMonths(ctx context.Context) (map[plan.Month]string, error)
	// TokenTerms returns the terms of API tokens, by id. Those that don't exist are left out.
	TokenTerms(ctx context.Context, ids []int64) (map[int64]TokenTerms, error)
	// TokenTotals returns what was used in each of the given periods of tokens.
	TokenTotals(ctx context.Context, periods []TokenPeriod) (map[TokenPeriod][]ProviderUsage, error)
	// HeldByTokens returns the reservations that were taken with tokens and hold at now.
	HeldByTokens(ctx context.Context, ids []int64, now time.Time) (map[int64][]Reservation, error)
	// Reservations returns the reservations that exist of some ids.
	Reservations(ctx context.Context, ids []string) ([]Reservation, error)
}

// Tx changes what a Reader reads.
type Tx interface {
	Reader
	// LockUsers locks the rows of users, adding those that are new, and notes in them who writes now. Where others
	// are to be skipped, those whom another transaction has locked are left out, and nothing waits.
	LockUsers(ctx context.Context, users []string, now time.Time, writer Writer, skip bool) (Locked, error)
	// LockTokens keeps other transactions that lock them away from tokens. Where others are to be skipped, those that
	// another transaction has are returned, and nothing waits. It comes after LockUsers.
	LockTokens(ctx context.Context, ids []int64, skip bool) (busy []int64, err error)
	// Write writes what a batch, or a part of it, has come to. A reservation that another transaction took meanwhile
	// under the same id for another user, or an event's id that it used, makes all of the transaction run again.
	Write(ctx context.Context, c Changes) error
	// AddAlerts adds alerts, but never the same threshold of a limit twice for a user and period,
	// and returns how many are new.
	AddAlerts(ctx context.Context, alerts []Alert) (int, error)
	// AddNotifications adds notifications, but never one whose key is there.
	AddNotifications(ctx context.Context, notifications []Notification) error
}

// Writer stands for one who keeps in memory what is known of users, such as a running recorder. Each user's row says
// who has written for that user last: if it is still the same writer, what it knows holds. NoWriter keeps nothing.
type Writer int64

// NoWriter is who keeps nothing in memory.
const NoWriter Writer = 0

// Locked tells what LockUsers did.
type Locked struct {
	Added   []string // users that are new
	Busy    []string // users that another transaction has locked, or is adding
	Changed []string // users for whom another writer has written last
}

// Changes are what one transaction writes.
type Changes struct {
	// Assumed is what was decided by without looking again. If it no longer holds, nothing is written, and the error is
	// ErrOutdated. Nil: all was read in this transaction.
	Assumed *Assumption

	Entries       []Entry // are added to the log and to its totals
	Reservations  []*Reservation
	Alerts        []Alert // that they are to be told stands with them until messages are sent
	Notifications []Notification
	RemovedUsers  []string // whom LockUsers has added

	Continues bool // the same transaction writes again: totals may wait for that
}

// Assumption is that nobody but one writer has written for some users since it knows of them, that no other transaction
// has them now, and that the catalogue is of a version.
type Assumption struct {
	Writer    Writer
	Users     []string // each once
	Catalogue int64
}

// ErrOutdated says that an assumption no longer holds.
var ErrOutdated = errors.New("what was known is outdated")

// PeriodKey names one usage period of one user.
type PeriodKey struct {
	UserID string
	Start  int64 // microseconds since 1970, so that equal moments are equal keys
}

// NewPeriodKey returns the key of the user's period that starts at a moment.
func NewPeriodKey(user string, start time.Time) PeriodKey { return PeriodKey{user, start.UnixMicro()} }

// ProviderUsage is what one user used of one provider, served by one vendor, in one
// usage period.
type ProviderUsage struct {
	Provider     string
	Vendor       string
	Calls        int64
	Errors       int64
	Unpriced     int64 // calls without a price
	InputTokens  int64
	OutputTokens int64
	Cost         pricing.USD

	Estimated     int64       // of the calls: those of which it was estimated what they used
	EstimatedCost pricing.USD // what they cost
}
