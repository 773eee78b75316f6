package commands

import (
	"context"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Services are the operations on one open database. cmd makes them; a verb calls one of
// them.
type Services struct {
	Usage     *usage.Service
	Reports   usage.Reports
	Ratings   usage.RerateStore
	Totals    usage.Reconciler
	Archives  *usage.Archiver
	Billing   *billing.Service
	Health    *health.Service
	Simulate  *simulate.Service
	Catalogue *catalogue.Service
	Lists     *usage.Lists
	Notify    *notify.Service
	Storage   Storage

	// Close closes the database.
	Close func() error
}

// Storage tells about the database itself.
type Storage interface {
	Status(ctx context.Context) (usage.StorageStatus, error)
	// Backup writes a consistent copy into a file that must not be there yet.
	Backup(ctx context.Context, file string) error
}
