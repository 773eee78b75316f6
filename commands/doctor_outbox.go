package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report"
)

// latestMessage is how long a message may wait before something must be wrong.
const latestMessage = 24 * time.Hour

// checkMessages checks what takes messages to people: the mail server, where one is
// configured, and the outbox.
func checkMessages(ctx context.Context, env *Env, s *Services) ([]report.Check, error) {
	var checks []report.Check
	if env.Settings.Notify.Mail.Host != "" {
		checks = append(checks, checkMail(ctx, env))
	}
	outbox, err := checkOutbox(ctx, env, s)
	return append(checks, outbox), err
}

// checkMail goes to the mail server as far as the login, and sends nothing.
func checkMail(ctx context.Context, env *Env) report.Check {
	settings := &env.Settings.Notify
	if err := settings.Check(); err != nil {
		return failedCheck("mail", err)
	}
	if _, err := notify.LoadTemplates(settings.Templates, settings); err != nil {
		return failedCheck("mail", err)
	}
	c := report.Check{Name: "mail", OK: true}
	for _, step := range notify.ProbeMail(ctx, settings, nil, "", env.Now()) {
		c.OK, c.Hint = step.OK, step.Hint
		c.Detail = step.Name + ": " + step.Detail
	}
	if c.OK {
		c.Detail = fmt.Sprintf("%s takes mail from %s", settings.Mail.Host, settings.Mail.From.Address)
	} else {
		c.Hint += "; look closer with: alwrity-sub alerts test --to you@example.com"
	}
	return c
}

// checkOutbox tells what is stuck: what has waited for too long, and what a person has
// to look at.
func checkOutbox(ctx context.Context, env *Env, s *Services) (report.Check, error) {
	c := report.Check{Name: "outbox", OK: true}
	state, err := s.Outbox.Outbox(ctx, env.Now())
	if err != nil {
		return c, err
	}
	dead, unconfirmed := state.Deliveries[notify.Dead], state.Deliveries[notify.Unconfirmed]
	waiting := state.Unexpanded + state.Deliveries[notify.Waiting] + state.Deliveries[notify.Sending]
	c.Detail = fmt.Sprintf("%d waiting, %d dead, %d unconfirmed", waiting, dead, unconfirmed)
	if !env.Settings.Notify.Configured() {
		c.Detail += "; nothing is sent: neither mail nor a webhook is configured"
		return c, nil
	}
	if !state.Oldest.IsZero() && env.Now().Sub(state.Oldest) > latestMessage {
		c.OK = false
		c.Detail += ", the oldest since " + state.Oldest.Format("2006-01-02 15:04 UTC")
		c.Hint = "does cron run it? alwrity-sub alerts send"
	}
	if dead+unconfirmed > 0 {
		c.OK = false
		c.Hint = "see them with: alwrity-sub alerts outbox list --status dead (or unconfirmed); then retry ID or drop ID"
	}
	return c, nil
}
