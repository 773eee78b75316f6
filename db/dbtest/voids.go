package dbtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func voidTests() []test {
	return []test{
		{"voids/leave nothing of an event in any sum, also in an archive", voidsOfEverything},
		{"voids/a correction stands in its place, and is corrected in its turn", voidsCorrect},
		{"voids/what can't be taken back", voidsRefused},
		{"voids/alerts that no longer hold are not sent, and made once more", voidsWithdrawAlerts},
		{"voids/are at zero whatever the price, and want for none", voidsRerated},
		{"voids/give back of a closed period what the event cost there", voidsOfClosedPeriods},
		{"voids/a running recorder notices", voidsNoticed},
		{"voids/of an event that becomes another user's meanwhile", voidsOfMoved},
		{"voids/of many that are cut off say how many are done", voidsCutOff},
		{"races/two take back the same events at once", raceVoids},
		{"races/events are taken back while others are recorded", raceVoidsBeside},
	}
}

func (f *fixture) corrections() *usage.Corrections {
	return &usage.Corrections{Store: f.db, Usage: f.service}
}

func (f *fixture) because(at time.Time) usage.Correction {
	return usage.Correction{Audit: f.auditAt(at, "usage void"), Reason: "ünter Test"}
}

func (f *fixture) void(ids ...string) []usage.Voided {
	f.Helper()
	voided, err := f.corrections().Void(f.ctx, f.because(now()), ids)
	f.must(err)
	return voided
}

func (f *fixture) correct(id string, change func(*usage.Event)) usage.Voided {
	f.Helper()
	v, err := f.corrections().Correct(f.ctx, f.because(now()), id, func(e usage.Event) usage.Event {
		change(&e)
		return e
	})
	f.must(err)
	return v
}

// noTotals fails the test if anything is left in a table of totals.
func (f *fixture) noTotals() {
	f.Helper()
	for _, table := range []string{"usage_summaries", "usage_daily", "usage_user_monthly"} {
		for column := range strings.SplitSeq(sumColumns, ", ") {
			if n := f.count(table + " WHERE COALESCE(" + column + ", 0) <> 0"); n != 0 {
				f.Errorf("%s: %d rows have %s", table, n, column)
			}
		}
	}
}

func voidsOfEverything(t *testing.T, p Place) {
	f := seeded(t, p)
	f.must(f.addPrice("wavespeed", "all", date(2026, 1, 1), 7, 3, 2))
	at := date(2026, 8, 15)
	for i, status := range []int{200, 500} {
		e := call(fmt.Sprint("e", i), "alice", at, 0, 0)
		e.Provider, e.Model, e.StatusCode = "wavespeed", "all", status
		for q := range e.Quantities {
			e.Quantities[q] = 100
		}
		e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 1000, 1000 // with parts of them
		f.record(e)
	}
	reported := call("e2", "alice", at, 1000, 10)
	reported.Provider, reported.Model = "wavespeed", "without a price"
	reported.Reported = pricing.ReportedCost{USD: 1_234_567, Given: true}
	f.record(reported)
	if e := f.logs()[0]; e.ID != "e2" || e.Cost != 1_234_567 {
		t.Errorf("what a vendor reports is not the cost: %+v", e)
	}
	for _, v := range f.void("e0", "e1", "e2") {
		if v.Status != usage.VoidedNow || v.Void.CounterID == "" || v.Closed {
			t.Errorf("%+v", v)
		}
	}
	f.mustAgree()
	f.noTotals()
	before := voidTexts(f.logs())
	a := f.archive(august)
	f.mustReconcile(0, 6)
	if a.Rows != 6 || a.Cost.Cmp(pricing.Total{}) != 0 {
		t.Errorf("the archive has %d rows that cost %s", a.Rows, a.Cost)
	}
	f.must(f.restore(a))
	f.mustAgree()
	wantEqual(t, "the log that was restored", voidTexts(f.logs()), before)
	for _, again := range f.void("e1", "e0", "e1") {
		if again.Status != usage.Duplicate {
			t.Errorf("%+v", again)
		}
	}
	if n := f.count("usage_voids"); n != 3 {
		t.Errorf("%d are noted", n)
	}
}

