package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

type doctorOptions struct{ env *Env }

func newDoctorCmd(env *Env) *cobra.Command {
	opts := &doctorOptions{env}
	return &cobra.Command{
		Use: "doctor", Short: "Check configuration, database, prices and totals",
		Long: `Check configuration, database and schema, which API keys are present (never what
they are), plans and prices, usage without a price, the totals against the log, and the
bills against the totals.
One line a check; exit code 7 where there is a problem.`,
		Example: "  alwrity-sub doctor", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return doctorRun(cmd.Context(), opts) },
	}
}

func doctorRun(ctx context.Context, opts *doctorOptions) error {
	checks := []report.Check{checkConfiguration(opts.env)}
	found, err := checkDatabase(ctx, opts.env)
	if err != nil {
		return err
	}
	return opts.env.printChecks(append(append(checks, found...), checkAPIKeys(opts.env)))
}

// printChecks prints checks and returns the failure of those that found problems.
func (env *Env) printChecks(checks []report.Check) error {
	if err := env.print(report.Checks(checks)); err != nil {
		return err
	}
	var failed []string
	for _, c := range checks {
		if !c.OK {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) > 0 {
		return failure.New(failure.FailedCheck, "%d of %d checks found a problem: %s", len(failed), len(checks), strings.Join(failed, ", "))
	}
	return nil
}

func checkConfiguration(env *Env) report.Check {
	detail := "defaults only"
	if len(env.Settings.Sources) > 0 {
		detail = strings.Join(env.Settings.Sources, "; ")
	}
	c := report.Check{Name: "configuration", OK: true, Detail: detail}
	if _, err := pricing.ParseEnvironmentRates(env.Settings.Lookup); err != nil {
		return failedCheck("configuration", err)
	}
	return c
}

func checkAPIKeys(env *Env) report.Check {
	var present, missing []string
	for _, key := range env.Settings.APIKeys {
		if key.Present {
			present = append(present, key.Variable)
		} else {
			missing = append(missing, key.Variable)
		}
	}
	detail := fmt.Sprintf("%d of %d present", len(present), len(present)+len(missing))
	if len(present) > 0 {
		detail += ": " + strings.Join(present, ", ")
	}
	if len(missing) > 0 {
		detail += "; missing (only the programs that call these APIs need them): " + strings.Join(missing, ", ")
	}
	return report.Check{Name: "api keys", OK: true, Detail: detail}
}

// failedCheck makes a check of a failure.
func failedCheck(name string, err error) report.Check {
	c := report.Check{Name: name, Detail: err.Error()}
	if f, ok := asFailure(err); ok {
		c.Hint = f.Hint
	}
	return c
}

// checkDatabase looks at everything in the database, as far as it can be reached.
// An error is an interruption: a problem is a check that failed.
func checkDatabase(ctx context.Context, env *Env) (checks []report.Check, err error) {
	s, err := env.Inspect(ctx)
	if err != nil {
		return []report.Check{failedCheck("database", err)}, ctx.Err()
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	status, err := s.Storage.Status(ctx)
	if err != nil {
		return []report.Check{failedCheck("database", err)}, ctx.Err()
	}
	checks = []report.Check{{Name: "database", OK: true, Detail: status.Location + ", " + status.Version}}
	schema := report.Check{Name: "schema", OK: status.SchemaVersion == status.SchemaNeeded, Detail: fmt.Sprintf("version %d", status.SchemaVersion)}
	switch {
	case status.SchemaVersion < status.SchemaNeeded:
		schema.Detail = fmt.Sprintf("version %d, needed is %d: the tables have not been created yet, or are out of date", status.SchemaVersion, status.SchemaNeeded)
		schema.Hint = "run: alwrity-sub init"
	case status.SchemaVersion > status.SchemaNeeded:
		schema.Detail = fmt.Sprintf("version %d was made by a newer alwrity-sub; this one knows %d", status.SchemaVersion, status.SchemaNeeded)
		schema.Hint = "use a newer version of alwrity-sub"
	}
	checks = append(checks, schema)
	if !schema.OK {
		return checks, nil
	}
	for _, check := range []func(context.Context, *Env, *Services) ([]report.Check, error){checkPlans, checkPrices, checkUnpriced, checkTotals, checkBilling, checkMessages} {
		found, err := check(ctx, env, s)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			found = []report.Check{failedCheck("database", err)}
		}
		checks = append(checks, found...)
	}
	return checks, nil
}

func checkPlans(ctx context.Context, env *Env, s *Services) ([]report.Check, error) {
	plans, _, err := s.Catalogue.Plans(ctx, env.Now())
	if err != nil {
		return nil, err
	}
	if _, err := plans.Default(); err != nil {
		return []report.Check{failedCheck("plans", err)}, nil
	}
	return []report.Check{{Name: "plans", OK: true, Detail: strings.Join(plans.Names(), ", ")}}, nil
}

func checkPrices(ctx context.Context, env *Env, s *Services) ([]report.Check, error) {
	book, err := s.Catalogue.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	prices := book.All(env.Now())
	c := report.Check{Name: "prices", OK: len(prices) > 0, Detail: fmt.Sprintf("%d in force", len(prices))}
	if !c.OK {
		c.Hint = "run: alwrity-sub init"
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
	return []report.Check{c, checkEnvironmentPrices(env, book)}, nil
}

// checkEnvironmentPrices tells whether the environment's huggingface prices are
// those in force. An admin may have meant them to differ: it is no problem.
func checkEnvironmentPrices(env *Env, book *pricing.Book) report.Check {
	c := report.Check{Name: "huggingface prices", OK: true, Detail: "not set in the environment"}
	rates, err := pricing.ParseEnvironmentRates(env.Settings.Lookup)
	if err != nil {
		return failedCheck(c.Name, err)
	}
	if rates.Set() {
		c.Detail = "in force as the environment sets them"
		if len(rates.FromNow(book, env.Now())) > 0 {
			c.Detail = "those in force are not those that the environment sets"
			c.Hint = "to take them from now on: alwrity-sub pricing set huggingface"
		}
	}
	return c
}

func checkUnpriced(ctx context.Context, _ *Env, s *Services) ([]report.Check, error) {
	rows, err := s.Lists.UnpricedModels(ctx)
	if err != nil {
		return nil, err
	}
	c := report.Check{Name: "unpriced usage", OK: len(rows) == 0, Detail: "none"}
	if c.OK {
		return []report.Check{c}, nil
	}
	var parts []string
	for i, row := range rows {
		if i == 10 {
			parts = append(parts, fmt.Sprintf("and %d models more", len(rows)-i))
			break
		}
		model := row.Keys[1]
		if model == "" {
			model = "(no model)"
		}
		parts = append(parts, fmt.Sprintf("%s %s: %d", row.Keys[0], model, row.Unpriced))
	}
	c.Detail = "events without a price, counted at a cost of 0: " + strings.Join(parts, "; ")
	c.Hint = "set a price from then on (alwrity-sub pricing set … --effective-from …), then run: alwrity-sub pricing rerate --dry-run"
	return []report.Check{c}, nil
}

func checkTotals(ctx context.Context, env *Env, s *Services) ([]report.Check, error) {
	result, err := s.Totals.Reconcile(ctx, false)
	if err != nil {
		return nil, err
	}
	return report.ReconciliationChecks(result), nil
}
