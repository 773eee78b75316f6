package commands

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

type selftestOptions struct{ env *Env }

func newSelftestCmd(env *Env) *cobra.Command {
	opts := &selftestOptions{env}
	return &cobra.Command{
		Use: "selftest", Short: "Try everything once on a scratch database of the configured kind",
		Long: `Try tables, pricing, usage tracking, limits and error handling once on a scratch
database of the configured kind: a temporary file, or a temporary schema in the
configured PostgreSQL database. The configured database's own data is not touched.`,
		Example: "  alwrity-sub selftest", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return selftestRun(cmd.Context(), opts) },
	}
}

func selftestRun(ctx context.Context, opts *selftestOptions) (err error) {
	s, remove, err := opts.env.Scratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	checks, err := s.Health.Selftest(ctx, opts.env.Now())
	if err != nil {
		return err
	}
	return opts.env.printChecks(checks)
}