// voidTexts writes log rows with their links.
func voidTexts(entries []usage.Entry) (texts []string) {
	for _, e := range entries {
		var links usage.Links
		if e.Links != nil {
			links = *e.Links
		}
		e.Links = nil
		texts = append(texts, fmt.Sprintf("%+v %+v", e, links))
	}
	return texts
}

func voidsCorrect(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("a", "alice", now().Add(-time.Hour), 2_400_000, 10))
	v := f.correct("a", func(e *usage.Event) { e.Quantities[pricing.InputTokens] = 240_000 })
	second := f.correct("a", func(e *usage.Event) { e.UserID, e.ID = "bob", "b" })
	again := f.correct("a", func(e *usage.Event) { e.UserID, e.ID = "bob", "b" })
	wantEqual(t, "what was corrected", fmt.Sprint(v.Entry.ID, second.Entry.ID == v.Void.ReplacedBy, second.Void.ReplacedBy,
		again.Status, again.Entry.ID), fmt.Sprint("a", true, "b", usage.Duplicate, "b"))
	f.mustAgree()
	log := f.logs()
	var stands []string
	for _, e := range log {
		if e.Stands() {
			stands = append(stands, fmt.Sprint(e.ID, " ", e.UserID, " ", e.Quantities[pricing.InputTokens], " ",
				e.Links.Replaces == v.Void.ReplacedBy))
		}
	}
	wantEqual(t, "what stands", fmt.Sprint(len(log), stands), "5 [b bob 240000 true]")
	if gone := f.void("a")[0]; gone.Asked != "a" || gone.Entry.ID != "b" || gone.Status != usage.VoidedNow {
		t.Errorf("%+v", gone)
	}
	f.noTotals()
	f.mustAgree()
}

func voidsRefused(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("a", "alice", now(), 100, 10))
	f.record(call("b", "alice", now(), 100, 10))
	before := len(f.logs())
	k := f.because(now())
	_, err := f.corrections().Void(f.ctx, k, []string{"a", "nobody's"})
	wantFailure(t, err, failure.NotFound, "nobody's", "unknown_event")
	dry := k
	dry.DryRun = true
	voided, err := f.corrections().Void(f.ctx, dry, []string{"a"})
	f.must(err)
	if len(voided) != 1 || len(f.logs()) != before || f.count("usage_voids") != 0 {
		t.Errorf("a dry run: %+v, and %d rows", voided, len(f.logs()))
	}
	counter := f.void("a")[0].Void.CounterID
	_, err = f.corrections().Void(f.ctx, k, []string{"b", counter})
	wantFailure(t, err, failure.Conflict, counter, "counter-entry that takes the event a back")
	change := func(e usage.Event) usage.Event {
		e.Quantities[pricing.InputTokens]++
		return e
	}
	_, err = f.corrections().Correct(f.ctx, k, "a", change)
	wantFailure(t, err, failure.Conflict, "it was voided at", "another id")
	_, err = f.corrections().Correct(f.ctx, k, "b", func(e usage.Event) usage.Event { return e })
	wantFailure(t, err, failure.Invalid, "has these values already")
	_, err = f.corrections().Correct(f.ctx, k, "b", func(e usage.Event) usage.Event {
		e = change(e)
		e.ID = "a"
		return e
	})
	wantFailure(t, err, failure.Conflict, "a is recorded already")
	_, err = f.corrections().Correct(f.ctx, k, "b", func(e usage.Event) usage.Event {
		e.Quantities[pricing.InputTokens] = -1
		return e
	})
	wantFailure(t, err, failure.Invalid, "input_tokens")
	e := call("c", "alice", date(2026, 8, 15), 100, 10)
	f.record(e)
	f.archive(august)
	_, err = f.corrections().Void(f.ctx, k, []string{"c"})
	wantFailure(t, err, failure.NotFound, "event_archived")
	_, err = f.corrections().Correct(f.ctx, k, "b", func(e usage.Event) usage.Event {
		e.Time = date(2026, 8, 15)
		return e
	})
	wantFailure(t, err, failure.Conflict, "archived")
	if got := len(f.logs()); got != before+1 {
		t.Errorf("there are %d log rows", got)
	}
	f.mustReconcile(3, 1)
}

