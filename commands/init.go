package commands

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type initOptions struct {
	env    *Env
	plans  string
	prices string
	noSeed bool
}

func newInitCmd(env *Env) *cobra.Command {
	opts := &initOptions{env: env}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create or upgrade the tables, and seed plans and prices",
		Long: `Create or upgrade the tables, and seed the default plans and prices.

Safe to repeat: what is there stays, and what an admin has changed is never
overwritten. A HUGGINGFACE_INPUT_TOKEN_COST or HUGGINGFACE_OUTPUT_TOKEN_COST that
has changed since the last time adds prices that hold from now on.`,
		Example: `  alwrity-sub init
  alwrity-sub init --database-url postgresql://alwrity@localhost/alwrity
  alwrity-sub init --plans plans.yaml --prices prices.yaml`,
		Args:        cobra.NoArgs,
		Annotations: exitCodes("0,1,2,6"),
		RunE:        func(cmd *cobra.Command, _ []string) error { return initRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.plans, "plans", "", "seed the plans of this `FILE` instead of the built-in ones")
	cmd.Flags().StringVar(&opts.prices, "prices", "", "seed the prices of this `FILE` instead of the built-in ones")
	cmd.Flags().BoolVar(&opts.noSeed, "no-seed", false, "create or upgrade the tables only")
	return cmd
}

func initRun(ctx context.Context, opts *initOptions) (err error) {
	seeds, err := opts.seeds(ctx) // before anything is created
	if err != nil {
		return err
	}
	s, before, after, err := opts.env.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var seeded catalogue.Seeded
	if !opts.noSeed {
		if seeded, err = s.Catalogue.Seed(ctx, opts.env.audit("init"), seeds); err != nil {
			return err
		}
	}
	if opts.env.Settings.DatabaseURL == "sqlite://" {
		opts.env.note("note: this database is in memory, and gone when the command ends; " +
			"name a file in DATABASE_URL to keep it")
	}
	return opts.env.print(report.Init(report.InitSummary{
		Location: opts.env.Settings.DatabaseURL, SchemaBefore: before, SchemaAfter: after, Seeded: seeded,
	}))
}

// seeds reads the files, and refuses those that can't be seeded. Providers may also be known from an earlier file, by a
// database that is there.
func (opts *initOptions) seeds(ctx context.Context) (seeds catalogue.Seeds, err error) {
	plans, err := readSeedFile(opts.plans)
	if err != nil {
		return seeds, err
	}
	prices, err := readSeedFile(opts.prices)
	if err != nil {
		return seeds, err
	}
	if seeds, err = catalogue.NewSeeds(plans, prices, opts.env.Settings.Lookup); err != nil {
		return seeds, err
	}
	if err = seeds.Check(nil); err == nil {
		return seeds, nil
	}
	s, openErr := opts.env.Open(ctx)
	if openErr != nil {
		return seeds, err // there is no database that could know more providers
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return seeds, s.Catalogue.CheckSeeds(ctx, seeds)
}

// audit names who does something now.
func (env *Env) audit(action string) usage.Audit {
	return env.auditAt(env.Now(), action)
}

func (env *Env) auditAt(now time.Time, action string) usage.Audit {
	return usage.Audit{At: now, Actor: env.Settings.Actor, Action: action}
}
