package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Selftest tries everything once on a database that has tables and nothing in them. An error is an interruption: what
// does not work is a check that failed.
func (s *Service) Selftest(ctx context.Context, now time.Time) ([]Check, error) {
	t := trial{s, now}
	var checks []Check
	for _, area := range []struct {
		name string
		try  func(context.Context) (string, error)
	}{
		{"tables", t.tables}, {"pricing", t.pricing}, {"usage tracking", t.tracking}, {"limits", t.limits},
		{"error handling", t.errors},
	} {
		detail, err := area.try(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			checks = append(checks, failed(area.name, err))
		default:
			checks = append(checks, Check{Name: area.name, OK: true, Detail: detail})
		}
	}
	return checks, nil
}

// trial tries a scratch database. Each method returns what it has seen hold, or an error that says what did not.
type trial struct {
	*Service
	now time.Time
}

// want returns an error where something is not as it should be.
func want(what string, got, want any) error {
	if got == want {
		return nil
	}
	return failure.New(failure.FailedCheck, "%s is %v and should be %v", what, got, want)
}

func (t trial) tables(ctx context.Context) (string, error) {
	seeds, err := catalogue.BuiltIn()
	if err != nil {
		return "", err
	}
	audit := usage.Audit{At: t.now, Actor: "selftest", Action: "init"}
	first, err := t.Catalogue.Seed(ctx, audit, seeds)
	if err != nil {
		return "", err
	}
	second, err := t.Catalogue.Seed(ctx, audit, seeds)
	if err == nil {
		err = want("what a second seeding adds", second.Added(), 0)
	}
	if err != nil {
		return "", err
	}
	status, err := t.Store.Status(ctx)
	return fmt.Sprintf("%d tables, %d plans, %d prices; seeding twice adds nothing",
		len(status.Tables), first.PlansAdded, first.PricesAdded), err
}

func (t trial) pricing(ctx context.Context) (string, error) {
	type quantities = pricing.Quantities
	cases := []struct {
		provider, model string
		used            quantities // beside one request
		cost            string
	}{
		{"gemini", "gemini-2.5-flash", quantities{pricing.InputTokens: 1000, pricing.OutputTokens: 500}, "0.00155 (exact)"},
		{"gemini", "gemini-1.5-flash-8b", quantities{pricing.InputTokens: 1}, "0.0000000375 (exact)"},
		{"gemini", "gemini-2.5-pro", quantities{pricing.InputTokens: 200_000}, "0.25 (exact)"},
		{"gemini", "gemini-2.5-pro", quantities{pricing.InputTokens: 200_001}, "0.5000025 (exact)"},
		{"stability", "qwen-image", quantities{pricing.Requests: 1}, "0.06 (exact)"},
		{"video", "some-new-model", quantities{}, "0.25 (default)"},
		{"mistral", "mistral-large", quantities{pricing.InputTokens: 1000}, "0 (unpriced)"},
	}
	book, err := t.Store.Catalogue(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range cases {
		c.used[pricing.Requests]++
		r, err := book.Rate(pricing.Call{Provider: c.provider, Model: c.model, At: t.now, Used: c.used})
		if err == nil {
			err = want("the cost of "+c.provider+" "+c.model, fmt.Sprintf("%s (%s)", r.Cost, r.Basis), c.cost)
		}
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d calls cost what they should, to the last digit", len(cases)), nil
}

func (t trial) event(id, user, provider, model string) usage.Event {
	return usage.Event{ID: id, UserID: user, Provider: provider, Model: model, StatusCode: 200, Time: t.now,
		Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 500}}
}

func (t trial) tracking(ctx context.Context) (string, error) {
	first := t.event("selftest-1", "tracked", "gemini", "gemini-2.5-flash")
	second := t.event("selftest-2", "tracked", "gemini", "gemini-2.5-flash")
	failed := t.event("selftest-3", "tracked", "gemini", "gemini-2.5-flash")
	failed.StatusCode = 503
	for _, e := range []usage.Event{first, second, second, failed} {
		if _, err := t.Usage.Record(ctx, t.now, e, usage.RecordOptions{}); err != nil {
			return "", err
		}
	}
	shown, err := t.Usage.Show(ctx, "tracked", t.now, t.now)
	if err != nil {
		return "", err
	}
	recorded := fmt.Sprintf("%d calls, %d errors, $%s", shown.Sum.Calls, shown.Sum.Errors, shown.Sum.Cost)
	if err := want("what was recorded", recorded, "2 calls, 1 errors, $0.0031"); err != nil {
		return "", err
	}
	result, err := t.Store.Reconcile(ctx, false)
	if err == nil {
		err = want("the number of totals that differ from the log", len(result.Discrepancies), 0)
	}
	return "2 calls, a retry that counts once and a failed call are recorded; log and totals agree", err
}

func (t trial) limits(ctx context.Context) (string, error) {
	const tries, most = 40, 10 // a Free user has 10 tavily calls
	call := usage.Call{UserID: "limited", Provider: "tavily", Model: "tavily-search",
		Quantities: pricing.Quantities{pricing.Requests: 1}}
	var allowed [tries]bool
	var problems [tries]error
	var group sync.WaitGroup
	for i := range tries {
		group.Go(func() {
			decision, err := t.Usage.Reserve(ctx, t.now, call, "", time.Minute)
			allowed[i], problems[i] = decision.Allowed, err
		})
	}
	group.Wait()
	if err := errors.Join(problems[:]...); err != nil {
		return "", err
	}
	passed := len(slices.DeleteFunc(allowed[:], func(allowed bool) bool { return !allowed }))
	err := want(fmt.Sprintf("how many of %d calls at once pass a limit of %d", tries, most), passed, most)
	if err != nil {
		return "", err
	}
	event := t.event("selftest-4", "limited", "openai", "gpt-4o")
	_, err = t.Usage.Record(ctx, t.now, event, usage.RecordOptions{Enforce: true})
	if f, ok := errors.AsType[*failure.Error](err); !ok || f.Reason != string(usage.NotInPlan) {
		return "", want("the answer to a call that the plan does not include", err, usage.NotInPlan)
	}
	return fmt.Sprintf("of %d calls at once exactly %d pass a limit of %d; what the plan does not include is refused",
		tries, most, most), nil
}

func (t trial) errors(ctx context.Context) (string, error) {
	overflowing := t.event("selftest-5", "tracked", "gemini", "gemini-2.5-pro")
	overflowing.Quantities[pricing.OutputTokens] = pricing.MaxQuantity
	var seen []string
	for _, c := range []struct {
		name  string
		event usage.Event
		code  failure.Code
	}{
		{"an unknown provider", t.event("selftest-7", "tracked", "gemni", ""), failure.Invalid},
		{"an id with other content", t.event("selftest-1", "tracked", "gemini", "gemini-2.5-pro"), failure.Conflict},
		{"a cost that does not fit", overflowing, failure.Invalid},
		{"an empty user", t.event("selftest-6", "", "gemini", "gemini-2.5-pro"), failure.Invalid},
	} {
		_, err := t.Usage.Record(ctx, t.now, c.event, usage.RecordOptions{})
		if !failure.Is(err, c.code) {
			return "", want("the answer to "+c.name, err, c.code)
		}
		seen = append(seen, c.name)
	}
	return "refused as they should be: " + strings.Join(seen, ", "), nil
}