func voidsWithdrawAlerts(t *testing.T, p Place) {
	f := seeded(t, p)
	record := func(id string, tokens int64) {
		t.Helper()
		f.record(call(id, "alice", now(), tokens, 0))
	}
	expand := func() {
		t.Helper()
		_, err := f.db.Expand(f.ctx, now(), 10, func(m notify.Message) []notify.Delivery {
			return []notify.Delivery{{Channel: notify.Email, Recipient: "a@example.com", Audience: notify.ToUser,
				Status: notify.Waiting, NextAttempt: m.At}}
		})
		f.must(err)
		f.must(f.db.GroupDigests(f.ctx, now()))
	}
	record("a", 40_000) // 80 % of gemini_tokens
	record("b", 60_000)
	expand()
	wantEqual(t, "alerts", f.alerts("alice", true), []string{"alice 2026-11 gemini_tokens 100%",
		"alice 2026-11 gemini_tokens 80%"})
	f.void("b")
	wantEqual(t, "what stands", f.alerts("alice", true), []string{"alice 2026-11 gemini_tokens 80%"})
	const start = "alert:2026-11-01T00:00:00Z:"
	wantEqual(t, "deliveries", f.deliveries(), []string{"1 " + start + "80:gemini_tokens:alice waiting 0",
		"2 " + start + "100:gemini_tokens:alice skipped 0"})
	wantEqual(t, "what is sent", f.claim(claimOf("s", now(), 10)), []string{start + "80:gemini_tokens:alice"})
	record("c", 60_000)
	record("d", 60_000)
	expand()
	wantEqual(t, "once more", f.deliveries()[2:], []string{"3 " + start + "100-2:gemini_tokens:alice waiting 0"})
	f.void("c") // d alone reaches it
	wantEqual(t, "what stands", f.alerts("alice", true), []string{"alice 2026-11 gemini_tokens 100%",
		"alice 2026-11 gemini_tokens 80%"})
	f.mustAgree()
}

func voidsRerated(t *testing.T, p Place) {
	f := unpriced(t, p)
	f.void("e0", "e1")
	models, err := f.db.UnpricedModels(f.ctx)
	f.must(err)
	wantEqual(t, "unpriced calls", models[0].Unpriced, 5)
	f.void("e2", "e3", "e4", "e6")
	f.must(f.addPrice("wavespeed", "new-model", date(2026, 10, 1), 7, 3, 2))
	if r := f.rerate(now(), true); r.Read != 14 || r.Changed != 2 {
		t.Errorf("%+v", r)
	}
	f.mustAgree()
	f.void("e7", "e5")
	if models, err = f.db.UnpricedModels(f.ctx); err != nil || len(models) != 0 {
		t.Errorf("%+v, %v", models, err)
	}
	f.noTotals()
	f.mustAgree()
}

// voidsOfClosedPeriods compares two users, of whom one never had what was taken back of the other: what their bills
// have in the end is the same, to the last pico-dollar.
func voidsOfClosedPeriods(t *testing.T, p Place) {
	f := seeded(t, p)
	plans := smallPlans()
	plans[1].Overage, plans[1].MarkupMillionths = plan.OverageAllow, 123_456
	plans[1].Limits = []plan.Limit{
		{Name: "text_calls", Meter: plan.Calls, Max: 2, Action: plan.Block, Scope: plan.Scope{Providers: []string{"gemini"}}},
		{Name: "cost", Meter: plan.Cost, Max: 7, Action: plan.Block},
	}
	f.must(f.db.ChangePlans(f.ctx, f.auditAt(date(2026, 1, 1), "plans apply"),
		func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) { return plans, nil, nil }))
	f.must(f.addPrice("gemini", "odd", date(2026, 1, 1), 1_234_567, 77_777, 3_333))
	f.must(f.addPrice("wavespeed", "odd", date(2026, 1, 1), 7_654_321, 0, 0))
	event := func(id, user, provider string, day int, tokens int64) {
		e := call(id, user, date(2026, 9, day), tokens, tokens/3)
		e.Provider, e.Model = provider, "odd"
		f.record(e)
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		f.subscribe(user, "Pro", date(2026, 9, 1), date(2026, 9, 1))
		event(user+"1", user, "gemini", 2, 1001)
		event(user+"2", user, "gemini", 3, 501)
		event(user+"3", user, "wavespeed", 4, 0)
	}
	event("x", "alice", "gemini", 5, 77_001)
	event("y", "alice", "wavespeed", 6, 0)
	event("z", "carol", "gemini", 7, 50_000) // is to be 5000, as bob has it
	event("bob4", "bob", "gemini", 7, 5_000)
	event("alice4", "alice", "gemini", 7, 5_000)
	f.close(date(2026, 10, 1))
	if v := f.void("x", "y"); !v[0].Closed || !v[1].Closed {
		t.Errorf("%+v", v)
	}
	f.correct("z", func(e *usage.Event) {
		e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 5000, 5000/3
	})
	f.mustAgree()
	f.close(date(2026, 11, 1))
	billed := map[string]string{}
	for _, user := range []string{"alice", "bob", "carol"} {
		var usageCost, overage pricing.USD
		for _, b := range f.bills(billing.Query{UserID: user}) {
			for _, l := range b.Lines {
				switch l.Kind {
				case billing.Usage, billing.Adjustment:
					usageCost += l.Usage.Cost
					overage += l.Amount
				case billing.Overage:
					overage += l.Amount
				}
			}
		}
		billed[user] = fmt.Sprint(usageCost, " ", overage)
	}
	if billed["alice"] != billed["bob"] || billed["carol"] != billed["bob"] || strings.HasSuffix(billed["bob"], " 0") {
		t.Errorf("billed in the end: %q", billed)
	}
	if n := f.healthy(); n != 0 {
		t.Errorf("%d differences are left", n)
	}
}

