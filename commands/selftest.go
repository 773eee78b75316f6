package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type selftestOptions struct{ env *Env }

func newSelftestCmd(env *Env) *cobra.Command {
	opts := &selftestOptions{env}
	return &cobra.Command{
		Use: "selftest", Short: "Try everything once on a scratch database of the configured kind",
		Long: `Try tables, pricing, usage tracking, limits and error handling once on a scratch
database of the configured kind: a temporary file, or a temporary schema in the
configured PostgreSQL database. The configured database's own data is not touched.`,
		Example: "  alwrity-sub selftest", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return selftestRun(cmd.Context(), opts) },
	}
}

func selftestRun(ctx context.Context, opts *selftestOptions) (err error) {
	s, remove, err := opts.env.Scratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	trial := trial{s: s, now: opts.env.Now()}
	s.Usage.Thresholds = usage.DefaultThresholds()
	var checks []report.Check
	for _, area := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"tables", trial.tables}, {"pricing", trial.pricing}, {"usage tracking", trial.tracking}, {"limits", trial.limits},
		{"error handling", trial.errors},
	} {
		detail, err := area.run(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			checks = append(checks, failedCheck(area.name, err))
			continue
		}
		checks = append(checks, report.Check{Name: area.name, OK: true, Detail: detail})
	}
	return opts.env.printChecks(checks)
}

// trial tries a scratch database. Each method returns what it has seen hold, or
// an error that says what did not.
type trial struct {
	s   *Services
	now time.Time
}

// wrong reports that something is not as it should be.
func wrong(what string, got, want any) error {
	return failure.New(failure.FailedCheck, "%s is %v and should be %v", what, got, want)
}

func (t trial) tables(ctx context.Context) (string, error) {
	seeds := seeds{priceSource: pricing.FromCatalogue, planSource: pricing.FromCatalogue}
	var err error
	if seeds.catalogue, err = pricing.DefaultCatalogue(); err != nil {
		return "", err
	}
	audit := usage.Audit{At: t.now, Actor: "selftest", Action: "init"}
	var first, second report.InitSummary
	if err := seeds.plant(ctx, t.s, audit, &first); err != nil {
		return "", err
	}
	if err := seeds.plant(ctx, t.s, audit, &second); err != nil {
		return "", err
	}
	if second.PlansAdded+second.PlansUpdated+second.PricesAdded > 0 {
		return "", wrong("what a second seeding adds", second.PlansAdded+second.PlansUpdated+second.PricesAdded, 0)
	}
	status, err := t.s.Storage.Status(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d tables, %d plans, %d prices; seeding twice adds nothing", len(status.Tables), first.PlansAdded, first.PricesAdded), nil
}

func (t trial) pricing(ctx context.Context) (string, error) {
	book, err := t.s.Catalogue.Catalogue(ctx)
	if err != nil {
		return "", err
	}
	cases := []struct {
		provider, model string
		used            pricing.Quantities
		cost            string
		basis           pricing.Basis
	}{
		{"gemini", "gemini-2.5-flash", pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 500}, "0.00155", pricing.Exact},
		{"gemini", "gemini-1.5-flash-8b", pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1}, "0.0000000375", pricing.Exact},
		{"gemini", "gemini-2.5-pro", pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 200_000}, "0.25", pricing.Exact},
		{"gemini", "gemini-2.5-pro", pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 200_001}, "0.5000025", pricing.Exact},
		{"stability", "qwen-image", pricing.Quantities{pricing.Requests: 2}, "0.06", pricing.Exact},
		{"video", "some-new-model", pricing.Quantities{pricing.Requests: 1}, "0.25", pricing.Default},
		{"mistral", "mistral-large", pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000}, "0", pricing.Unpriced},
	}
	for _, c := range cases {
		r, err := book.Rate(c.provider, c.model, t.now, c.used)
		if err != nil {
			return "", err
		}
		if r.Cost.String() != c.cost || r.Basis != c.basis {
			return "", wrong("the cost of "+c.provider+" "+c.model, fmt.Sprintf("%s (%s)", r.Cost, r.Basis), fmt.Sprintf("%s (%s)", c.cost, c.basis))
		}
	}
	return fmt.Sprintf("%d calls cost what they should, to the last digit", len(cases)), nil
}

