package health

import (
	"context"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
)

// longestWait is how long a message may wait before something must be wrong.
const longestWait = 24 * time.Hour

// messages checks what takes messages to people: the mail server, where one is configured, and the outbox.
func (s *Service) messages(ctx context.Context, now time.Time, c *Configuration) ([]Check, error) {
	var checks []Check
	if c.Notify.Mail.Host != "" {
		checks = append(checks, mailCheck(ctx, now, c.Notify))
	}
	outbox, err := s.outbox(ctx, now, c)
	return append(checks, outbox...), err
}

func (s *Service) outbox(ctx context.Context, now time.Time, c *Configuration) ([]Check, error) {
	state, err := s.Store.OutboxState(ctx, now)
	return []Check{outboxCheck(state, now, c.Notify.Configured())}, err
}

// mailCheck goes to the mail server as far as the login, and sends nothing.
func mailCheck(ctx context.Context, now time.Time, settings *notify.Settings) Check {
	if _, err := settings.LoadTemplates(); err != nil {
		return failed("mail", err)
	}
	c := Check{Name: "mail", OK: true}
	for _, step := range notify.ProbeMail(ctx, settings, nil, "", now) {
		c.OK = step.OK
		c.Detail = step.Name + ": " + step.Detail
		c.Reason, c.Args = "mail_unusable", failure.ArgsOf("hint", step.Hint)
	}
	if c.OK {
		c.Detail = fmt.Sprintf("%s takes mail from %s", settings.Mail.Host, settings.Mail.From.Address)
		c.Reason, c.Args = "", nil
	}
	return c
}

// outboxCheck tells what is stuck: what has waited for too long, and what a person has to look at.
func outboxCheck(state notify.OutboxState, now time.Time, configured bool) Check {
	dead, unconfirmed := state.Deliveries[notify.Dead], state.Deliveries[notify.Unconfirmed]
	waiting := state.Unexpanded + state.Deliveries[notify.Waiting] + state.Deliveries[notify.Sending]
	c := Check{Name: "outbox", OK: true}
	c.Detail = fmt.Sprintf("%d waiting, %d dead, %d unconfirmed", waiting, dead, unconfirmed)
	if !configured {
		c.Detail += "; nothing is sent: neither mail nor a webhook is configured"
		return c
	}
	if !state.Oldest.IsZero() && now.Sub(state.Oldest) > longestWait {
		c.OK = false
		c.Detail += ", the oldest since " + state.Oldest.Format("2006-01-02 15:04 UTC")
		c.Reason = "messages_wait"
	}
	if dead+unconfirmed > 0 {
		c.OK = false
		c.Reason = "messages_stuck"
	}
	return c
}
