package commands

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Services are the operations on one open database. cmd makes them; a verb calls one of
// them.
type Services struct {
	Usage         *usage.Service
	Reports       usage.Reports
	Ratings       usage.RerateStore
	Totals        usage.Reconciler
	Archives      usage.ArchiveStore
	Billing       *billing.Service
	BillingHealth billing.HealthStore
	Simulation    billing.SimulationStore
	Subscriptions Subscriptions
	Catalogue     Catalogue
	Lists         Lists
	Outbox        notify.Store
	Storage       Storage

	// Close closes the database.
	Close func() error
}

// Catalogue reads and changes plans and prices.
type Catalogue interface {
	// Catalogue returns every provider, and every price at any time.
	Catalogue(ctx context.Context) (*pricing.Book, error)
	// ChangePrices runs fn on the book under a lock that keeps other changes of
	// prices away, then adds the providers and prices that it returns.
	ChangePrices(ctx context.Context, audit usage.Audit, fn func(book *pricing.Book) ([]pricing.Provider, []pricing.Price, error)) error
	// Plans returns the plans on offer, and how many users have a subscription to
	// each that has not ended at now.
	Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error)
	// ChangePlans runs fn on the plans on offer under a lock, then saves the
	// plans that it returns (new where their ID is 0) and withdraws others.
	ChangePlans(ctx context.Context, audit usage.Audit, fn func(have plan.Plans, subscribers map[int64]int) (save plan.Plans, withdraw []int64, err error)) error
}

// Subscriptions changes subscriptions and tells how they were changed.
type Subscriptions interface {
	// ChangeSubscription runs fn on the locked account of a user and stores what
	// it returns, with its history; usage moves to the periods that now hold it.
	ChangeSubscription(ctx context.Context, audit usage.Audit, user string, fn func(plan.Account) (plan.Change, error)) (plan.Account, error)
	History(ctx context.Context, user string) ([]plan.HistoryEntry, error)
}

// Lists lists what there is.
type Lists interface {
	Users(ctx context.Context) ([]usage.User, error)
	Reservations(ctx context.Context, user string, now time.Time) ([]usage.Reservation, error)
	Alerts(ctx context.Context, user string, unreadOnly bool) ([]usage.Alert, error)
	// MarkRead marks alerts as read and returns the ids that do not exist.
	MarkRead(ctx context.Context, ids []int64, now time.Time) (missing []int64, err error)
	Audit(ctx context.Context, limit int) ([]usage.AuditEntry, error)
	// UnpricedModels returns the models whose usage has no price, with the calls.
	UnpricedModels(ctx context.Context) ([]usage.ReportRow, error)
}

// Storage tells about the database itself.
type Storage interface {
	Status(ctx context.Context) (usage.StorageStatus, error)
	// Backup writes a consistent copy into a file that must not be there yet.
	Backup(ctx context.Context, file string) error
}
