package billing

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Store is the storage that billing needs.
type Store interface {
	// ViewBilling runs fn on one state of the database. It takes no lock, and waits for nobody who writes.
	ViewBilling(ctx context.Context, fn func(Reader) error) error
	// UpdateBilling runs fn in one transaction that has locked the users, which makes those that are new. It commits if fn
	// returns nil and rolls back otherwise; fn may run more than once.
	UpdateBilling(ctx context.Context, users []string, now time.Time, fn func(Tx) error) error

	// DueUsers returns the ids of up to so many users after one, in their order, who have a period that has ended by now,
	// or of whom it is not known when the next one ends.
	DueUsers(ctx context.Context, now time.Time, after string, limit int) ([]string, error)
	// CountDue returns how many these are.
	CountDue(ctx context.Context, now time.Time) (int64, error)
	// UnpaidUsers returns the ids of up to so many users after one, in their order, who have an open bill that was due by
	// due, or a past due one that was due by overdue.
	UnpaidUsers(ctx context.Context, due, overdue time.Time, after string, limit int) ([]string, error)
	// Renewing returns the users whose subscriptions renew themselves between two moments.
	Renewing(ctx context.Context, from, to time.Time, after string, limit int) ([]string, error)
	// Bills returns the bills that a query asks for, by number.
	Bills(ctx context.Context, q Query) ([]Bill, error)
	// SumBills adds up the bills that a query asks for.
	SumBills(ctx context.Context, q Query) (MonthSums, error)
	// Credits returns what a query asks for of what users got as credit and used up, oldest first.
	Credits(ctx context.Context, q CreditQuery) ([]CreditEntry, error)
	// Plans returns the plans on offer, and how many users have a subscription to each that has not ended at now.
	Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error)
	// History returns every change of a user's subscription, oldest first.
	History(ctx context.Context, user string) ([]plan.HistoryEntry, error)
}

// Reader reads one state of what belongs to users.
type Reader interface {
	// UserKnown tells whether a user was ever seen.
	UserKnown(ctx context.Context, user string) (bool, error)
	// Accounts returns the subscription account of each user, also of unknown ones.
	Accounts(ctx context.Context, users []string) (map[string]plan.Account, error)
	// BillingAccounts returns the billing account of each user.
	BillingAccounts(ctx context.Context, users []string) (map[string]BillingAccount, error)
	// Used returns what was used in periods, by provider, vendor and model.
	Used(ctx context.Context, periods []usage.PeriodKey) (map[usage.PeriodKey][]Series, error)
	// UsedByPlan returns what was used in one period of a user by the plan that held at the time of the call.
	UsedByPlan(ctx context.Context, user string, period plan.Period) (ByPlan, error)
	// Rated returns the calls of one period of a user that count, those together that were rated alike. Archived ones are
	// not among them.
	Rated(ctx context.Context, user string, period plan.Period) ([]RatedSeries, error)
	// BilledCharges returns the lines of usage and adjustments that bills have of a user's period, with what tells their
	// series, their cost and charges.
	BilledCharges(ctx context.Context, user string, start time.Time) ([]Line, error)
	// Unbilled returns where the usage of the users' closed periods differs from what their bills have of it. The periods'
	// ends are not filled in.
	Unbilled(ctx context.Context, users []string) (map[string][]Difference, error)
	// Book returns all prices.
	Book(ctx context.Context, provider string) (*pricing.Book, error)
	// BillOf returns the bill of a period, with its lines, and whether there is one.
	BillOf(ctx context.Context, user string, start time.Time) (Bill, bool, error)
	// BilledOverage returns what bills have of the overage of a user's period, adjustments and void bills included, and
	// how much of it all credit notes have left.
	BilledOverage(ctx context.Context, user string, start time.Time) (
		billed map[SeriesKey]pricing.USD, left pricing.USD, err error)
	// BilledUntil returns the end of the last period of a user that has a bill; zero for none.
	BilledUntil(ctx context.Context, user string) (time.Time, error)
	// BillByNumber returns a bill with its lines, and whether there is one.
	BillByNumber(ctx context.Context, number int64) (Bill, bool, error)
	// ProratedOn returns the first bill after one, and not void, that prorates the paid cycle of a user that ends at a
	// moment; 0 where there is none.
	ProratedOn(ctx context.Context, user string, after int64, cycleEnd time.Time) (int64, error)
	// GivenBackOn returns the first bill after one, and not void, that has given back overage of a user's period; 0 where
	// there is none.
	GivenBackOn(ctx context.Context, user string, after int64, start time.Time) (int64, error)
	// UnpaidBills returns the unpaid bills of a user, without lines, oldest first.
	UnpaidBills(ctx context.Context, user string) ([]Bill, error)
	// Profile returns that of a user, an empty one of a user who is not there.
	Profile(ctx context.Context, user string) (usage.Profile, error)
	// BillOfPayment returns the number of the bill whose payment has an id; 0 for none.
	BillOfPayment(ctx context.Context, id string) (int64, error)
	// CreditByKey returns the credit that was given under a key, and whether there is one.
	CreditByKey(ctx context.Context, key string) (CreditEntry, bool, error)
	// LoggedUsage calls fn with the time, period and plan of each of a user's log rows from a moment on, by time.
	LoggedUsage(ctx context.Context, user string, from time.Time,
		fn func(at, periodStart time.Time, planID int64) error) error
}