// voidsNoticed: what a recorder knows of a user is outdated once another process takes something back.
func voidsNoticed(t *testing.T, p Place) {
	f := seeded(t, p)
	running := &usage.Service{Store: p.Open(t), Thresholds: usage.DefaultThresholds()}
	for i := range 10 { // text_calls
		f.must(onlyError(running.Record(f.ctx, now(), call(fmt.Sprint("e", i), "alice", now(), 1, 1),
			usage.RecordOptions{Enforce: true})))
	}
	enforce := func(id string) error {
		_, err := running.Record(f.ctx, now(), call(id, "alice", now(), 1, 1), usage.RecordOptions{Enforce: true})
		return err
	}
	for i := range 3 {
		wantFailure(t, enforce(fmt.Sprint("x", i)), failure.Denied, "limit_exceeded")
		f.void(fmt.Sprint("e", i))
		f.must(enforce(fmt.Sprint("y", i)))
	}
	f.mustAgree()
	o, err := running.Record(f.ctx, now(), call("e0", "alice", now(), 1, 1), usage.RecordOptions{})
	f.must(err)
	if o.Status != usage.Duplicate || !strings.Contains(o.Note, "it was voided at") {
		t.Errorf("%+v", o)
	}
	_, err = running.Record(f.ctx, now(), call("e0", "alice", now(), 2, 1), usage.RecordOptions{})
	wantFailure(t, err, failure.Conflict, "input_tokens differ; it was voided at")
}

// interrupted is a store in which something happens before events are taken back for the first time.
type interrupted struct {
	usage.CorrectionStore
	first *sync.Once
	fn    func()
}

func (s interrupted) UpdateVoids(
	ctx context.Context, users []string, at time.Time, fn func(usage.VoidTx) error,
) error {
	s.first.Do(s.fn)
	return s.CorrectionStore.UpdateVoids(ctx, users, at, fn)
}

// voidsOfMoved: a recorder that knows the other user notices that, too.
func voidsOfMoved(t *testing.T, p Place) {
	f := seeded(t, p)
	running := &usage.Service{Store: p.Open(t), Thresholds: usage.DefaultThresholds()}
	enforce := func(id string) error {
		return onlyError(running.Record(f.ctx, now(), call(id, "bob", now(), 1, 1), usage.RecordOptions{Enforce: true}))
	}
	for i := range 9 { // of 10 text_calls
		f.must(enforce(fmt.Sprint("b", i)))
	}
	f.record(call("moved", "alice", now(), 1, 1))
	meanwhile := func() {
		f.correct("moved", func(e *usage.Event) { e.UserID = "bob" })
		wantFailure(t, enforce("beyond"), failure.Denied, "limit_exceeded")
	}
	late := &usage.Corrections{Store: interrupted{f.db, &sync.Once{}, meanwhile}, Usage: f.service}
	voided, err := late.Void(f.ctx, f.because(now()), []string{"moved"})
	f.must(err)
	wantEqual(t, "whose it was", voided[0].Entry.UserID, "bob")
	f.must(enforce("fits"))
	f.mustAgree()
}

