package commands

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
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

func newPlansListCmd(env *Env) *cobra.Command {
	var at time.Time
	cmd := &cobra.Command{
		Use: "list", Short: "List the plans on offer", Args: cobra.NoArgs,
		Example: "  alwrity-sub plans list\n  alwrity-sub plans list --at 2026-01-01",
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			plans, subscribers, err := s.Catalogue.Plans(ctx, env.Now(), at)
			return report.Plans(plans, subscribers), err
		}),
	}
	addPlansAt(cmd, &at)
	return cmd
}

func newPlansShowCmd(env *Env) *cobra.Command {
	var at time.Time
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a plan with every limit", Args: cobra.ExactArgs(1),
		Example:     "  alwrity-sub plans show pro\n  alwrity-sub plans show pro --at 2026-01-01",
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			now := env.Now()
			p, subscribers, err := s.Catalogue.Plan(ctx, now, args[0])
			return report.Plan(p, subscribers, cmp.Or(at, now)), err
		}),
	}
	addPlansAt(cmd, &at)
	return cmd
}

func newPlansExportCmd(env *Env) *cobra.Command {
	var at time.Time
	cmd := &cobra.Command{
		Use: "export", Short: "Write the plans as YAML, as plans apply reads them",
		Example: "  alwrity-sub plans export > plans.yaml", Args: cobra.NoArgs,
		RunE: env.writeText(func(ctx context.Context, s *Services) (string, error) {
			plans, _, err := s.Catalogue.Plans(ctx, env.Now(), at)
			return plans.YAML(), err
		}),
	}
	addPlansAt(cmd, &at)
	return cmd
}

func newPlansApplyCmd(env *Env) *cobra.Command {
	var file string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Change the plans to those of a file",
		Long: `Change the plans to those of a file, and print what changes before it is changed.

The file names every plan: one that is not in it is withdrawn, which is refused
while users are subscribed to it. Plans are told apart by their tier.`,
		Example: "  alwrity-sub plans apply -f plans.yaml --dry-run", Args: cobra.NoArgs,
		Annotations: exitCodes("0,1,2,5,6"),
		RunE:        func(cmd *cobra.Command, _ []string) error { return plansApplyRun(cmd.Context(), env, file, dryRun) },
	}
	addFile(cmd, &file, "the plan `FILE`")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change, and change nothing")
	return cmd
}

func plansApplyRun(ctx context.Context, env *Env, name string, dryRun bool) error {
	file, err := readFile(name)
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		audit, forPeople := env.audit("plans apply"), env.Printer.Format == report.FormatTable
		diffs, err := s.Catalogue.DiffPlans(ctx, audit.At, *file)
		if err != nil && len(diffs) == 0 {
			return err
		}
		if forPeople { // a person reads what changes before it is changed
			if err := env.print(report.PlanChanges(diffs, false)); err != nil {
				return err
			}
		}
		if err == nil && !dryRun && len(diffs) > 0 {
			err = s.Catalogue.ApplyPlans(ctx, audit, *file, diffs)
		}
		applied := err == nil && !dryRun
		if !forPeople {
			err = errors.Join(err, env.print(report.PlanChanges(diffs, applied)))
		}
		switch {
		case len(diffs) == 0:
		case applied:
			env.note("%s applied", failure.Counted(len(diffs), "change"))
		case err == nil:
			env.note("nothing was changed: this was a dry run")
		}
		return err
	})
}
