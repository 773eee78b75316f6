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
	// DueUsers returns the ids of up to so many users after one, in their order, of whom
	// a period has ended by now, or of whom it is not known when the next one ends.
	DueUsers(ctx context.Context, now time.Time, after string, limit int) ([]string, error)
	// CountDue returns how many these are.
	CountDue(ctx context.Context, now time.Time) (int64, error)
	// UpdateBilling runs fn in one transaction that has locked the users. It commits if
	// fn returns nil and rolls back otherwise; fn may run more than once.
	UpdateBilling(ctx context.Context, users []string, now time.Time, fn func(Tx) error) error
	// Bills returns the bills that a query asks for, by number.
	Bills(ctx context.Context, q Query) ([]Bill, error)
	// Credits returns what users got as credit and used up, oldest first: of one user or,
	// where user is "", of all.
	Credits(ctx context.Context, user string) ([]CreditEntry, error)
	// UnpaidUsers returns the ids of up to so many users after one, in their order, who
	// have an open bill that was due by due, or a past due one that was due by overdue.
	UnpaidUsers(ctx context.Context, due, overdue time.Time, after string, limit int) ([]string, error)
	// Renewing returns the subscriptions that renew themselves between two moments.
	Renewing(ctx context.Context, from, to time.Time, after string, limit int) ([]string, error)
	// UserKnown tells whether a user was ever seen.
	UserKnown(ctx context.Context, user string) (bool, error)
}

// Tx reads and changes what belongs to users who are locked.
type Tx interface {
	// BillingAccounts returns the account of each user.
	BillingAccounts(ctx context.Context, users []string) (map[string]BillingAccount, error)
	// Used returns what was used in periods, by provider, vendor and model.
	Used(ctx context.Context, periods []usage.PeriodKey) (map[usage.PeriodKey][]Series, error)
	// Unbilled returns where the usage of the users' closed periods differs from what
	// their bills have of it. The periods' ends are not filled in.
	Unbilled(ctx context.Context, users []string) (map[string][]Difference, error)
	// Book returns all prices.
	Book(ctx context.Context, provider string) (*pricing.Book, error)
	// BillOf returns the bill of a period, with its lines, and whether there is one.
	BillOf(ctx context.Context, user string, start time.Time) (Bill, bool, error)
	// BilledOverage returns what bills have of the overage of a user's period, adjustments
	// included.
	BilledOverage(ctx context.Context, user string, start time.Time) (map[SeriesKey]pricing.USD, error)
	// BillByNumber returns a bill with its lines, and whether there is one.
	BillByNumber(ctx context.Context, number int64) (Bill, bool, error)
	// ProratedOn returns the first bill after one, and not void, that prorates the paid
	// cycle of a user that ends at a moment; 0 where there is none.
	ProratedOn(ctx context.Context, user string, after int64, cycleEnd time.Time) (int64, error)
	// UnpaidBills returns the unpaid bills of a user, without lines, oldest first.
	UnpaidBills(ctx context.Context, user string) ([]Bill, error)
	// AddBills adds bills and gives them the next numbers, in their order.
	AddBills(ctx context.Context, bills []Bill) error
	// Settle sets the status of a bill, and what settled it.
	Settle(ctx context.Context, number int64, status Status, at time.Time, reference string) error
	// AddCredits adds to users' balances, or takes from them.
	AddCredits(ctx context.Context, credits []CreditEntry) error
	// SaveChanges stores changes of subscriptions with their history; of one user's the last one
	// is how the subscription stays.
	SaveChanges(ctx context.Context, changes []SubscriptionChange) error
	// SaveBillingAccounts stores how far the users' periods are closed.
	SaveBillingAccounts(ctx context.Context, accounts []BillingAccount) error
	// AddNotices adds notices, but never one whose key is there.
	AddNotices(ctx context.Context, notices []usage.Notice) error
	// AddAudit leaves a row in the audit log.
	AddAudit(ctx context.Context, audit usage.Audit, subject string, before, after map[string]any) error
}

// CreditEntry is money that a user gets with us, or, below 0, uses up.
type CreditEntry struct {
	UserID string
	At     time.Time
	Amount pricing.USD
	Number int64 // of the bill that it belongs to; 0 for none
	Reason string
	Actor  string
}

// SubscriptionChange is a change of a subscription that billing makes by itself.
type SubscriptionChange struct {
	Account plan.Account // before it
	Change  plan.Change
	At      time.Time // now
	Price   pricing.USD
	PlanID  int64 // in force from then on
	Before  plan.Period
	After   plan.Period
	Used    usage.Amounts // in Before
	Actor   string
}
