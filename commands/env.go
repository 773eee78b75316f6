// Package commands holds the verbs of the command line: a file for each noun, from flags to an operation to a view.
// What touches the process itself (its environment, configuration, drivers, signals, exit codes) is in package cmd.
package commands

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/usage"
)

// Env is what a command gets from the process. It is filled in once the flags are parsed, before a command runs.
type Env struct {
	In       io.Reader
	Err      io.Writer      // notes, warnings, progress; never results
	Printer  report.Printer // results
	Quiet    bool           // no notes, no progress
	Progress bool           // Err is a terminal
	Log      *slog.Logger
	Now      func() time.Time // the moment that --now names, else the clock's, which a verb reads once; UTC, microseconds
	Clock    func() time.Time // what time it is, whatever --now names
	Settings Settings

	// Open opens the configured database, whose schema must be there and fit.
	Open func(ctx context.Context) (*Services, error)
	// Create opens it, making a SQLite file that is not there yet, and brings its
	// schema up to date; with rehearsal it becomes one for rehearsals, which is a conflict failure where there is anything
	// in it. It returns the schema versions before and after.
	Create func(ctx context.Context, rehearsal bool) (s *Services, before, after int64, err error)
	// Inspect opens it as it is, whatever its schema, for doctor and db status.
	Inspect func(ctx context.Context) (*Services, error)
	// Scratch makes an empty database of the configured kind with a schema, and a function that removes it again.
	Scratch func(ctx context.Context) (*Services, func() error, error)
	// Serve serves the configured database over HTTP until the context ends, at an address or, with "", at that of the
	// configuration.
	Serve func(ctx context.Context, address string) error
	// CreateFile makes a new SQLite database at a path, for demo.
	CreateFile func(ctx context.Context, path string) (*Services, error)
}

// Settings are what configuration decides.
type Settings struct {
	Actor         string   // who is named in the audit log
	DatabaseURL   string   // without password, for messages
	Sources       []string // where configuration came from, for doctor
	Thresholds    []int    // alert thresholds in percent
	Billing       billing.Rules
	Sender        statement.Sender // of statements
	Version       string
	SQLiteVersion string                   // of the embedded SQLite
	Lookup        func(name string) string // HUGGINGFACE_*: environment, then env file; "" where not set
	APIKeys       []health.APIKey
	// Exposed are the files of the configuration whose secrets others can read; PasswordInUser says that the name of the
	// user in the database's URL has a password in it.
	Exposed        []string
	PasswordInUser bool
	Notify         notify.Settings
	PublicURL      string // where browsers find the server
}

// BeginRehearsal marks whatever is shown, written and sent from now on as that of a rehearsal.
func (env *Env) BeginRehearsal() {
	if !env.Printer.Rehearsal {
		env.Printer.Rehearsal, env.Settings.Notify.Rehearsal = true, true
		env.Settings.Sender.Company = strings.TrimSpace(report.RehearsalMark + " " + env.Settings.Sender.Company)
	}
}

// Services are the operations on one open database. cmd makes them; a verb calls one of them.
type Services struct {
	Usage       *usage.Service
	Reports     *usage.Reporter
	Corrections *usage.Corrections
	Archives    *usage.Archiver
	Lists       *usage.Lists
	Billing     *billing.Service
	Simulate    *simulate.Service
	Fixer       *catalogue.Fixer
	Catalogue   *catalogue.Service
	Notify      *notify.Service
	Access      *access.Service
	Health      *health.Service
	Gateway     *gateway.Gateway // of commands with the annotation UsesGateway; else nil
	Storage     Storage
	Close       func() error // closes the database
}

// Storage tells about the database itself.
type Storage interface {
	Counted(ctx context.Context) (usage.StorageStatus, error)
	// Backup writes a consistent copy into a file that must not be there yet. With rehearsal the copy is one for
	// rehearsals, which only SQLite's can be.
	Backup(ctx context.Context, file string, rehearsal bool) error
}
