package commands

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

type alertsSendOptions struct {
	env   *Env
	limit int
}

func newAlertsSendCmd(env *Env) *cobra.Command {
	opts := &alertsSendOptions{env: env}
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

Exit code 6 where a mail server or webhook takes nothing now (nothing is lost), 7
where a message could not be delivered for good, or may not have been.`,
		Example: "  alwrity-sub alerts send\n  alwrity-sub alerts send --limit 100 -o json",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7,130"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.limit < 0 {
				return failure.Invalidf("limit is %d: it must be 0 (none) or more", opts.limit)
			}
			return alertsSendRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 0, "send at most `N` messages; 0 for all")
	return cmd
}

func alertsSendRun(ctx context.Context, opts *alertsSendOptions) error {
	env := opts.env
	templates, err := env.Settings.Notify.LoadTemplates() // before the database: a mistake is the same without one
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		summary, err := s.Notify.Send(ctx, templates, opts.limit, env.running())
		if err != nil {
			return err
		}
		return errors.Join(env.print(report.MessagesSent(summary)), summary.Failure())
	})
}

// running returns a clock that starts at the command's moment and goes on: what is
// claimed for a while must run out.
func (env *Env) running() func() time.Time {
	now, began := env.Now(), time.Now() //nolint:forbidigo // how long the command runs is no matter of --now
	return func() time.Time {
		return now.Add(time.Since(began)).Truncate(time.Microsecond) //nolint:forbidigo // as above
	}
}
