package commands

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report"
)

func newAlertsOutboxCmd(env *Env) *cobra.Command {
	return group("outbox", "Messages on their way, and those that did not arrive",
		newOutboxListCmd(env), newOutboxRetryCmd(env), newOutboxDropCmd(env))
}

type outboxListOptions struct {
	env    *Env
	status string
	limit  int
}

func newOutboxListCmd(env *Env) *cobra.Command {
	opts := &outboxListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List deliveries, newest first",
		Long: `List deliveries, newest first: each takes one message to one recipient. A message
that was written since the last run of alerts send has none yet.`,
		Example: "  alwrity-sub alerts outbox list --status dead\n  alwrity-sub alerts outbox list --status unconfirmed -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.limit < 1 {
				return failure.Invalidf("limit is %d: it must be 1 or more", opts.limit)
			}
			return outboxListRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.status, "status", "",
		"only with this `STATUS`: waiting, sending, sent, unconfirmed, dead or skipped")
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "at most `N`")
	return cmd
}

func outboxListRun(ctx context.Context, opts *outboxListOptions) error {
	status := notify.Status(opts.status)
	if status != "" && !slices.Contains(notify.Statuses(), status) {
		return failure.Invalidf("status is %q: it must be waiting, sending, sent, unconfirmed, dead or skipped",
			failure.Shorten(opts.status))
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		found, err := s.Notify.Deliveries(ctx, notify.DeliveryQuery{Status: status, Limit: opts.limit})
		if err != nil {
			return err
		}
		return opts.env.print(report.Deliveries(found))
	})
}

type outboxMoveOptions struct {
	env    *Env
	ids    []int64
	before time.Time // of drop; zero: only those with ids
}

func newOutboxRetryCmd(env *Env) *cobra.Command {
	opts := &outboxMoveOptions{env: env}
	return &cobra.Command{
		Use: "retry ID…", Short: "Send again what did not arrive, with the next run",
		Long: `Send again what is dead, unconfirmed or skipped, with the next run of alerts send, and
what is waiting at once instead of later. Whoever has an unconfirmed message already
gets it a second time, under the same Message-ID. A message in a digest takes the whole
digest along. One without a recipient is looked at anew: the user may have an address
by now.`,
		Example: "  alwrity-sub alerts outbox retry 17 18", Args: cobra.MinimumNArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if opts.ids, err = deliveryIDs(args); err != nil {
				return err
			}
			return outboxRetryRun(cmd.Context(), opts)
		},
	}
}

func newOutboxDropCmd(env *Env) *cobra.Command {
	opts := &outboxMoveOptions{env: env}
	cmd := &cobra.Command{
		Use: "drop {ID… | --before TIME}", Short: "Never send what is waiting, dead or unconfirmed",
		Long: `Never send what is waiting, dead or unconfirmed: some of it, or all that was written
before a moment, such as before mail was set up. It stays in the list as skipped. An ID
in a digest takes the whole digest along; --before does not: what is later goes out.`,
		Example: "  alwrity-sub alerts outbox drop 17\n  alwrity-sub alerts outbox drop --before 2026-11-01",
		Args:    cobra.ArbitraryArgs, Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if (len(args) > 0) == !opts.before.IsZero() {
				return failure.Invalidf("what is to be dropped? Name the ids, or a moment with --before").
					WithHint("the ids are in: alwrity-sub alerts outbox list")
			}
			if opts.ids, err = deliveryIDs(args); err != nil {
				return err
			}
			return outboxDropRun(cmd.Context(), opts)
		},
	}
	addTime(cmd, &opts.before, "before", "all that was written before this `TIME`")
	return cmd
}

func deliveryIDs(args []string) ([]int64, error) {
	var ids []int64
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, failure.Invalidf("the id %q is no whole number", failure.Shorten(arg)).
				WithHint("the ids are in: alwrity-sub alerts outbox list")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func outboxRetryRun(ctx context.Context, opts *outboxMoveOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		if err := s.Notify.Retry(ctx, opts.ids, opts.env.Now()); err != nil {
			return err
		}
		return opts.env.print(report.DeliveriesMoved(len(opts.ids), "to be sent with the next run"))
	})
}

func outboxDropRun(ctx context.Context, opts *outboxMoveOptions) error {
	env := opts.env
	return env.withServices(ctx, func(s *Services) (err error) {
		n := len(opts.ids)
		if opts.before.IsZero() {
			err = s.Notify.Drop(ctx, opts.ids, env.Settings.Actor, env.Now())
		} else {
			n, err = s.Notify.DropBefore(ctx, opts.before, env.Settings.Actor, env.Now())
		}
		if err != nil {
			return err
		}
		return env.print(report.DeliveriesMoved(n, "dropped"))
	})
}
