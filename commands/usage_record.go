package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageRecordOptions struct {
	env    *Env
	event  usage.Event
	record usage.RecordOptions
}

func newUsageRecordCmd(env *Env) *cobra.Command {
	opts := &usageRecordOptions{env: env}
	cmd := &cobra.Command{
		Use: "record --user U --provider P", Short: "Record one API call with its exact cost",
		Long: `Record one API call with its exact cost. The id makes a retry safe: the same id with
the same content is recorded once and succeeds again; with other content it is
refused. With --enforce the call is judged against the limits and recorded in one
step, or denied. With --reservation it settles what "limits reserve" has taken.`,
		Example: `  alwrity-sub usage record --user alice --provider gemini --model gemini-2.5-flash --input-tokens 1200 --output-tokens 300
  alwrity-sub usage record --user alice --provider video --model wan-2.5 --id req-7f3a --enforce`,
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,4,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "id", "reservation"); err != nil {
				return err
			}
			return usageRecordRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.event.UserID, "user", "", "the `USER` (with --reservation: its user)")
	addProvider(cmd, &opts.event.Provider, "the PROVIDER that the call is billed under")
	flags.StringVar(&opts.event.Model, "model", "", "the `MODEL`")
	flags.StringVar(&opts.event.ID, "id", "", "the event's `ID`, by which a retry is known (default a new UUID)")
	addTime(cmd, &opts.event.Time, "time", "when the call was made (default now)")
	addQuantities(flags, &opts.event.Quantities)
	flags.IntVar(&opts.event.StatusCode, "status-code", 200, "HTTP status; from 400 on the call failed and costs nothing")
	flags.Int64Var(&opts.event.ResponseTimeMS, "response-time-ms", 0, "how long the call took")
	flags.StringVar(&opts.event.Endpoint, "endpoint", "", "the API `ENDPOINT`")
	flags.StringVar(&opts.event.Method, "method", "", "the HTTP `METHOD`")
	flags.StringVar(&opts.event.Vendor, "vendor", "", "the `VENDOR` that served the call (default by provider and model)")
	flags.StringVar(&opts.event.ErrorMessage, "error-message", "", "what a failed call said")
	flags.Int64Var(&opts.event.RetryCount, "retry-count", 0, "how often the call was tried before")
	flags.BoolVar(&opts.event.Billable, "billable", false, "charge and count the call although it failed")
	flags.BoolVar(&opts.record.Enforce, "enforce", false, "refuse the call where a limit does")
	flags.BoolVar(&opts.record.Strict, "strict", false, "refuse a call that has no price")
	flags.StringVar(&opts.record.Reservation, "reservation", "", "settle the reservation with this `ID`")
	return cmd
}

func usageRecordRun(ctx context.Context, opts *usageRecordOptions) error {
	if opts.record.Reservation == "" {
		if err := required("--user", opts.event.UserID, "--provider", opts.event.Provider); err != nil {
			return err
		}
	} else if opts.record.Enforce {
		return failure.Invalidf("--enforce and --reservation exclude each other: a settlement always posts")
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		outcome, err := s.Usage.Record(ctx, opts.env.Now(), opts.event, opts.record)
		if err != nil {
			return opts.env.refused(outcome, err)
		}
		if err := opts.env.print(report.Recorded(outcome)); err != nil {
			return err
		}
		if outcome.Entry.Basis == pricing.Unpriced && outcome.Entry.Counts() && outcome.Status == usage.Recorded {
			opts.env.adviseUnpriced(ctx, s, outcome.Entry.Provider, outcome.Entry.Model)
		}
		return nil
	})
}

// refused prints the decision that refused an enforced event, as limits check
// does, and returns the failure.
func (env *Env) refused(o usage.Outcome, cause error) error {
	if o.Refusal == nil {
		return cause
	}
	if err := env.print(report.Decision(*o.Refusal)); err != nil {
		return err
	}
	return cause
}

// required returns an invalid failure for the first of the flags, given as pairs
// of name and value, that is empty.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return failure.Invalidf("%s is missing or empty", pairs[i]).WithHint("give it a value: %s …", pairs[i])
		}
	}
	return nil
}