// Tx reads and changes what belongs to users who are locked.
type Tx interface {
	Reader
	// HoldPlans keeps plans from being withdrawn until the transaction ends.
	HoldPlans(ctx context.Context) error
	// ArchivedDays returns the days with archived usage of a user from a month on, and keeps months from being archived
	// until the transaction ends.
	ArchivedDays(ctx context.Context, user string, from plan.Month) ([]time.Time, error)
	// AddBills adds bills and gives them the next numbers, in their order.
	AddBills(ctx context.Context, bills []Bill) error
	// Settle sets the status of a bill, and what settled it.
	Settle(ctx context.Context, number int64, status Status, at time.Time, reference string) error
	// SetPayment notes the id of the payment of a bill.
	SetPayment(ctx context.Context, number int64, id string) error
	// AddCredits adds to users' balances, or takes from them.
	AddCredits(ctx context.Context, credits []CreditEntry) error
	// SetEmail stores a user's address.
	SetEmail(ctx context.Context, user, email string) error
	// SetProfile stores that of a user.
	SetProfile(ctx context.Context, user string, p usage.Profile) error
	// SaveSubscriptions stores the subscription of each account.
	SaveSubscriptions(ctx context.Context, accounts []plan.Account, now time.Time) error
	// AppendHistory adds changes to the history of subscriptions.
	AppendHistory(ctx context.Context, changes []SubscriptionChange) error
	// SaveBillingAccounts stores how far the users' periods are closed.
	SaveBillingAccounts(ctx context.Context, accounts []BillingAccount) error
	// MoveUsage moves log rows of a user to other periods and plans, and sums the user's totals anew.
	MoveUsage(ctx context.Context, user string, moves []UsageMove) error
	// AddNotifications adds notifications, but never one whose key is there.
	AddNotifications(ctx context.Context, notifications []usage.Notification) error
	// AddAudit leaves a row in the audit log.
	AddAudit(ctx context.Context, audit usage.Audit, subject string, before, after map[string]any) error
}

// CreditEntry is money that a user gets with us, or, below 0, uses up.
type CreditEntry struct {
	ID     int64 // in the order of recording; 0 until it is stored
	UserID string
	At     time.Time
	Amount pricing.USD
	Number int64 // of the bill that it belongs to; 0 for none
	Reason string
	Actor  string

	Key       string // the id that the caller gave it; "" for none
	Reference string // what it is known by
}

// CreditQuery says which credit is wanted.
type CreditQuery struct {
	UserID string // "" for everyone's
	After  int64  // only ids above this one
	Limit  int    // at most so many
}

// SubscriptionChange is one row of the history of a subscription.
type SubscriptionChange struct {
	Account      plan.Account // before it
	Change       plan.Change
	At           time.Time // when it was recorded
	Price        pricing.USD
	PlanID       int64 // in force from then on
	PeriodBefore plan.Period
	PeriodAfter  plan.Period
	Used         usage.Amounts // in PeriodBefore
	Actor        string
}

// Health is what a check of everything that was billed found.
type Health struct {
	Bills           int64   // credit notes too
	HighestNumber   int64   // of a bill that is there
	LastGivenNumber int64   // that a bill got, though it may be missing
	MismatchedBills []int64 // the first few whose figures are not the sums of their lines
	MischargedBills []int64 // the first few with a line whose charges, by its prices, are not its cost
	OverdueUsers    int64   // with a period that ended before a moment and is not closed
	UnbilledTotals  int64   // of closed periods that differ from what bills have of them; the next bills get that
	UnbilledCost    pricing.Total
	PrematureLines  int64 // of usage in periods that are not closed
	OverdrawnUsers  int64 // who have used up more credit than they had
}

// Future is what was recorded with a time that has not come: by a clock, or a moment given for it, that was ahead.
type Future struct {
	Bills    []int64  // their numbers
	Events   []string // their ids
	Renewals []string // users with renewals or other changes of a subscription
}

// MostFuture is how many of each are named.
const MostFuture = 10

// HealthStore is the storage that the check needs.
type HealthStore interface {
	// BillingHealth checks what was billed. Users count as overdue whose period ended before the given moment.
	BillingHealth(ctx context.Context, overdue time.Time) (Health, error)
	// Future returns the first few of the events that happened after a moment, and of what else was recorded after
	// another.
	Future(ctx context.Context, happened, recorded time.Time) (Future, error)
}
