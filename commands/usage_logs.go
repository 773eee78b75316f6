package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageLogsOptions struct {
	env     *Env
	query   usage.LogQuery
	status  string
	after   string
	limited bool // --limit was given
}

func newUsageLogsCmd(env *Env) *cobra.Command {
	opts := &usageLogsOptions{env: env}
	cmd := &cobra.Command{
		Use: "logs", Short: "List recorded calls, newest first",
		Example: "  alwrity-sub usage logs --user alice --from 2026-11-01\n  alwrity-sub usage logs --status unpriced -o csv\n  alwrity-sub usage logs --limit 100 --after LAST-ID-OF-THE-PAGE-BEFORE",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.limited = cmd.Flags().Changed("limit")
			return usageLogsRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.query.User, "user", "", "only this `USER`")
	addProvider(cmd, &opts.query.Provider, "only this PROVIDER")
	flags.StringVar(&opts.query.Model, "model", "", "only this `MODEL`")
	addTime(cmd, &opts.query.From, "from", "only calls from then on")
	addTime(cmd, &opts.query.To, "to", "only calls before then")
	flags.StringVar(&opts.status, "status", "", "only these: ok, failed or unpriced")
	flags.IntVar(&opts.query.Limit, "limit", 0, "at most so many (default 50 in a table, else 1000000)")
	flags.StringVar(&opts.after, "after", "", "continue after the call with this `ID`")
	return cmd
}

func usageLogsRun(ctx context.Context, opts *usageLogsOptions) error {
	opts.query.Status = usage.LogStatus(opts.status)
	if !opts.limited {
		opts.query.Limit = 50
		if opts.env.Printer.Format != report.FormatTable { // an export, which must not end in silence
			opts.query.Limit = 1_000_000
		}
	}
	if err := opts.query.Validate(); err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		if err := opts.continueAfter(ctx, s); err != nil {
			return err
		}
		entries, err := s.Ratings.Logs(ctx, opts.query)
		if err != nil {
			return err
		}
		names, err := planNames(ctx, s)
		if err != nil {
			return err
		}
		if len(entries) == opts.query.Limit {
			opts.env.always("note: there may be more; continue with --after %s", entries[len(entries)-1].ID)
		}
		return opts.env.print(report.Logs(entries, func(id int64) string { return names[id] }))
	})
}

// continueAfter finds the last call of the page before, and checks the provider.
func (opts *usageLogsOptions) continueAfter(ctx context.Context, s *Services) error {
	return s.Usage.Store.View(ctx, func(r usage.Reader) error {
		if opts.query.Provider != "" {
			book, err := r.Book(ctx, opts.query.Provider)
			if err != nil {
				return err
			}
			if _, err := book.Providers.Find(opts.query.Provider); err != nil {
				return err
			}
		}
		if opts.after == "" {
			return nil
		}
		entries, err := r.Entries(ctx, []string{opts.after})
		if err != nil {
			return err
		}
		last, ok := entries[opts.after]
		if !ok {
			return failure.NotFoundf("there is no event %q to continue after", failure.Shorten(opts.after))
		}
		opts.query.BeforeTime, opts.query.BeforeID = last.Time, last.ID
		return nil
	})
}

// planNames returns the names of all plans by id, also of those withdrawn.
func planNames(ctx context.Context, s *Services) (map[int64]string, error) {
	names := map[int64]string{}
	err := s.Usage.Store.View(ctx, func(r usage.Reader) error {
		accounts, err := r.Accounts(ctx, []string{""})
		for _, p := range accounts[""].Plans {
			names[p.ID] = p.Name
		}
		return err
	})
	return names, err
}
