package commands

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/report"
)

type initOptions struct {
	plans, prices string
	noSeed        bool
	rehearsal     bool
}

func newInitCmd(env *Env) *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use: "init", Short: "Create or upgrade the tables, and seed plans and prices",
		Long: `Create or upgrade the tables, and seed the default plans and prices.

Safe to repeat: what is there stays, and what an admin has changed is never
overwritten. A HUGGINGFACE_INPUT_TOKEN_COST or HUGGINGFACE_OUTPUT_TOKEN_COST that
has changed since the last time adds prices that hold from now on.

--rehearsal makes a new database one for rehearsals: --now may be ahead of the clock
in it, and whatever is shown of it says REHEARSAL. It stays one, and so do its copies.`,
		Example: `  alwrity-sub init
  alwrity-sub init --database-url postgresql://alwrity@localhost/alwrity
  alwrity-sub init --plans plans.yaml --prices prices.yaml`,
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return initRun(cmd.Context(), env, opts) },
	}
	cmd.Flags().StringVar(&opts.plans, "plans", "", "seed the plans of this `FILE` instead of the built-in ones")
	cmd.Flags().StringVar(&opts.prices, "prices", "", "seed the prices of this `FILE` instead of the built-in ones")
	cmd.Flags().BoolVar(&opts.noSeed, "no-seed", false, "create or upgrade the tables only")
	cmd.Flags().BoolVar(&opts.rehearsal, "rehearsal", false, "make a new database, for rehearsals alone")
	return cmd
}

func initRun(ctx context.Context, env *Env, opts initOptions) (err error) {
	seeds, err := opts.seeds(ctx, env) // before anything is created
	if err != nil {
		return err
	}
	s, before, after, err := env.Create(ctx, opts.rehearsal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var seeded catalogue.Seeded
	if !opts.noSeed {
		if seeded, err = s.Catalogue.Seed(ctx, env.audit("init"), seeds); err != nil {
			return err
		}
	}
	if env.Settings.DatabaseURL == "sqlite://" {
		env.note("note: this database is in memory, and gone when the command ends; name a file in DATABASE_URL to keep it")
	}
	return env.print(report.Init(report.InitSummary{
		Location: env.Settings.DatabaseURL, SchemaBefore: before, SchemaAfter: after, Seeded: seeded,
	}))
}

// seeds reads the files, and refuses those that can't be seeded. Providers may also be known from an earlier file, by a
// database that is there.
func (opts *initOptions) seeds(ctx context.Context, env *Env) (seeds catalogue.Seeds, err error) {
	plans, err := readOptionalFile(opts.plans)
	if err != nil {
		return seeds, err
	}
	prices, err := readOptionalFile(opts.prices)
	if err != nil {
		return seeds, err
	}
	if seeds, err = catalogue.NewSeeds(plans, prices, env.Settings.Lookup); err != nil {
		return seeds, err
	}
	if err = seeds.Check(env.Now()); err == nil {
		return seeds, nil
	}
	s, openErr := env.Open(ctx)
	if openErr != nil {
		return seeds, err // there is no database that could know more providers
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return seeds, s.Catalogue.CheckSeeds(ctx, env.Now(), seeds)
}
