package commands

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsageRecordCmd(env *Env) *cobra.Command {
	var event usage.Event
	var opts usage.RecordOptions
	var token string
	cmd := &cobra.Command{
		Use: "record --user U --provider P", Short: "Record one API call with its exact cost",
		Long: `Record one API call with its exact cost. The id makes a retry safe: the same id with
the same content is recorded once and succeeds again; with other content it is
refused. With --enforce the call is judged against the limits and recorded in one
step, or denied. With --reservation it settles what "limits reserve" has taken.`,
		Example: "  alwrity-sub usage record --user alice --provider gemini --model gemini-2.5-flash" +
			" --input-tokens 1200 --output-tokens 300\n" +
			`  alwrity-sub usage record --user alice --provider video --model wan-2.5 --id req-7f3a --enforce`,
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,4,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "id", "reservation"); err != nil {
				return err
			}
			return usageRecordRun(cmd.Context(), env, event, token, opts)
		},
	}
	addEventFlags(cmd, &event)
	flags := cmd.Flags()
	flags.BoolVar(&opts.Enforce, "enforce", false, "refuse the call where a limit does")
	flags.BoolVar(&opts.AllowFuture, "allow-future", false, "record a call whose time is still to come")
	flags.BoolVar(&opts.Strict, "strict", false, "refuse a call that has no price")
	flags.StringVar(&opts.Reservation, "reservation", "", "settle the reservation with this `ID`")
	addKnownUser(cmd, &opts.KnownUser)
	addToken(cmd, &token)
	return cmd
}

// addKnownUser adds the flag that refuses a user who is mistyped.
func addKnownUser(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "known-user", false, "refuse a user who was never seen, such as one that is mistyped (exit 3)")
}

// addEventFlags adds a flag for each field of an event.
func addEventFlags(cmd *cobra.Command, event *usage.Event) {
	flags := cmd.Flags()
	flags.StringVar(&event.UserID, "user", "", "the `USER` (with --reservation: its user)")
	addProvider(cmd, &event.Provider, "the PROVIDER that the call is billed under")
	flags.StringVar(&event.Model, "model", "", "the `MODEL`")
	flags.StringVar(&event.ID, "id", "", "the event's `ID`, by which a retry is known (default a new UUID)")
	addTime(cmd, &event.Time, "time", "when the call was made (default now)")
	addQuantities(flags, &event.Quantities)
	flags.IntVar(&event.StatusCode, "status-code", 200, "HTTP status; from 400 on the call failed and costs nothing")
	flags.Int64Var(&event.ResponseTimeMS, "response-time-ms", 0, "how long the call took")
	flags.StringVar(&event.Endpoint, "endpoint", "", "the API `ENDPOINT`")
	flags.StringVar(&event.Method, "method", "", "the HTTP `METHOD`")
	flags.StringVar(&event.Vendor, "vendor", "", "the `VENDOR` that served the call (default by provider and model)")
	flags.StringVar(&event.ErrorMessage, "error-message", "", "what a failed call said")
	flags.Int64Var(&event.RetryCount, "retry-count", 0, "how often the call was tried before")
	flags.BoolVar(&event.Billable, "billable", false, "charge and count the call although it failed")
	addServiceTier(flags, &event.ServiceTier)
	flags.Var(measuredFlag{&event.Measured}, "measured",
		"how it is known what the call used: reported (by its vendor) or estimated (default reported)")
	flags.StringVar(&event.ClientRequestID, "client-request-id", "", "what the caller's own program calls the call")
	flags.Var(reportedFlag{&event.Reported}, "reported-cost", "what the vendor says that the call has cost, in dollars")
}

func usageRecordRun(
	ctx context.Context, env *Env, event usage.Event, token string, opts usage.RecordOptions,
) error {
	if opts.Reservation == "" {
		call := asked{Call: usage.CallOf(event), token: token}
		if err := call.require(); err != nil {
			return err
		}
	} else if opts.Enforce {
		return failure.Invalidf("--enforce and --reservation exclude each other: a settlement always posts")
	}
	return env.withServices(ctx, func(s *Services) (err error) {
		if token != "" {
			event.TokenID, event.UserID, err = s.Access.CallWith(ctx, env.Now(), token, event.UserID, event.Provider,
				event.Model)
			if err != nil {
				return err
			}
		}
		outcome, err := s.Usage.Record(ctx, env.Now(), event, opts)
		if outcome.Refusal != nil { // shown as limits check does
			return cmp.Or(env.print(report.Decision(*outcome.Refusal)), err)
		}
		if err != nil {
			return err
		}
		if err := env.print(report.Recorded(outcome)); err != nil {
			return err
		}
		if e := outcome.Entry; e.Basis == pricing.Unpriced && e.Counts() && outcome.Status == usage.Recorded {
			env.adviseUnpriced(ctx, s, e.Provider, e.Model)
		}
		return nil
	})
}
