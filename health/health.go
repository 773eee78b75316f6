// Package health checks whether everything is as it should be (doctor), and tries everything once (selftest).
package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Check is one thing that was looked at, and whether it is as it should be.
type Check struct {
	Name    string
	OK      bool
	Warning bool // it is no problem, but should be looked at
	Detail  string
	// What to do about it, as in a failure: a hint, or a reason with arguments for the caller to word.
	Hint   string
	Reason string
	Args   failure.Args
}

// Store is the storage that the checks read.
type Store interface {
	Status(ctx context.Context) (usage.StorageStatus, error)
	Figures(ctx context.Context, now time.Time) (usage.Figures, error)
	Catalogue(ctx context.Context) (*pricing.Book, error)
	Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error)
	// UnpricedModels returns the models whose usage has no price, with the calls.
	UnpricedModels(ctx context.Context) ([]usage.ReportRow, error)
	// ReportedEvents calls fn with each event that is charged, was not taken back and has a reported cost.
	ReportedEvents(ctx context.Context, fn func(*usage.Entry) error) error
	OutboxState(ctx context.Context, now time.Time) (notify.OutboxState, error)
	usage.Reconciler
	billing.HealthStore
	OverviewStore
}

// Service checks a database and what the program works with.
type Service struct {
	Store     Store
	Catalogue *catalogue.Service
	Usage     *usage.Service
}

// Configuration is what the checks need to know of the configuration.
type Configuration struct {
	Sources []string // where it came from
	APIKeys []APIKey
	Lookup  func(name string) string // reads a variable of the environment; "" where it is not set
	Notify  *notify.Settings
	// Clock is what time it is, whatever moment counts as now.
	Clock     time.Time
	Rehearsal bool
	// Exposed are the files whose secrets others can read, and PasswordInUser says that the database's URL has a password
	// within the name of its user.
	Exposed        []string
	PasswordInUser bool
}

// APIKey tells whether the key of an API is configured; never what it is.
type APIKey struct {
	Variable string
	Present  bool
}

// Checks looks at everything. An error is an interruption: a problem is a check that failed.
func (s *Service) Checks(ctx context.Context, now time.Time, c *Configuration) ([]Check, error) {
	found, err := s.database(ctx, now, c,
		s.plans, s.prices, s.unpriced, s.reported, s.totals, s.bills, s.future, s.unknown, s.messages)
	return c.withConfiguration(found), err
}

// CanServe returns the failure of the first check without which no call could be judged or priced: of the
// configuration, the database, its schema, the plans and the prices. It does not look through the log.
func (s *Service) CanServe(ctx context.Context, now time.Time, c *Configuration) error {
	found, err := s.database(ctx, now, c, s.plans, s.prices)
	if err != nil {
		return err
	}
	for _, check := range append([]Check{c.configuration()}, found...) {
		if !check.OK && !check.Warning {
			return &failure.Error{Code: failure.Unavailable, Message: check.Name + ": " + check.Detail, Hint: check.Hint,
				Reason: check.Reason, Args: check.Args}
		}
	}
	return nil
}

// Quick looks at what can be looked at without looking through the log: all of Checks but what sums it. It goes to no
// mail server.
func (s *Service) Quick(ctx context.Context, now time.Time, c *Configuration) ([]Check, error) {
	found, err := s.database(ctx, now, c, s.plans, s.prices, s.future, s.unknown, s.outbox)
	return c.withConfiguration(found), err
}

// Unreachable returns the checks of a database that could not be opened.
func Unreachable(c *Configuration, err error) []Check {
	return c.withConfiguration([]Check{failed("database", err)})
}

// withConfiguration puts the checks of the configuration around those of the database.
func (c *Configuration) withConfiguration(database []Check) []Check {
	return slices.Concat([]Check{c.configuration()}, c.secrets(), database, []Check{c.keys()})
}

func (c *Configuration) configuration() Check {
	if _, err := pricing.ParseEnvironmentRates(c.Lookup); err != nil {
		return failed("configuration", err)
	}
	check := Check{Name: "configuration", OK: true, Detail: "defaults only"}
	if len(c.Sources) > 0 {
		check.Detail = strings.Join(c.Sources, "; ")
	}
	return check
}

// secrets warns of secrets that are not kept.
func (c *Configuration) secrets() []Check {
	var checks []Check
	if len(c.Exposed) > 0 {
		checks = append(checks, Check{Name: "secrets", OK: true, Warning: true,
			Detail: "others can read the passwords or keys in " + strings.Join(c.Exposed, ", "),
			Hint:   "let its owner alone read it: chmod 600 FILE"})
	}
	if c.PasswordInUser {
		checks = append(checks, Check{Name: "database url", OK: true, Warning: true,
			Detail: "the name of its user has a password in it, which messages and other programs may show",
			Hint:   "write the : between user and password as it is, and not as %3A"})
	}
	return checks
}

func (c *Configuration) keys() Check {
	var present, missing []string
	for _, key := range c.APIKeys {
		if key.Present {
			present = append(present, key.Variable)
		} else {
			missing = append(missing, key.Variable)
		}
	}
	detail := fmt.Sprintf("%d of %d present", len(present), len(c.APIKeys))
	if len(present) > 0 {
		detail += ": " + strings.Join(present, ", ")
	}
	if len(missing) > 0 {
		detail += "; missing (only the programs that call these APIs need them): " + strings.Join(missing, ", ")
	}
	return Check{Name: "api keys", OK: true, Detail: detail}
}

