package usage

import (
	"context"
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
	// View runs fn on one consistent state of the database, for reading only.
	View(ctx context.Context, fn func(Reader) error) error
	// NewWatch returns a watch for one who runs one transaction after another.
	NewWatch() Watch
	// Load says how much one transaction takes best.
	Load() Load
}

// Load says how much one transaction takes best.
type Load struct {
	Rows  int           // of a file; single calls are few beside them
	Pause time.Duration // that is left to other processes after so many rows
}

// Watch notices what others change.
type Watch interface {
	// Quiet tells whether nobody but the transactions that ask it has changed anything since it was
	// asked last. It is asked once in a transaction, when the users are locked.
	Quiet(ctx context.Context, tx Tx) (bool, error)
}

// Reader reads what decisions are made of.
type Reader interface {
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
	Totals(ctx context.Context, periods []PeriodKey) (map[PeriodKey][]Total, error)
	// Held returns the users' reservations that hold at now. Those taken in an earlier period are
	// among them: their calls will be recorded in this one.
	Held(ctx context.Context, users []string, now time.Time) (map[string][]Reservation, error)
	// Entries returns those of the events that are recorded, by id.
	Entries(ctx context.Context, ids []string) (map[string]Entry, error)
	// ArchivedMonths returns the months of which no log rows are left here, and the names of the
	// files that have them. It never returns nil.
	ArchivedMonths(ctx context.Context) (map[Month]string, error)
	// Reservations returns those reservations of some ids that there are.
	Reservations(ctx context.Context, ids []string) ([]Reservation, error)
}

// Tx changes what a Reader reads.
type Tx interface {
	Reader
	// LockUsers locks the rows of users, adding those that are new. Where others are to be skipped,
	// those whom another transaction has locked are left out, and nothing waits.
	LockUsers(ctx context.Context, users []string, now time.Time, skip bool) (Locked, error)
	// RemoveUsers removes users that LockUsers has added.
	RemoveUsers(ctx context.Context, users []string) error
	// Append adds log rows and, before the commit, what they add to the totals.
	Append(ctx context.Context, entries []Entry) error
	// SaveReservations adds reservations or updates their status. No two have one id.
	SaveReservations(ctx context.Context, reservations []*Reservation) error
	// AddAlerts adds alerts, but never the same threshold of a limit twice for a user and period,
	// and returns how many are new. That they are to be told stands with them until messages are sent.
	AddAlerts(ctx context.Context, alerts []Alert) (int, error)
	// AddNotifications adds notifications, but never one whose key is there.
	AddNotifications(ctx context.Context, notifications []Notification) error
}

// Locked tells what LockUsers did.
type Locked struct {
	Added []string // users that are new
	Busy  []string // users that another transaction has locked
}

// PeriodKey names one usage period of one user.
type PeriodKey struct {
	UserID string
	Start  int64 // microseconds since 1970, so that equal moments are equal keys
}

// NewPeriodKey returns the key of the user's period that starts at a moment.
func NewPeriodKey(user string, start time.Time) PeriodKey { return PeriodKey{user, start.UnixMicro()} }

// Total is what one user used of one provider, served by one vendor, in one
// usage period.
type Total struct {
	Provider     string
	Vendor       string
	Calls        int64
	Errors       int64
	Unpriced     int64 // calls without a price
	InputTokens  int64
	OutputTokens int64
	Cost         pricing.USD
}
