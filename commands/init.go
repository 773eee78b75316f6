package commands

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

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
	seeds, err := readSeeds(opts.env, opts.plans, opts.prices) // before anything is created
	if err == nil {
		err = seeds.check(ctx, opts.env)
	}
	if err != nil {
		return err
	}
	s, before, after, err := opts.env.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	summary := report.InitSummary{Location: opts.env.Settings.DatabaseURL, SchemaBefore: before, SchemaAfter: after}
	if !opts.noSeed {
		if err := seeds.plant(ctx, s, opts.env.audit("init"), &summary); err != nil {
			return err
		}
	}
	if opts.env.Settings.DatabaseURL == "sqlite://" {
		opts.env.note("note: this database is in memory, and gone when the command ends; name a file in DATABASE_URL to keep it")
	}
	return opts.env.print(report.Init(summary))
}

// audit names who does something now.
func (env *Env) audit(action string) usage.Audit {
	return usage.Audit{At: env.Now(), Actor: env.Settings.Actor, Action: action}
}
