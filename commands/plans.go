package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
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

// plansAt returns the plans on offer, with the figures of a moment, and how many users are
// subscribed to each now.
func plansAt(ctx context.Context, env *Env, s *Services, at time.Time) (plan.Plans, map[int64]int, error) {
	plans, subscribers, err := s.Catalogue.Plans(ctx, env.Now())
	return plans.At(cmp.Or(at, env.Now())), subscribers, err
}

type plansListOptions struct {
	env *Env
	at  time.Time
}

func newPlansListCmd(env *Env) *cobra.Command {
	opts := &plansListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List the plans on offer", Example: "  alwrity-sub plans list\n  alwrity-sub plans list --at 2026-01-01", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return plansListRun(cmd.Context(), opts) },
	}
	addPlansAt(cmd, &opts.at)
	return cmd
}

func plansListRun(ctx context.Context, opts *plansListOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		plans, subscribers, err := plansAt(ctx, opts.env, s, opts.at)
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
		Use: "show NAME", Short: "Show a plan with every limit", Example: "  alwrity-sub plans show pro\n  alwrity-sub plans show pro --at 2026-01-01",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
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
		plans, subscribers, err := s.Catalogue.Plans(ctx, opts.env.Now())
		if err != nil {
			return err
		}
		p, err := plans.Find(opts.name)
		if err != nil {
			return err
		}
		return opts.env.print(report.Plan(p, subscribers[p.ID], cmp.Or(opts.at, opts.env.Now())))
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
		plans, _, err := plansAt(ctx, opts.env, s, opts.at)
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
	text, err := readFile(opts.file)
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		book, err := s.Catalogue.Catalogue(ctx)
		if err != nil {
			return err
		}
		wanted, err := plan.ParseCatalogue(opts.file, text, book.Providers)
		if err != nil {
			return err
		}
		have, subscribers, err := s.Catalogue.Plans(ctx, opts.env.Now())
		if err != nil {
			return err
		}
		diffs := plan.Diff(have, wanted)
		if opts.env.Printer.Format == report.FormatTable { // a person reads what changes before it is changed
			if err := opts.env.print(report.PlanChanges(diffs, false)); err != nil {
				return err
			}
		}
		_, err = withdrawn(have, wanted, subscribers)
		if err == nil && !opts.dryRun && len(diffs) > 0 {
			err = opts.apply(ctx, s, wanted, diffs)
		}
		return opts.finish(diffs, err)
	})
}

// apply makes the changes that were shown, or none where the plans have changed
// since.
func (opts *plansApplyOptions) apply(ctx context.Context, s *Services, wanted plan.Plans, shown []plan.Difference) error {
	return s.Catalogue.ChangePlans(ctx, opts.env.audit("plans apply"), func(have plan.Plans, subscribers map[int64]int) (plan.Plans, []int64, error) {
		if !slices.Equal(plan.Diff(have, wanted), shown) {
			return nil, nil, failure.Conflictf("the plans were changed meanwhile by somebody else").WithHint("run it again, and read what it changes now")
		}
		withdraw, err := withdrawn(have, wanted, subscribers)
		return adminPlans(wanted, have), withdraw, err
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
		opts.env.note("%s applied", report.Counted(len(diffs), "change"))
	case err == nil:
		opts.env.note("nothing was changed: this was a dry run")
	}
	return err
}

// adminPlans marks as an admin's the plans that the file changes.
func adminPlans(wanted, have plan.Plans) plan.Plans {
	save := make(plan.Plans, len(wanted))
	for i, p := range wanted {
		p.Source = pricing.FromAdmin
		for _, h := range have {
			if h.Tier == p.Tier && h.Equal(p) {
				p.Source = h.Source
			}
		}
		save[i] = p
	}
	return save
}

// withdrawn returns the plans that a file no longer has, or an invalid failure
// where users are subscribed to one of them.
func withdrawn(have, wanted plan.Plans, subscribers map[int64]int) ([]int64, error) {
	var ids []int64
	for _, d := range plan.Diff(have, wanted) {
		if d.Field != "plan" || d.After != "" {
			continue
		}
		p, err := have.Find(d.Plan)
		if err != nil {
			return nil, err
		}
		if n := subscribers[p.ID]; n > 0 {
			return nil, failure.Invalidf("the file has no plan of the tier %s (%s), which has %s", p.Tier, p.Name, report.Counted(n, "subscriber")).
				WithHint("move them first: alwrity-sub users change-plan USER --plan …, or keep the plan in the file")
		}
		ids = append(ids, p.ID)
	}
	return ids, nil
}
