package commands

import (
	"context"
	"slices"
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

func newOutboxListCmd(env *Env) *cobra.Command {
	var status string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List deliveries, newest first",
		Long: `List deliveries, newest first: each takes one message to one recipient. A message
that was written since the last run of alerts send has none yet.`,
		Example: "  alwrity-sub alerts outbox list --status dead\n" +
			"  alwrity-sub alerts outbox list --status unconfirmed -o json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := notify.DeliveryQuery{Status: notify.Status(status), Limit: limit}
			switch {
			case limit < 1:
				return failure.Invalidf("limit is %d: it must be 1 or more", limit)
			case status != "" && !slices.Contains(notify.Statuses(), q.Status):
				return failure.Invalidf("status is %q: it must be waiting, sending, sent, unconfirmed, dead or skipped",
					failure.Shorten(status))
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				found, err := s.Notify.Deliveries(ctx, q)
				return report.Deliveries(found), err
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&status, "status", "",
		"only with this `STATUS`: waiting, sending, sent, unconfirmed, dead or skipped")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most `N`")
	return cmd
}

func newOutboxRetryCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "retry ID…", Short: "Send again what did not arrive, with the next run",
		Long: `Send again what is dead, unconfirmed or skipped, with the next run of alerts send, and
what is waiting at once instead of later. Whoever has an unconfirmed message already
gets it a second time, under the same Message-ID. A message in a digest takes the whole
digest along. One without a recipient is looked at anew: the user may have an address
by now.`,
		Example: "  alwrity-sub alerts outbox retry 17 18", Args: cobra.MinimumNArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := deliveryIDs(args)
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				doc := report.DeliveriesMoved(len(ids), "to be sent with the next run")
				return doc, s.Notify.Retry(ctx, env.audit("alerts outbox retry"), ids)
			})(cmd, nil)
		},
	}
}

func newOutboxDropCmd(env *Env) *cobra.Command {
	var before time.Time
	cmd := &cobra.Command{
		Use: "drop {ID… | --before TIME}", Short: "Never send what is waiting, dead or unconfirmed",
		Long: `Never send what is waiting, dead or unconfirmed: some of it, or all that was written
before a moment, such as before mail was set up. It stays in the list as skipped. An ID
in a digest takes the whole digest along; --before does not: what is later goes out.`,
		Example: "  alwrity-sub alerts outbox drop 17\n  alwrity-sub alerts outbox drop --before 2026-11-01",
		Args:    cobra.ArbitraryArgs, Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == !before.IsZero() {
				return failure.Invalidf("say what to drop: name the ids, or a moment with --before").
					WithHint("the ids are in: alwrity-sub alerts outbox list")
			}
			ids, err := deliveryIDs(args)
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				n, err, audit := len(ids), error(nil), env.audit("alerts outbox drop")
				if before.IsZero() {
					err = s.Notify.Drop(ctx, audit, ids)
				} else {
					n, err = s.Notify.DropBefore(ctx, audit, before)
				}
				return report.DeliveriesMoved(n, "dropped"), err
			})(cmd, nil)
		},
	}
	addTime(cmd, &before, "before", "all that was written before this `TIME`")
	return cmd
}

// deliveryIDs reads the ids of deliveries, each once.
func deliveryIDs(args []string) ([]int64, error) {
	all, err := parseIDs(args, "id", "alwrity-sub alerts outbox list")
	var ids []int64
	for _, id := range all {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}
