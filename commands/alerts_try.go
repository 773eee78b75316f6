package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

type alertsTestOptions struct {
	env     *Env
	to      string
	webhook bool
}

func newAlertsTestCmd(env *Env) *cobra.Command {
	opts := &alertsTestOptions{env: env}
	cmd := &cobra.Command{
		Use: "test", Short: "Try out mail and webhooks, step by step",
		Long: `Try out mail and webhooks, and say step by step what works: finding the mail server,
connecting, TLS with the certificate's names and last day, the login, the mail that is
taken; and what to do about what does not. It needs no database and keeps nothing.`,
		Example: "  alwrity-sub alerts test --to you@example.com\n  alwrity-sub alerts test --webhook",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return alertsTestRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.to, "to", "", "send a test mail to this `ADDRESS`")
	cmd.Flags().BoolVar(&opts.webhook, "webhook", false, "post a test to the webhooks and to Slack")
	return cmd
}

func alertsTestRun(ctx context.Context, opts *alertsTestOptions) error {
	settings := &opts.env.Settings.Notify
	if err := opts.validate(settings); err != nil {
		return err
	}
	templates, err := notify.LoadTemplates(settings.Templates, settings)
	if err != nil {
		return err
	}
	now := opts.env.Now()
	var steps []notify.ProbeStep
	if opts.to != "" {
		steps = notify.ProbeMail(ctx, settings, templates, opts.to, now)
	}
	if opts.webhook {
		steps = append(steps, notify.ProbeEndpoints(ctx, settings, templates, now)...)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	checks := make([]health.Check, len(steps))
	for i, s := range steps {
		checks[i] = health.Check{Name: s.Name, OK: s.OK, Detail: s.Detail, Hint: s.Hint}
	}
	return opts.env.printChecks(checks)
}

func (opts *alertsTestOptions) validate(s *notify.Settings) error {
	switch {
	case opts.to == "" && !opts.webhook:
		return failure.Invalidf("there is nothing to test").WithHint("write --to you@example.com, --webhook, or both")
	case opts.to != "" && s.Mail.Host == "":
		return failure.Invalidf("no mail server is configured").WithHint("set SMTP_HOST and SMTP_FROM")
	case opts.webhook && len(s.Webhooks)+len(s.Slack) == 0:
		return failure.Invalidf("no webhook is configured").
			WithHint("set ALWRITY_SUB_WEBHOOK_URL and ALWRITY_SUB_WEBHOOK_SECRET, or ALWRITY_SUB_SLACK_WEBHOOK_URL")
	}
	if err := s.Check(); err != nil {
		return err
	}
	return usage.ValidateEmail(opts.to)
}
