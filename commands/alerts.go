package commands

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newAlertsCmd(env *Env) *cobra.Command {
	return group("alerts", "Alerts of limits, and the messages that go out",
		newAlertsListCmd(env), newAlertsReadCmd(env), newAlertsCheckCmd(env),
		newAlertsSendCmd(env), newAlertsOutboxCmd(env), newAlertsTestCmd(env), newAlertsTemplatesCmd(env))
}

func newAlertsListCmd(env *Env) *cobra.Command {
	var alerts usage.AlertQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List alerts, newest first", Example: "  alwrity-sub alerts list --unread", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			page, err := s.Lists.Alerts(ctx, alerts)
			if page.More {
				env.note("note: these are the latest %d; older ones are there: --limit N", len(page.Rows))
			}
			return report.Alerts(page.Rows), err
		}),
	}
	cmd.Flags().StringVar(&alerts.User, "user", "", "only of this `USER`")
	cmd.Flags().BoolVar(&alerts.Unread, "unread", false, "only those that were not read yet")
	cmd.Flags().IntVar(&alerts.Limit, "limit", usage.PageSize, "at most `N`")
	return cmd
}

func newAlertsReadCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "read ID…", Short: "Mark alerts as read", Example: "  alwrity-sub alerts read 17 18",
		Args: cobra.MinimumNArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(args, "alert id", "alwrity-sub alerts list")
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				return report.AlertsRead(len(ids)), s.Lists.MarkRead(ctx, env.audit("alerts read"), ids)
			})(cmd, nil)
		},
	}
}

// parseIDs reads ids. A message calls one by its name, and says which command lists them.
func parseIDs(args []string, name, list string) ([]int64, error) {
	var ids []int64
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, failure.Invalidf("the %s %q is no whole number", name, failure.Shorten(arg)).
				WithHint("the ids are in: %s", list)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func newAlertsCheckCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Make the alerts that are due, for every user's running period",
		Long: `Make the alerts that are due, for every user's running period. Recording makes them
by itself; this finds those that a change of plan, price or thresholds has made due.`,
		Example: "  alwrity-sub alerts check", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			users, added, err := s.Usage.CheckEveryone(ctx, env.Now())
			return report.AlertsChecked(users, added), err
		}),
	}
}

func newAlertsSendCmd(env *Env) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "send", Short: "Deliver the messages that wait, by mail and webhooks; for cron",
		Long: `Deliver the messages that wait: to users and operators by mail, to webhooks and to
Slack. What can't be delivered now is tried again by later runs, for about two days;
what is refused for good, and what was being sent when a sender was killed, is kept in
the outbox for a person to look at. Several may run at once: what one sends, no other
does. A message may arrive twice where the other side took it and did not say so: it
had all of it, and hung up or gave no answer in time, or a webhook answered with an
error. Then it is sent again, under the same Message-ID or Alwrity-Id, by which who
gets it can tell; Slack shows it twice.

A message about a period that is over (a limit, a renewal) is not sent: it is skipped,
and stays in the outbox with the reason. Whom a limit still refuses is told about the
running period instead.

Exit code 6 where a mail server or webhook takes nothing now (nothing is lost), 7
where a message could not be delivered for good, or may not have been.`,
		Example: "  alwrity-sub alerts send\n  alwrity-sub alerts send --limit 100 -o json",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7,130"),
		RunE: func(cmd *cobra.Command, _ []string) error { return alertsSendRun(cmd.Context(), env, limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "send at most `N` messages; 0 for all")
	return cmd
}

func alertsSendRun(ctx context.Context, env *Env, limit int) error {
	if limit < 0 {
		return failure.Invalidf("limit is %d: it must be 0 (none) or more", limit)
	}
	templates, err := env.Settings.Notify.LoadTemplates() // before the database: a mistake is the same without one
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		summary, err := s.Notify.Send(ctx, templates, limit, env.runningClock())
		if err != nil {
			return err
		}
		return errors.Join(env.print(report.MessagesSent(summary)), summary.Failure())
	})
}

// runningClock returns a clock that starts at the command's moment and goes on: what is claimed for a while must run
// out.
func (env *Env) runningClock() func() time.Time {
	now, began := env.Now(), time.Now() //nolint:forbidigo // how long the command runs is no matter of --now
	return func() time.Time {
		return now.Add(time.Since(began)).Truncate(time.Microsecond) //nolint:forbidigo // as above
	}
}

func newAlertsTestCmd(env *Env) *cobra.Command {
	var to string
	var webhook bool
	cmd := &cobra.Command{
		Use: "test", Short: "Try out mail and webhooks, step by step",
		Long: `Try out mail and webhooks, and say step by step what works: finding the mail server,
connecting, TLS with the certificate's names and last day, the login, the mail that is
taken; and what to do about what does not. It needs no database and keeps nothing.`,
		Example: "  alwrity-sub alerts test --to you@example.com\n  alwrity-sub alerts test --webhook",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return alertsTestRun(cmd.Context(), env, to, webhook) },
	}
	cmd.Flags().StringVar(&to, "to", "", "send a test mail to this `ADDRESS`")
	cmd.Flags().BoolVar(&webhook, "webhook", false, "post a test to the webhooks and to Slack")
	return cmd
}

func alertsTestRun(ctx context.Context, env *Env, to string, webhook bool) error {
	settings := &env.Settings.Notify
	switch {
	case to == "" && !webhook:
		return failure.Invalidf("there is nothing to test").WithHint("write --to you@example.com, --webhook, or both")
	case to != "" && settings.Mail.Host == "":
		return failure.Invalidf("no mail server is configured").WithHint("set SMTP_HOST and SMTP_FROM")
	case webhook && len(settings.Webhooks)+len(settings.Slack) == 0:
		return failure.Invalidf("no webhook is configured").
			WithHint("set ALWRITY_SUB_WEBHOOK_URL and ALWRITY_SUB_WEBHOOK_SECRET, or ALWRITY_SUB_SLACK_WEBHOOK_URL")
	}
	if err := cmp.Or(settings.Check(), usage.ValidateEmail(to)); err != nil {
		return err
	}
	templates, err := settings.LoadTemplates()
	if err != nil {
		return err
	}
	now := env.Now()
	var steps []notify.ProbeStep
	if to != "" {
		steps = notify.ProbeMail(ctx, settings, templates, to, now)
	}
	if webhook {
		steps = append(steps, notify.ProbeEndpoints(ctx, settings, templates, now)...)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	checks := make([]health.Check, len(steps))
	for i, s := range steps {
		checks[i] = health.Check{Name: s.Name, OK: s.OK, Detail: s.Detail, Hint: s.Hint}
	}
	return env.printChecks(checks)
}

func newAlertsTemplatesCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "templates DIR", Short: "Write the built-in templates of messages to a directory, to change them",
		Long: `Write the built-in templates of messages to a directory, to change them. A file that
is there already stays as it is. ALWRITY_SUB_TEMPLATES names the directory with those
that count; what is not in it is taken from the built-in ones.`,
		Example: "  alwrity-sub alerts templates templates", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,6"),
		RunE: func(_ *cobra.Command, args []string) error { return alertsTemplatesRun(env, args[0]) },
	}
}

func alertsTemplatesRun(env *Env, dir string) error {
	files, err := notify.BuiltInTemplates()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return unwritable(dir, err)
	}
	written := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		err := writeWhole(path, func(w io.Writer) error {
			_, err := io.WriteString(w, files[name])
			return err
		})
		if err != nil {
			return err
		}
		written++
	}
	return env.print(report.TemplatesWritten(written, len(files)-written))
}
