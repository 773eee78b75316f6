package health_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// state is what a store without a database answers.
type state struct {
	health.OverviewStore // is not asked
	ahead                billing.Future
	status               usage.StorageStatus
	err                  error // of the status
	plans                plan.Plans
	book                 *pricing.Book
	unpriced             []usage.ReportRow
	reported             []usage.Entry
	totals               usage.Reconciliation
	billing              billing.Health
	outbox               notify.OutboxState
	broken               error // of the billing
}

func (s *state) Status(context.Context) (usage.StorageStatus, error) { return s.status, s.err }

func (s *state) Figures(context.Context, time.Time) (usage.Figures, error) {
	return usage.Figures{Held: 3}, s.broken
}

func (s *state) Catalogue(context.Context) (*pricing.Book, error) { return s.book, nil }

func (s *state) Plans(context.Context, time.Time) (plan.Plans, map[int64]int, error) {
	return s.plans, nil, nil
}

func (s *state) UnpricedModels(context.Context) ([]usage.ReportRow, error) { return s.unpriced, nil }

func (s *state) ReportedEvents(_ context.Context, fn func(*usage.Entry) error) error {
	for i := range s.reported {
		if err := fn(&s.reported[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) Reconcile(context.Context, bool) (usage.Reconciliation, error) { return s.totals, nil }

func (s *state) BillingHealth(context.Context, time.Time) (billing.Health, error) {
	return s.billing, s.broken
}

func (s *state) Future(context.Context, time.Time, time.Time) (billing.Future, error) {
	return s.ahead, nil
}

func (s *state) OutboxState(context.Context, time.Time) (notify.OutboxState, error) {
	return s.outbox, nil
}

func now() time.Time { return time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC) }

// well returns a state in which there is nothing to complain about.
func well() *state {
	price := pricing.Price{Provider: "gemini", Model: "default", EffectiveFrom: pricing.Beginning()}
	return &state{
		status: usage.StorageStatus{Location: "sqlite:///x.db", Version: "SQLite 3", Encoding: "UTF8", SchemaVersion: 7,
			SchemaNeeded: 7},
		plans:  plan.Plans{{Name: "Free", Tier: plan.DefaultTier}},
		book:   pricing.NewBook(pricing.Providers{"gemini": {Name: "gemini"}}, []pricing.Price{price}),
		totals: usage.Reconciliation{Rollups: true},
	}
}

func configuration() *health.Configuration {
	settings := &notify.Settings{}
	settings.Webhooks = []notify.Endpoint{{}}
	return &health.Configuration{Lookup: func(string) string { return "" }, Notify: settings}
}

func TestChecks(t *testing.T) {
	unpriced := make([]usage.ReportRow, 12)
	for i := range unpriced {
		unpriced[i] = usage.ReportRow{Keys: []string{"openai", fmt.Sprint("m", i)}, Unpriced: 3}
	}
	for _, tt := range []struct {
		name   string
		change func(*state)
		failed string // the name of the check that fails
		detail string // a part of it
	}{
		{"all is well", func(*state) {}, "", ""},
		{"no status", func(s *state) { s.err = errors.New("gone") }, "database", "gone"},
		{"another encoding", func(s *state) { s.status.Encoding = "LATIN1" }, "database", "encoding LATIN1"},
		{"an old schema", func(s *state) { s.status.SchemaVersion = 6 }, "schema", "version 6, needed is 7"},
		{"a new schema", func(s *state) { s.status.SchemaVersion = 8 }, "schema",
			"made by a newer alwrity-sub; this one knows 7"},
		{"no default plan", func(s *state) { s.plans = nil }, "plans", "no plan of the tier"},
		{"no prices", func(s *state) { s.book = pricing.NewBook(s.book.Providers, nil) }, "prices",
			"0 in force; none for gemini"},
		{"unpriced usage", func(s *state) { s.unpriced = unpriced }, "unpriced usage", "openai m9: 3; and 2 models more"},
		{"totals that differ", func(s *state) {
			s.totals.LogRows, s.totals.ArchivedRows = 2000, 1000
			s.totals.Discrepancies = []usage.Discrepancy{{Table: "usage_daily"}}
		}, "usage_daily", "1 difference from the sums of 2,000 log rows and 1,000 archived"},
		{"a period that is not closed", func(s *state) { s.billing.OverdueUsers = 2 }, "closed periods",
			"2 users with a period"},
		{"a gap in the numbers", func(s *state) { s.billing.HighestNumber = 1 }, "bill numbers", "the highest number is 1"},
		{"bills that do not add up", func(s *state) {
			s.billing.MismatchedBills, s.billing.OverdrawnUsers = []int64{4, 9},
				1
		}, "bills",
			"not the sums of their lines: 4, 9; 1 user used up"},
		{"bills with other charges", func(s *state) { s.billing.MischargedBills = []int64{3, 4} }, "bills",
			"with lines whose prices do not come to their cost: 3, 4"},
		{"lines of open periods", func(s *state) { s.billing.PrematureLines = 1 }, "billed usage", "1 line of usage"},
		{"a dead message", func(s *state) { s.outbox.Deliveries = map[notify.Status]int64{notify.Dead: 1} }, "outbox",
			"1 dead"},
		{"an old message", func(s *state) { s.outbox.Oldest = now().AddDate(0, 0, -2) }, "outbox",
			"since 2026-11-21 10:30 UTC"},
		{"a check that can't be made", func(s *state) { s.broken = errors.New("no table") }, "database", "no table"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := well()
			tt.change(s)
			checks, err := (&health.Service{Store: s}).Checks(t.Context(), now(), configuration())
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, c := range checks {
				if !c.OK {
					failed = append(failed, c.Name)
					if !strings.Contains(c.Detail, tt.detail) {
						t.Errorf("%s: %q does not contain %q", c.Name, c.Detail, tt.detail)
					}
				}
			}
			if got := strings.Join(failed, ", "); got != tt.failed {
				t.Errorf("failed are %q, want %q", got, tt.failed)
			}
			if first, last := checks[0].Name, checks[len(checks)-1].Name; first != "configuration" || last != "api keys" {
				t.Errorf("the first check is %s, the last %s", first, last)
			}
		})
	}
}

func TestChecksOfTheConfiguration(t *testing.T) {
	c := configuration()
	c.Sources = []string{"flags", "environment"}
	c.APIKeys = []health.APIKey{{Variable: "A", Present: true}, {Variable: "B"}}
	c.Lookup = func(name string) string { return map[string]string{pricing.HuggingFaceInputVariable: "0.5"}[name] }
	for name, want := range map[string]string{
		"configuration":      "flags; environment",
		"api keys":           "1 of 2 present: A; missing (only the programs that call these APIs need them): B",
		"huggingface prices": "those in force are not those that the environment sets",
	} {
		checks, err := (&health.Service{Store: well()}).Checks(t.Context(), now(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range checks {
			if check.Name == name && (check.Detail != want || !check.OK) {
				t.Errorf("%s: %+v, want %q", name, check, want)
			}
		}
	}
	unreachable := health.Unreachable(c, failure.Unavailablef("no server").WithHint("start it"))
	if len(unreachable) != 3 || !reflect.DeepEqual(unreachable[1],
		health.Check{Name: "database", Detail: "no server", Hint: "start it"}) {
		t.Errorf("got %+v", unreachable)
	}
}

func TestAnInterruptionIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&health.Service{Store: well()}).Checks(ctx, now(), configuration()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
