// Package commands holds the verbs of the command line: a file for each noun,
// from flags to an operation to a view. What touches the process itself (its
// environment, configuration, drivers, signals, exit codes) is in package cmd.
package commands

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// Env is what a command gets from the process. It is filled in once the flags
// are parsed, before a command runs.
type Env struct {
	In       io.Reader
	Err      io.Writer      // notes, warnings, progress; never results
	Printer  report.Printer // results
	Quiet    bool           // no notes, no progress
	Progress bool           // Err is a terminal
	Log      *slog.Logger
	Now      func() time.Time // the moment that --now names, else the clock's; UTC, microseconds
	Settings Settings

	// Open opens the configured database, whose schema must be there and fit.
	Open func(ctx context.Context) (Database, error)
	// Create opens it, making a SQLite file that is not there yet, and brings its
	// schema up to date. It returns the schema versions before and after.
	Create func(ctx context.Context) (db Database, before, after int64, err error)
	// Inspect opens it as it is, whatever its schema, for doctor and db status.
	Inspect func(ctx context.Context) (Database, error)
	// Scratch makes an empty database of the configured kind with a schema, and a
	// function that removes it again.
	Scratch func(ctx context.Context) (Database, func() error, error)
	// CreateFile makes a new SQLite database at a path, for demo.
	CreateFile func(ctx context.Context, path string) (Database, error)
}

// Settings are what configuration decides.
type Settings struct {
	Actor         string   // who is named in the audit log
	DatabaseURL   string   // without password, for messages
	Sources       []string // where configuration came from, for doctor
	Thresholds    []int    // alert thresholds in percent
	Billing       billing.Rules
	Sender        report.Sender // of statements
	Version       string
	SQLiteVersion string                   // of the embedded SQLite
	Lookup        func(name string) string // HUGGINGFACE_*: environment, then env file; "" where not set
	APIKeys       []APIKey
	Notify        notify.Settings
}

// APIKey tells whether the key of an API is configured; never what it is.
type APIKey struct {
	Variable string
	Present  bool
}

// Database is everything that the verbs need of the opened database.
type Database interface {
	usage.Reports
	usage.RerateStore
	usage.Reconciler
	usage.ArchiveStore
	billing.Store
	billing.HealthStore
	billing.SimulationStore
	notify.Store

	Close() error

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

	// ChangeSubscription runs fn on the locked account of a user and stores what
	// it returns, with its history; usage moves to the periods that now hold it.
	ChangeSubscription(ctx context.Context, audit usage.Audit, user string, fn func(plan.Account) (plan.Change, error)) (plan.Account, error)
	Users(ctx context.Context) ([]usage.User, error)
	History(ctx context.Context, user string) ([]plan.HistoryEntry, error)

	Reservations(ctx context.Context, user string, now time.Time) ([]usage.Reservation, error)
	Alerts(ctx context.Context, user string, unreadOnly bool) ([]usage.Alert, error)
	// MarkRead marks alerts as read and returns the ids that do not exist.
	MarkRead(ctx context.Context, ids []int64, now time.Time) (missing []int64, err error)
	Audit(ctx context.Context, limit int) ([]usage.AuditEntry, error)
	// UnpricedModels returns the models whose usage has no price, with the calls.
	UnpricedModels(ctx context.Context) ([]usage.ReportRow, error)

	Status(ctx context.Context) (usage.StorageStatus, error)
	// Backup writes a consistent copy into a file that must not be there yet.
	Backup(ctx context.Context, file string) error
}