// failed makes a check of a failure.
func failed(name string, err error) Check {
	c := Check{Name: name, Detail: err.Error()}
	if f, ok := errors.AsType[*failure.Error](err); ok {
		c.Hint, c.Reason, c.Args = f.Hint, f.Reason, f.Args
	}
	return c
}

// look is a part of what is checked.
type look func(context.Context, time.Time, *Configuration) ([]Check, error)

// database looks at the database, its schema and, if that is ours, some of what is in it.
func (s *Service) database(ctx context.Context, now time.Time, c *Configuration, looks ...look) ([]Check, error) {
	status, err := s.Store.Status(ctx)
	if err != nil {
		return []Check{failed("database", err)}, ctx.Err()
	}
	schema := schemaCheck(status)
	checks := []Check{storageCheck(status), schema}
	if !schema.OK {
		return checks, nil
	}
	for _, look := range looks {
		found, err := look(ctx, now, c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			found = []Check{failed("database", err)}
			said := func(c Check) bool { return !c.OK && c.Detail == found[0].Detail }
			if slices.ContainsFunc(checks, said) { // once is enough, whatever it keeps from being looked at
				continue
			}
		}
		checks = append(checks, found...)
	}
	return checks, nil
}

func storageCheck(status usage.StorageStatus) Check {
	c := Check{Name: "database", OK: status.Encoding == "UTF8", Detail: status.Location + ", " + status.Version}
	if !c.OK {
		c.Detail += ", encoding " + status.Encoding + ": it must be UTF8, or text with other letters can't be recorded"
		c.Hint = "move to a database made with createdb --encoding=UTF8 --template=template0"
	}
	return c
}

func schemaCheck(status usage.StorageStatus) Check {
	has, needs := status.SchemaVersion, status.SchemaNeeded
	c := Check{Name: "schema", OK: has == needs, Detail: fmt.Sprintf("version %d", has)}
	switch {
	case has < needs:
		c.Detail += fmt.Sprintf(", needed is %d: the tables have not been created yet, or are out of date", needs)
		c.Reason = "not_initialized"
	case has > needs:
		c.Detail += fmt.Sprintf(" was made by a newer alwrity-sub; this one knows %d", needs)
		c.Hint = "use a newer version of alwrity-sub"
	}
	return c
}

func (s *Service) plans(ctx context.Context, now time.Time, _ *Configuration) ([]Check, error) {
	plans, _, err := s.Store.Plans(ctx, now)
	if err != nil {
		return nil, err
	}
	if _, err := plans.Default(); err != nil {
		return []Check{failed("plans", err)}, nil
	}
	return []Check{{Name: "plans", OK: true, Detail: strings.Join(plans.Names(), ", ")}}, nil
}

func (s *Service) prices(ctx context.Context, now time.Time, config *Configuration) ([]Check, error) {
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	inForce := len(book.All(now))
	c := Check{Name: "prices", OK: inForce > 0, Detail: fmt.Sprintf("%d in force", inForce)}
	if !c.OK {
		c.Reason = "not_initialized"
	}
	var without []string
	for _, p := range book.Providers.Sorted() {
		if len(book.Models(p.Name)) == 0 {
			without = append(without, p.Name)
		}
	}
	if len(without) > 0 {
		c.Detail += "; none for " + strings.Join(without, ", ")
	}
	return []Check{c, config.environmentPrices(book, now)}, nil
}

// environmentPrices tells whether the environment's huggingface prices are those in force. An admin may have meant them
// to differ: it is no problem.
func (c *Configuration) environmentPrices(book *pricing.Book, now time.Time) Check {
	check := Check{Name: "huggingface prices", OK: true, Detail: "not set in the environment"}
	rates, err := pricing.ParseEnvironmentRates(c.Lookup)
	switch {
	case err != nil:
		return failed(check.Name, err)
	case len(rates.FromNow(book, now)) > 0:
		check.Detail = "those in force are not those that the environment sets"
		check.Reason = "environment_prices_differ"
	case rates.Set():
		check.Detail = "in force as the environment sets them"
	}
	return check
}

// mostModels is how many models without a price are named.
const mostModels = 10

func (s *Service) unpriced(ctx context.Context, _ time.Time, _ *Configuration) ([]Check, error) {
	rows, err := s.Store.UnpricedModels(ctx)
	if err != nil || len(rows) == 0 {
		return []Check{{Name: "unpriced usage", OK: true, Detail: "none"}}, err
	}
	var parts []string
	for _, row := range rows[:min(len(rows), mostModels)] {
		provider, model := row.Keys[0], row.Keys[1]
		if model == "" {
			model = "(no model)"
		}
		parts = append(parts, fmt.Sprintf("%s %s: %d", provider, model, row.Unpriced))
	}
	if more := len(rows) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d models more", more))
	}
	return []Check{{
		Name:   "unpriced usage",
		Detail: "events without a price, counted at a cost of 0: " + strings.Join(parts, "; "),
		Reason: "unpriced_usage",
	}}, nil
}

func (s *Service) totals(ctx context.Context, _ time.Time, _ *Configuration) ([]Check, error) {
	_, checks, err := s.Reconcile(ctx, false)
	return checks, err
}
