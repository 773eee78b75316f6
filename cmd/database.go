package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// bindDatabase gives the commands their ways to open the database. None is opened before a command asks for it.
func (g *program) bindDatabase() {
	g.env.Open = func(ctx context.Context) (*commands.Services, error) { return g.open(ctx, db.Open) }
	g.env.Inspect = func(ctx context.Context) (*commands.Services, error) { return g.open(ctx, db.Inspect) }
	g.env.Create = g.create
	g.env.Scratch = g.scratch
	g.env.CreateFile = g.createFile
	g.env.Serve = g.serve
}

// target returns the configured database.
func (g *program) target() (db.Target, error) {
	if g.settings == nil {
		return db.Target{}, failure.New(failure.Internal, "the database was asked for before the configuration was read")
	}
	target, err := db.ParseURL(g.settings.databaseURL, g.process.Dir)
	target.LockTimeout = g.process.LockTimeout
	return target, err
}

// redactedURL names the database in messages. A URL that can't be read may have a password anywhere; it is the failure
// of the command that opens the database, and others work without.
func (g *program) redactedURL() string {
	target, err := g.target()
	if err != nil {
		return "(a URL that can't be read)"
	}
	return target.Redacted()
}

func (g *program) open(
	ctx context.Context, open func(context.Context, db.Target) (*db.DB, error),
) (*commands.Services, error) {
	target, err := g.target()
	if err != nil {
		return nil, err
	}
	if g.command.Annotations[commands.BoundedMemory] != "" {
		debug.SetMemoryLimit(boundedMemory(target.Kind))
	}
	g.env.Log.Debug("opening the database", "url", target.Redacted())
	d, err := open(ctx, target)
	if err == nil && g.clockIsAhead() && !d.Rehearsal() {
		d.RefuseWrites(g.errClockAhead())
	}
	return g.services(d, err)
}

// clockIsAhead tells whether --now is so far ahead that only a rehearsal may be written.
func (g *program) clockIsAhead() bool {
	return g.env.Now().After(g.process.utcNow().Add(usage.MostClockAhead))
}

// errClockAhead is the failure of whatever writes to a real database while the clock is ahead.
func (g *program) errClockAhead() error {
	return failure.Invalidf("--now is %s, more than a day ahead of the clock: "+
		"then only a database for rehearsals is written to", g.env.Now().Format(time.RFC3339)).
		WithHint("leave --now out; or rehearse in a database of its own: alwrity-sub init --rehearsal; " +
			"or in a copy of a SQLite file: alwrity-sub db backup --rehearsal FILE").
		Because(failure.ErrWritesRefused)
}

// boundedMemory is beyond how many bytes garbage is collected more often, where memory must not grow with the input. It
// keeps a process under 200 MB, of which SQLite takes some for its pages.
func boundedMemory(kind db.Kind) int64 {
	if kind == db.SQLite {
		return 120 << 20
	}
	return 160 << 20
}

func (g *program) create(
	ctx context.Context, rehearsal bool,
) (s *commands.Services, before, after int64, err error) {
	target, err := g.target()
	if err != nil {
		return nil, 0, 0, err
	}
	if g.clockIsAhead() && !rehearsal && !isRehearsal(ctx, target) {
		return nil, 0, 0, g.errClockAhead()
	}
	g.env.Log.Debug("creating the database", "url", target.Redacted())
	d, before, after, err := db.Create(ctx, target)
	if err == nil && rehearsal {
		if err = d.BeginRehearsal(ctx); err != nil {
			err = errors.Join(err, d.Close())
		}
	}
	s, err = g.services(d, err)
	return s, before, after, err
}

// isRehearsal tells whether a database is there and one for rehearsals.
func isRehearsal(ctx context.Context, target db.Target) bool {
	d, err := db.Open(ctx, target)
	if err != nil {
		return false
	}
	defer func() { _ = d.Close() }() // it was only looked at
	return d.Rehearsal()
}

func (g *program) scratch(ctx context.Context) (*commands.Services, func() error, error) {
	target, err := g.target()
	if err != nil {
		return nil, nil, err
	}
	d, remove, err := db.Scratch(ctx, target)
	s, err := g.services(d, err)
	return s, remove, err
}

func (g *program) createFile(ctx context.Context, path string) (*commands.Services, error) {
	path = resolvePath(g.process.Dir, path)
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil, failure.Conflictf("%s exists already", path).WithHint("remove it, or name another place")
	case !errors.Is(err, fs.ErrNotExist):
		return nil, failure.Invalidf("%s can't be made: %s", path, failure.WithoutPath(err)).Because(err)
	}
	d, _, _, err := db.Create(ctx, db.SQLiteFile(path))
	if err == nil && g.clockIsAhead() {
		err = d.BeginRehearsal(ctx)
	}
	return g.services(d, err)
}

// services makes the operations on an open database.
func (g *program) services(d *db.DB, err error) (*commands.Services, error) {
	if err != nil {
		return nil, err
	}
	if d.Rehearsal() {
		g.env.BeginRehearsal()
	}
	settings := g.env.Settings
	metering := &usage.Service{Store: d, Thresholds: settings.Thresholds}
	prices := &catalogue.Service{Store: d}
	reports, corrections := &usage.Reporter{Store: d, Usage: metering}, &usage.Corrections{Store: d, Usage: metering}
	s := &commands.Services{
		Fixer:       &catalogue.Fixer{Store: d, Reports: reports, Corrections: corrections},
		Usage:       metering,
		Reports:     reports,
		Corrections: corrections,
		Archives:    &usage.Archiver{Store: d},
		Billing:     &billing.Service{Store: d, Usage: metering, Actor: settings.Actor, Rules: settings.Billing},
		Health:      &health.Service{Store: d, Catalogue: prices, Usage: metering},
		Simulate:    &simulate.Service{Store: d},
		Catalogue:   prices,
		Lists:       &usage.Lists{Store: d},
		Notify: &notify.Service{Store: d, Settings: &g.env.Settings.Notify, Log: g.env.Log,
			Refused: metering.Refused},
		Access:  g.access(d),
		Storage: d,
		Close:   func() error { g.writeRefusals(metering, d); return d.Close() },
	}
	if g.is(commands.UsesGateway) {
		s.Gateway = gateway.New(g.gatewayOptions(s, d))
	}
	return s, nil
}

// refusalsWithin is how long a command waits at its end for a database that others write to.
const refusalsWithin = time.Second

// writeRefusals counts the calls that a command has refused. It fails nothing: the answer is what the command is for.
func (g *program) writeRefusals(metering *usage.Service, d *db.DB) {
	ctx, cancel := context.WithTimeout(context.Background(), refusalsWithin)
	defer cancel()
	if err := metering.WriteRefusals(ctx, d); err != nil {
		g.env.Log.Debug("how many calls were refused was not written", "error", err)
	}
}
