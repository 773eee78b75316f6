package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Store is the storage that metering needs.
type Store interface {
	// Update runs fn in one transaction that first locks the rows of the given
	// users, making those that are new. It commits if fn returns nil and rolls
	// back otherwise. Where the database asks for it (a deadlock, a lost race
	// for an event id), all of fn runs again, a bounded number of times.
	Update(ctx context.Context, users []string, now time.Time, fn func(Tx) error) error
	// View runs fn on one consistent state of the database, for reading only.
	View(ctx context.Context, fn func(Reader) error) error
	// Bulk says how many events are best recorded.
	Bulk() Bulk
	// Watches returns a watch for each of so many writers, who record side by side, and
	// each for users of their own.
	Watches(writers int) []Watch
}

// Watch notices what others change.
type Watch interface {
	// Quiet tells whether nobody has changed anything since the watch was asked last, but
	// for the transactions that ask it and those that ask the watches it was made with.
	// It is asked once, when the users are locked.
	Quiet(ctx context.Context, tx Tx) (bool, error)
}

// Bulk says how the storage records many events fastest.
type Bulk struct {
	// Writers is how many transactions may run side by side. One alone is never sent
	// back to run again.
	Writers int
	// A transaction is committed once it has so many rows, or has lasted so long.
	Rows    int
	Longest time.Duration
	// Pause is what a writer leaves to others after each commit.
	Pause time.Duration
	// Unique says that a transaction is sent back which appends an event that is
	// recorded already: so it need not be looked for as long as most are new.
	Unique bool
	// Memory is how many bytes the program may use beside the storage itself: 200 MB in
	// all are enough for files of any size.
	Memory int64
}

// Reader reads what decisions are made of.
type Reader interface {
	// Book returns the prices and providers; of the named provider alone where
	// one is given. Every known provider is in it always.
	Book(ctx context.Context, provider string) (*pricing.Book, error)
	// Accounts returns the account of every given user, also of unknown ones.
	Accounts(ctx context.Context, users []string) (map[string]plan.Account, error)
	// UserKnown tells whether a user was ever seen.
	UserKnown(ctx context.Context, user string) (bool, error)
	// UserIDs returns the ids of the users after one, in their order, at most so many.
	UserIDs(ctx context.Context, after string, limit int) ([]string, error)
	// Totals returns what was used in each of the given periods.
	Totals(ctx context.Context, periods []PeriodKey) (map[PeriodKey][]Total, error)
	// Held returns the users' reservations that hold at now. Those taken in an
	// earlier period are among them: their calls will be recorded in this one.
	Held(ctx context.Context, users []string, now time.Time) (map[string][]Reservation, error)
	// Entries returns those of the events that are recorded, by id.
	Entries(ctx context.Context, ids []string) (map[string]Entry, error)
	// Standing reads at once what one call of one user is decided by.
	Standing(ctx context.Context, q StandingQuery) (UserStanding, error)
	// ArchivedMonths returns the months of which no log rows are left here, and the
	// names of the files that have them. It never returns nil.
	ArchivedMonths(ctx context.Context) (map[Month]string, error)
	// Reservation returns one reservation, and whether there is one.
	Reservation(ctx context.Context, id string) (Reservation, bool, error)
}

// Tx changes what a Reader reads.
type Tx interface {
	Reader
	// Lock locks the rows of users, beside those that Update has locked, making
	// those that are new.
	Lock(ctx context.Context, users []string, now time.Time) error
	// Append adds log rows and, before the commit, what they add to the totals.
	Append(ctx context.Context, entries []Entry) error
	// SaveReservation adds a reservation or updates its status.
	SaveReservation(ctx context.Context, r Reservation) error
	// AddAlerts adds alerts, but never the same threshold of a limit twice for a
	// user and period, and returns how many are new. That they are to be told stands with
	// them until messages are sent.
	AddAlerts(ctx context.Context, alerts []Alert) (int, error)
	// AddNotifications adds notifications, but never one whose key is there.
	AddNotifications(ctx context.Context, notifications []Notification) error
}

// StandingQuery says whose standing is read, and for which call.
type StandingQuery struct {
	UserID   string
	Provider string    // whose prices are needed
	At       time.Time // when the call is made
	Now      time.Time // when reservations have to hold
	EventID  string    // the event that may be recorded already; "" for none
}

// UserStanding is what one user's calls are decided by.
type UserStanding struct {
	Book     *pricing.Book
	Account  plan.Account
	Totals   map[PeriodKey][]Total // of the period that holds the moment, and of others
	Held     []Reservation
	Recorded *Entry // nil: the event is not recorded
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
