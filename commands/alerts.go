package commands

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newAlertsCmd(env *Env) *cobra.Command {
	return group("alerts", "Alerts of limits, and the messages that go out",
		newAlertsListCmd(env), newAlertsReadCmd(env), newAlertsCheckCmd(env),
		newAlertsSendCmd(env), newAlertsOutboxCmd(env), newAlertsTestCmd(env), newAlertsTemplatesCmd(env))
}

type alertsListOptions struct {
	env    *Env
	alerts usage.AlertQuery
}

func newAlertsListCmd(env *Env) *cobra.Command {
	opts := &alertsListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List alerts, newest first", Example: "  alwrity-sub alerts list --unread", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return alertsListRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.alerts.User, "user", "", "only of this `USER`")
	cmd.Flags().BoolVar(&opts.alerts.Unread, "unread", false, "only those that were not read yet")
	cmd.Flags().IntVar(&opts.alerts.Limit, "limit", usage.PageSize, "at most `N`")
	return cmd
}

func alertsListRun(ctx context.Context, opts *alertsListOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		page, err := s.Lists.Alerts(ctx, opts.alerts)
		if err != nil {
			return err
		}
		if page.More {
			opts.env.note("note: these are the latest %d; older ones are there: --limit N", len(page.Rows))
		}
		return opts.env.print(report.Alerts(page.Rows))
	})
}

type alertsReadOptions struct {
	env *Env
	ids []int64
}

func newAlertsReadCmd(env *Env) *cobra.Command {
	opts := &alertsReadOptions{env: env}
	return &cobra.Command{
		Use: "read ID…", Short: "Mark alerts as read", Example: "  alwrity-sub alerts read 17 18", Args: cobra.MinimumNArgs(1),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				id, err := strconv.ParseInt(arg, 10, 64)
				if err != nil || id < 1 {
					return failure.Invalidf("the alert id %q is no whole number", failure.Shorten(arg)).WithHint("the ids are in: alwrity-sub alerts list")
				}
				opts.ids = append(opts.ids, id)
			}
			return alertsReadRun(cmd.Context(), opts)
		},
	}
}

func alertsReadRun(ctx context.Context, opts *alertsReadOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		missing, err := s.Lists.MarkRead(ctx, opts.ids, opts.env.Now())
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			texts := make([]string, len(missing))
			for i, id := range missing {
				texts[i] = strconv.FormatInt(id, 10)
			}
			return failure.NotFoundf("there is no alert %s; none was marked", strings.Join(texts, ", ")).WithHint("the ids are in: alwrity-sub alerts list")
		}
		return opts.env.print(report.AlertsRead(len(opts.ids)))
	})
}

type alertsCheckOptions struct{ env *Env }

func newAlertsCheckCmd(env *Env) *cobra.Command {
	opts := &alertsCheckOptions{env}
	return &cobra.Command{
		Use: "check", Short: "Make the alerts that are due, for every user's running period",
		Long: `Make the alerts that are due, for every user's running period. Recording makes them
by itself; this finds those that a change of plan, price or thresholds has made due.`,
		Example: "  alwrity-sub alerts check", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return alertsCheckRun(cmd.Context(), opts) },
	}
}

func alertsCheckRun(ctx context.Context, opts *alertsCheckOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		users, added, err := s.Usage.CheckEveryone(ctx, opts.env.Now())
		if err != nil {
			return err
		}
		return opts.env.print(report.AlertsChecked(users, added))
	})
}