func (t trial) event(id, user, provider, model string) usage.Event {
	return usage.Event{ID: id, UserID: user, Provider: provider, Model: model, StatusCode: 200, Time: t.now,
		Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 500}}
}

func (t trial) tracking(ctx context.Context) (string, error) {
	failed := t.event("selftest-3", "tracked", "gemini", "gemini-2.5-flash")
	failed.StatusCode = 503
	for _, e := range []usage.Event{
		t.event("selftest-1", "tracked", "gemini", "gemini-2.5-flash"), t.event("selftest-2", "tracked", "gemini", "gemini-2.5-flash"),
		t.event("selftest-2", "tracked", "gemini", "gemini-2.5-flash"), failed,
	} {
		if _, err := t.s.Usage.Record(ctx, t.now, e, usage.RecordOptions{}); err != nil {
			return "", err
		}
	}
	st, err := t.s.Usage.Show(ctx, "tracked", t.now, t.now)
	if err != nil {
		return "", err
	}
	if got := fmt.Sprintf("%d calls, %d errors, $%s", st.Sum.Calls, st.Sum.Errors, st.Sum.Cost); got != "2 calls, 1 errors, $0.0031" {
		return "", wrong("what was recorded", got, "2 calls, 1 errors, $0.0031")
	}
	result, err := t.s.Totals.Reconcile(ctx, false)
	if err != nil {
		return "", err
	}
	if len(result.Discrepancies) > 0 {
		return "", wrong("the number of totals that differ from the log", len(result.Discrepancies), 0)
	}
	return "2 calls, a retry that counts once and a failed call are recorded; log and totals agree", nil
}

func (t trial) limits(ctx context.Context) (string, error) {
	const tries, most = 40, 10 // a Free user has 10 tavily calls
	var mutex sync.Mutex
	var group sync.WaitGroup
	passed := 0
	var problems error
	for range tries {
		group.Go(func() {
			j, err := t.s.Usage.Reserve(ctx, t.now, usage.Call{UserID: "limited", Provider: "tavily", Model: "tavily-search",
				Quantities: pricing.Quantities{pricing.Requests: 1}}, "", time.Minute)
			mutex.Lock()
			defer mutex.Unlock()
			if j.Allowed {
				passed++
			}
			problems = errors.Join(problems, err)
		})
	}
	group.Wait()
	if problems != nil {
		return "", problems
	}
	if passed != most {
		return "", wrong(fmt.Sprintf("how many of %d calls at once pass a limit of %d", tries, most), passed, most)
	}
	_, err := t.s.Usage.Record(ctx, t.now, t.event("selftest-4", "limited", "openai", "gpt-4o"), usage.RecordOptions{Enforce: true})
	if f, ok := asFailure(err); !ok || f.Reason != string(usage.NotInPlan) {
		return "", wrong("the answer to a call that the plan does not include", err, usage.NotInPlan)
	}
	return fmt.Sprintf("of %d calls at once exactly %d pass a limit of %d; what the plan does not include is refused", tries, most, most), nil
}

func (t trial) errors(ctx context.Context) (string, error) {
	conflicting := t.event("selftest-1", "tracked", "gemini", "gemini-2.5-pro")
	overflowing := t.event("selftest-5", "tracked", "gemini", "gemini-2.5-pro")
	overflowing.Quantities[pricing.OutputTokens] = pricing.MaxQuantity
	nameless := t.event("selftest-6", "", "gemini", "gemini-2.5-pro")
	var seen []string
	for _, c := range []struct {
		name  string
		event usage.Event
		code  failure.Code
	}{
		{"an unknown provider", t.event("selftest-7", "tracked", "gemni", ""), failure.Invalid},
		{"an id with other content", conflicting, failure.Conflict},
		{"a cost that does not fit", overflowing, failure.Invalid},
		{"an empty user", nameless, failure.Invalid},
	} {
		_, err := t.s.Usage.Record(ctx, t.now, c.event, usage.RecordOptions{})
		if !failure.Is(err, c.code) {
			return "", wrong("the answer to "+c.name, err, c.code)
		}
		seen = append(seen, c.name)
	}
	return "refused as they should be: " + strings.Join(seen, ", "), nil
}