func onlyError(_ usage.Outcome, err error) error { return err }

func raceVoids(t *testing.T, p Place) {
	f := seeded(t, p)
	var ids []string
	for i := range 12 {
		ids = append(ids, fmt.Sprint("e", i))
		f.record(call(ids[i], []string{"alice", "bob"}[i%2], now(), 1, 1))
	}
	var now12, again atomic.Int64
	f.atOnce(t, 6, func(i int, s *usage.Service) {
		c := &usage.Corrections{Store: s.Store.(usage.CorrectionStore), Usage: s}
		mine := append(append([]string{}, ids[2*i:]...), ids[:2*i]...)
		for _, some := range [][]string{mine[:3], mine[3:]} {
			voided, err := c.Void(f.ctx, f.because(now()), some)
			if err != nil {
				t.Error(err)
			}
			for _, v := range voided {
				if v.Status == usage.VoidedNow {
					now12.Add(1)
				} else {
					again.Add(1)
				}
			}
		}
	})
	if now12.Load() != 12 || again.Load() != 60 || f.count("usage_voids") != 12 || len(f.logs()) != 24 {
		t.Errorf("%d and %d; %d are noted in a log of %d", now12.Load(), again.Load(), f.count("usage_voids"), len(f.logs()))
	}
	f.noTotals()
	f.mustAgree()
}

func raceVoidsBeside(t *testing.T, p Place) {
	f := seeded(t, p)
	f.atOnce(t, 6, func(i int, s *usage.Service) {
		c := &usage.Corrections{Store: s.Store.(usage.CorrectionStore), Usage: s}
		for n := range 8 {
			id := fmt.Sprintf("%d-%d", i, n)
			user := []string{"alice", "bob", "carol"}[(i+n)%3]
			if _, err := s.Record(f.ctx, now(), call(id, user, now(), 1, 1), usage.RecordOptions{}); err != nil {
				t.Error(err)
			}
			if i%2 == 0 && n%2 == 0 {
				continue
			}
			if _, err := c.Void(f.ctx, f.because(now()), []string{id}); err != nil {
				t.Error(err)
			}
			_, err := s.Record(f.ctx, now(), call(id+"x", user, now(), 1, 1), usage.RecordOptions{Enforce: true})
			if err != nil && !failure.Is(err, failure.Denied) {
				t.Error(err)
			}
		}
	})
	f.mustAgree()
	if n := f.count("usage_voids"); n != 36 {
		t.Errorf("%d are noted", n)
	}
}

// cutOff is a storage whose connection is lost when events are taken back for the second time.
type cutOff struct {
	usage.CorrectionStore
	times int
}

// UpdateVoids implements usage.CorrectionStore.
func (c *cutOff) UpdateVoids(ctx context.Context, users []string, now time.Time, fn func(usage.VoidTx) error) error {
	if c.times++; c.times > 1 {
		return failure.Unavailablef("the connection is lost")
	}
	return c.CorrectionStore.UpdateVoids(ctx, users, now, fn)
}

func voidsCutOff(t *testing.T, p Place) {
	f := seeded(t, p)
	var ids []string
	var lines strings.Builder
	for i := range 1001 {
		e := call(fmt.Sprint("e", i), "alice", now(), 1, 1)
		ids = append(ids, e.ID)
		lines.WriteString(eventLine(e))
	}
	_, err := f.service.Import(f.ctx, now(), strings.NewReader(lines.String()),
		usage.ImportOptions{Format: usage.JSONLines})
	f.must(err)
	cut := usage.Corrections{Store: &cutOff{CorrectionStore: f.db}, Usage: f.service}
	_, err = cut.Void(f.ctx, f.because(now()), ids)
	wantEqual(t, "the failure", fmt.Sprintf("%s: %v", failure.CodeOf(err), err),
		"unavailable: 1,000 events taken back, and no more: the connection is lost")
	f.void(ids...)
	f.mustAgree()
}
