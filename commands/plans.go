package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

func newPlansCmd(env *Env) *cobra.Command {
	return group("plans", "Plans and their limits",
		newPlansListCmd(env), newPlansShowCmd(env), newPlansExportCmd(env), newPlansApplyCmd(env), newPlansSimulateCmd(env))
}

// addPlansAt adds the moment whose figures of plans are shown.
func addPlansAt(cmd *cobra.Command, to *time.Time) {
	addTime(cmd, to, "at", "prices, limits and overage as they were then (default now)")
}

type plansListOptions struct {
	env *Env
	at  time.Time
}

func newPlansListCmd(env *Env) *cobra.Command {
	opts := &plansListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List the plans on offer", Args: cobra.NoArgs,
		Example: "  alwrity-sub plans list\n  alwrity-sub plans list --at 2026-01-01",
		RunE:    func(cmd *cobra.Command, _ []string) error { return plansListRun(cmd.Context(), opts) },
	}
	addPlansAt(cmd, &opts.at)
	return cmd
}

func plansListRun(ctx context.Context, opts *plansListOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		plans, subscribers, err := s.Catalogue.Plans(ctx, opts.env.Now(), opts.at)
		if err != nil {
			return err
		}
		return opts.env.print(report.Plans(plans, subscribers))
	})
}

type plansShowOptions struct {
	env  *Env
	name string
	at   time.Time
}

func newPlansShowCmd(env *Env) *cobra.Command {
	opts := &plansShowOptions{env: env}
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a plan with every limit", Args: cobra.ExactArgs(1),
		Example:     "  alwrity-sub plans show pro\n  alwrity-sub plans show pro --at 2026-01-01",
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.name = args[0]
			return plansShowRun(cmd.Context(), opts)
		},
	}
	addPlansAt(cmd, &opts.at)
	return cmd
}

func plansShowRun(ctx context.Context, opts *plansShowOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		now := opts.env.Now()
		p, subscribers, err := s.Catalogue.Plan(ctx, now, opts.name)
		if err != nil {
			return err
		}
		return opts.env.print(report.Plan(p, subscribers, cmp.Or(opts.at, now)))
	})
}

type plansExportOptions struct {
	env *Env
	at  time.Time
}

func newPlansExportCmd(env *Env) *cobra.Command {
	opts := &plansExportOptions{env: env}
	cmd := &cobra.Command{
		Use: "export", Short: "Write the plans as YAML, as plans apply reads them",
		Example: "  alwrity-sub plans export > plans.yaml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return plansExportRun(cmd.Context(), opts) },
	}
	addPlansAt(cmd, &opts.at)
	return cmd
}

func plansExportRun(ctx context.Context, opts *plansExportOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		plans, _, err := s.Catalogue.Plans(ctx, opts.env.Now(), opts.at)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(opts.env.Printer.Out, plans.YAML())
		return err
	})
}

type plansApplyOptions struct {
	env    *Env
	file   string
	dryRun bool
}

func newPlansApplyCmd(env *Env) *cobra.Command {
	opts := &plansApplyOptions{env: env}
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Change the plans to those of a file",
		Long: `Change the plans to those of a file, and print what changes before it is changed.

The file names every plan: one that is not in it is withdrawn, which is refused
while users are subscribed to it. Plans are told apart by their tier.`,
		Example: "  alwrity-sub plans apply -f plans.yaml --dry-run", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return plansApplyRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVarP(&opts.file, "file", "f", "", "the plan `FILE`")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "print what would change, and change nothing")
	mustRequire(cmd, "file")
	return cmd
}

func plansApplyRun(ctx context.Context, opts *plansApplyOptions) error {
	file, err := readFile(opts.file)
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		now := opts.env.Now()
		diffs, err := s.Catalogue.DiffPlans(ctx, now, file)
		if err != nil && len(diffs) == 0 {
			return err
		}
		if opts.env.Printer.Format == report.FormatTable { // a person reads what changes before it is changed
			if err := opts.env.print(report.PlanChanges(diffs, false)); err != nil {
				return err
			}
		}
		if err == nil && !opts.dryRun && len(diffs) > 0 {
			err = s.Catalogue.ApplyPlans(ctx, opts.env.auditAt(now, "plans apply"), file, diffs)
		}
		return opts.finish(diffs, err)
	})
}

// finish says whether the changes were made.
func (opts *plansApplyOptions) finish(diffs []plan.Difference, err error) error {
	applied := err == nil && !opts.dryRun
	if opts.env.Printer.Format != report.FormatTable && (err == nil || len(diffs) > 0) {
		err = errors.Join(err, opts.env.print(report.PlanChanges(diffs, applied)))
	}
	switch {
	case len(diffs) == 0:
	case applied:
		opts.env.note("%s applied", failure.Counted(len(diffs), "change"))
	case err == nil:
		opts.env.note("nothing was changed: this was a dry run")
	}
	return err
}
