package dbtest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func billingTests() []test {
	return []test{
		{"billing/everything of a bill comes back", billRoundTrip},
		{"billing/what is on a bill can't be changed or deleted", billsStay},
		{"billing/what was closed without a bill is opened again", nothingBilledIsOpen},
		{"billing/numbers have no gaps, whoever rolls back", numbersWithoutGaps},
		{"billing/each period is closed once, by many at once", closedOnce},
		{"billing/who fails stops nobody else", closingFailsForOne},
		{"billing/credit comes page by page", creditPages},
		{"races/the ids of credits and payments", idsOfMoneyAreUsedOnce},
		{"billing/a dry run keeps nothing", dryRunKeepsNothing},
		{"billing/a dry run counts what closing does", dryRunCountsAll},
		{"billing/a preview is what closing writes", previewsAreExact},
		{"billing/previews and dry runs wait for nobody who writes", previewBesideWriter},
		{"billing/who asks is told how far it is", closingProgress},
		{"billing/what no bill has is found, and is billed", unbilledIsFound},
		{"billing/calls recorded while periods close are on a bill", recordedWhileClosing},
		{"billing/each price that was used is on the bill", chargesAreExact},
		{"billing/the health of what was billed", billingHealth},
		{"billing/what was used under each plan of a period", usedByPlan},
	}
}

func (f *fixture) billing(store billing.Store) *billing.Service {
	return &billing.Service{Store: store, Actor: "cron", Rules: billing.Rules{DueDays: 14, GraceDays: 7, Suspend: true,
		RenewalNotice: 3}}
}

// close closes everyone's periods and returns what that did; no user may fail.
func (f *fixture) close(at time.Time) billing.Closing {
	f.Helper()
	c, err := f.billing(f.db).Close(f.ctx, at, billing.CloseOptions{})
	f.must(err)
	if len(c.Failures) > 0 {
		f.Fatalf("%s: %s", c.Failures[0].UserID, c.Failures[0].Err)
	}
	return c
}

func (f *fixture) bills(q billing.Query) []billing.Bill {
	f.Helper()
	q.Lines = true
	bills, err := f.db.Bills(f.ctx, q)
	f.must(err)
	return bills
}

// healthy fails the test unless all that was billed is as it has to be, and returns how
// many differences wait for the next bills.
func (f *fixture) healthy() int64 {
	f.Helper()
	h, err := f.db.BillingHealth(f.ctx, date(1970, 1, 2))
	f.must(err)
	if h.Bills != h.HighestNumber || h.HighestNumber != h.LastGivenNumber || len(h.MismatchedBills) > 0 ||
		len(h.MischargedBills) > 0 || h.PrematureLines > 0 || h.OverdrawnUsers > 0 {
		f.Fatalf("%+v", h)
	}
	return h.UnbilledTotals
}

func billRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("zoë ☕", "Pro", date(2026, 10, 31), date(2026, 10, 31))
	f.record(call("e1", "zoë ☕", date(2026, 11, 2), 1000, 500))
	before := f.account("zoë ☕")
	var noted []billing.Bill
	_, err := f.billing(f.db).Close(f.ctx, date(2026, 12, 1),
		billing.CloseOptions{Note: func(b billing.Bill) { noted = append(noted, b) }})
	f.must(err)
	got := f.bills(billing.Query{UserID: "zoë ☕"})
	if len(got) != 1 || len(noted) != 1 || len(got[0].Lines) != 2 {
		t.Fatalf("%+v", got)
	}
	wantEqual(t, "the bill", fmt.Sprintf("%+v", got[0]), fmt.Sprintf("%+v", noted[0]))
	wantEqual(t, "its period", got[0].Period, before.PeriodAt(date(2026, 11, 2)))
	wantEqual(t, "its figures", fmt.Sprintf("%s %s %s %s", got[0].Total, got[0].Cost, got[0].Status, got[0].DueAt),
		fmt.Sprintf("29 %s open %s", f.logs()[0].Cost, date(2026, 12, 15)))
	for _, q := range []billing.Query{{Number: 1}, {Kind: billing.Invoice},
		{Statuses: []billing.Status{billing.Open, billing.Paid}},
		{Month: 202611}} {
		if n := len(f.bills(q)); n != 1 {
			t.Errorf("%+v finds %d bills", q, n)
		}
	}
	for _, q := range []billing.Query{{Number: 2}, {Kind: billing.CreditNote}, {Statuses: []billing.Status{billing.Paid}},
		{UserID: "zoë"},
		{Month: 202610}, {Month: 202612}, {Month: 202611, UserID: "zoë"}} {
		if n := len(f.bills(q)); n != 0 {
			t.Errorf("%+v finds %d bills", q, n)
		}
	}
	history, err := f.db.History(f.ctx, "zoë ☕")
	f.must(err)
	last := history[len(history)-1]
	wantEqual(t, "the renewal", fmt.Sprint(last.Action, last.EffectiveAt, last.CallsBefore, last.TokensBefore,
		last.PeriodAfter, last.Actor),
		fmt.Sprint("renewal", date(2026, 11, 30), 1, 1500, plan.Period{Start: date(2026, 11, 30), End: date(2026, 12, 31)},
			"cron"))
	wantEqual(t, "paid until", f.account("zoë ☕").Subscription.PaidUntil, date(2026, 12, 31))
}

func billsStay(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 10, 1), date(2026, 10, 1))
	f.close(date(2026, 11, 1))
	f.credit("alice", 5*pricing.Cent)
	for _, statement := range []string{
		"UPDATE billing_history SET total_pico = 0, subtotal_pico = 0", "UPDATE billing_history SET user_id = 'bob'",
		"DELETE FROM billing_history",
		"UPDATE billing_lines SET amount_pico = 0", "DELETE FROM billing_lines", "UPDATE billing_credits SET amount_pico = 1",
		"DELETE FROM billing_credits",
	} {
		if _, err := f.place.SQL.Exec(statement); err == nil {
			t.Errorf("done: %s", statement)
		}
	}
	f.exec("UPDATE billing_history SET status = 'paid'") // which is not written on it
	wantEqual(t, "the bill", f.bills(billing.Query{})[0].Total, 29*pricing.Dollar)
}

// A user's first closing closes what was before; a subscription may begin there all the
// same, as long as there is no bill of it.
func nothingBilledIsOpen(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("e1", "alice", date(2026, 11, 5), 10, 5))
	f.close(date(2026, 11, 20))
	f.subscribe("alice", "Pro", date(2026, 10, 20), date(2026, 11, 20))
	f.close(date(2026, 11, 20))
	bills := f.bills(billing.Query{})
	if len(bills) != 1 || bills[0].Period != (plan.Period{Start: date(2026, 10, 20), End: date(2026, 11, 20)}) ||
		bills[0].Total != 29*pricing.Dollar || bills[0].Cost == 0 {
		t.Fatalf("%+v", bills)
	}
	if n := f.healthy(); n != 0 {
		t.Errorf("%d differences", n)
	}
}

func numbersWithoutGaps(t *testing.T, p Place) {
	f := seeded(t, p)
	var wg sync.WaitGroup
	const users = 24
	for i := range users {
		user := fmt.Sprint("user-", i)
		f.subscribe(user, "Pro", date(2026, 10, 1), date(2026, 10, 1))
	}
	stop := errors.New("no")
	for i := range users {
		d := f.place.Open(t)
		wg.Go(func() {
			user := fmt.Sprint("user-", i)
			err := d.UpdateBilling(f.ctx, []string{user}, now(), func(tx billing.Tx) error {
				bills := []billing.Bill{{Kind: billing.Invoice, UserID: user, PlanID: 1,
					Period: plan.Period{Start: date(2026, 10, 1), End: date(2026, 11, 1)}, Status: billing.Open,
					IssuedAt: now(), DueAt: now()}}
				if err := tx.AddBills(f.ctx, bills); err != nil || i%3 == 0 {
					return errors.Join(err, stop)
				}
				return nil
			})
			if (err == nil) != (i%3 != 0) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, b := range f.bills(billing.Query{}) {
		if b.Number != int64(i+1) {
			t.Errorf("bill %d has the number %d", i+1, b.Number)
		}
	}
	f.healthy()
}

func closedOnce(t *testing.T, p Place) {
	f := seeded(t, p)
	const users, closers = 12, 6
	for i := range users {
		user := fmt.Sprint("user-", i)
		f.subscribe(user, "Pro", date(2026, 8, 1+i), date(2026, 8, 1+i))
		f.record(call(fmt.Sprint("e", i), user, date(2026, 9, 20), 10, 5))
	}
	var wg sync.WaitGroup
	for range closers {
		d := f.place.Open(t)
		wg.Go(func() {
			if c, err := f.billing(d).Close(f.ctx, date(2026, 11, 20), billing.CloseOptions{}); err != nil ||
				len(c.Failures) > 0 {
				t.Error(err, c.Failures)
			}
		})
	}
	wg.Wait()
	for i := range users {
		bills := f.bills(billing.Query{UserID: fmt.Sprint("user-", i)})
		if len(bills) != 3 {
			t.Fatalf("user %d has %d bills", i, len(bills))
		}
		for n, b := range bills[1:] {
			if !b.Period.Start.Equal(bills[n].Period.End) {
				t.Errorf("%v follows %v", b.Period, bills[n].Period)
			}
		}
	}
	if n := f.healthy(); n != 0 {
		t.Errorf("%d differences", n)
	}
	f.mustAgree()
}

func closingFailsForOne(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, user := range []string{"ann", "bob", "cid"} {
		f.subscribe(user, "Pro", date(2026, 10, 1), date(2026, 10, 1))
	}
	// rounded up to whole cents, bob's bill does not fit
	f.exec("UPDATE subscription_history SET price_pico = " + fmt.Sprint(math.MaxInt64) + " WHERE user_id = 'bob'")
	c, err := f.billing(f.db).Close(f.ctx, date(2026, 11, 1), billing.CloseOptions{})
	f.must(err)
	f.exec("UPDATE subscription_history SET price_pico = 0 WHERE user_id = 'bob'")
	if c.Bills != 2 || len(c.Failures) != 1 || c.Failures[0].UserID != "bob" {
		t.Fatalf("%+v", c)
	}
	wantEqual(t, "closed once it can be", f.close(date(2026, 11, 1)).Bills, int64(1))
	f.healthy()
}

// closingProgress closes the periods of more users than one transaction has.
func closingProgress(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 251 {
		f.record(call(fmt.Sprint(i), fmt.Sprintf("u%03d", i), date(2026, 10, 3), 1, 1))
	}
	told := func(at time.Time) (steps []string) {
		_, err := f.billing(f.db).Close(f.ctx, at,
			billing.CloseOptions{Progress: func(done, users int64) { steps = append(steps, fmt.Sprint(done, " of ", users)) }})
		f.must(err)
		return steps
	}
	wantEqual(t, "while a month is closed", told(date(2026, 11, 2)), []string{"0 of 251", "250 of 251", "251 of 251"})
	wantEqual(t, "where nothing has ended", told(date(2026, 11, 3)), []string{"0 of 0"})
}

func dryRunKeepsNothing(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 8, 1), date(2026, 8, 1))
	c, err := f.billing(f.db).Close(f.ctx, date(2026, 11, 1), billing.CloseOptions{DryRun: true})
	f.must(err)
	due, running, err := f.billing(f.db).Preview(f.ctx, "alice", date(2026, 11, 1))
	f.must(err)
	if c.Bills != 3 || c.Renewed != 3 || len(due) != 3 || running.Total != 29*pricing.Dollar || running.Number != 0 {
		t.Errorf("%+v, %d, %+v", c, len(due), running)
	}
	wantEqual(t, "bills", len(f.bills(billing.Query{})), 0)
	wantEqual(t, "paid until", f.account("alice").Subscription.PaidUntil, date(2026, 9, 1))
	wantEqual(t, "the same in earnest", f.close(date(2026, 11, 1)).Bills, int64(3))
	f.healthy()
}

// credit gives a user credit.
func (f *fixture) credit(user string, amount pricing.USD) {
	f.Helper()
	_, err := f.billing(f.db).Credit(f.ctx, f.audit("billing credit"),
		billing.CreditEntry{UserID: user, Amount: amount, Reason: "goodwill"})
	f.must(err)
}

// The id of a credit or a payment is used once, whoever uses it again and however many do so at once.
func idsOfMoneyAreUsedOnce(t *testing.T, p Place) {
	f := seeded(t, p)
	users := []string{"alice", "bob", "cid", "dora"}
	for _, user := range users {
		f.subscribe(user, "Pro", date(2026, 9, 1), date(2026, 9, 1))
	}
	f.close(date(2026, 10, 1))
	var credits, payments [2]atomic.Int64
	f.atOnce(t, 8, func(i int, recorder *usage.Service) {
		s, user := f.billing(recorder.Store.(*db.DB)), users[i%len(users)]
		_, err := s.Credit(f.ctx, f.audit("billing credit"),
			billing.CreditEntry{Key: "k", UserID: user, Amount: pricing.Dollar, Reason: "goodwill"})
		count(t, &credits, err)
		_, err = s.MarkPaid(f.ctx, f.audit("billing mark-paid"), int64(i%len(users)+1), billing.Payment{ID: "p"})
		count(t, &payments, err)
	})
	wantEqual(t, "credits, of which one user's are the same", credits[0].Load(), int64(2))
	wantEqual(t, "payments", payments[0].Load(), int64(2))
	entries, err := f.billing(f.db).AllCredits(f.ctx, "")
	f.must(err)
	wantEqual(t, "credits that are there", len(entries), 1)
	wantEqual(t, "bills that are paid", len(f.bills(billing.Query{Statuses: []billing.Status{billing.Paid}})), 1)
}

// count counts those that were done, or refused as conflicts.
func count(t *testing.T, of *[2]atomic.Int64, err error) {
	switch {
	case err == nil:
		of[0].Add(1)
	case failure.Is(err, failure.Conflict):
		of[1].Add(1)
	default:
		t.Error(err)
	}
}

func creditPages(t *testing.T, p Place) {
	f := seeded(t, p)
	want := ""
	for i := range 5 {
		user := []string{"alice", "bob"}[i%2]
		f.record(call(fmt.Sprint(i), user, now(), 1, 1))
		f.credit(user, pricing.USD(i+1)*pricing.Cent)
		want += fmt.Sprint(user, i+1, " ")
	}
	for _, size := range []int{1, 2, 5, 6} {
		got, after := "", int64(0)
		for {
			page, err := f.db.Credits(f.ctx, billing.CreditQuery{After: after, Limit: size})
			f.must(err)
			for _, c := range page {
				got += fmt.Sprint(c.UserID, int64(c.Amount/pricing.Cent), " ")
				after = c.ID
			}
			if len(page) < size {
				break
			}
		}
		wantEqual(t, fmt.Sprint("pages of ", size), got, want)
	}
	mine, err := f.billing(f.db).AllCredits(f.ctx, "bob")
	f.must(err)
	wantEqual(t, "bob's", len(mine), 2)
}

// Bills that are due at once make their users past due and suspended in the run that writes them.
func dryRunCountsAll(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 8, 1), date(2026, 8, 1))
	f.close(date(2026, 9, 1)) // and has a bill that falls due
	f.subscribe("bob", "Pro", date(2026, 9, 1), date(2026, 9, 1))
	f.subscribe("cid", "Pro", date(2026, 10, 1), date(2026, 10, 1))
	f.record(call("e1", "dora", date(2026, 9, 3), 10, 5))
	f.change("cid", date(2026, 10, 2), func(a plan.Account) (plan.Change,
		error) {
		return a.Cancel(false, date(2026, 10, 2))
	})
	s := &billing.Service{Store: f.db, Actor: "cron", Rules: billing.Rules{Suspend: true}}
	closing := func(o billing.CloseOptions) string {
		c, err := s.Close(f.ctx, date(2026, 11, 1), o)
		f.must(err)
		return fmt.Sprintf("%+v", c)
	}
	dry := closing(billing.CloseOptions{DryRun: true})
	alone, err := s.Close(f.ctx, date(2026, 11, 1), billing.CloseOptions{DryRun: true, User: "bob"})
	f.must(err)
	wantEqual(t, "bob alone", fmt.Sprint(alone.Bills, alone.PastDue, alone.Suspended), "2 2 1")
	wantEqual(t, "the closing", closing(billing.CloseOptions{}), dry)
	if !strings.Contains(dry, "PastDue:6 Suspended:2") {
		t.Error(dry)
	}
	f.healthy()
}

func previewBesideWriter(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 8, 1), date(2026, 8, 1))
	other := f.billing(f.place.Open(t))
	f.must(f.db.UpdateBilling(f.ctx, []string{"alice"}, now(), func(billing.Tx) error {
		due, running, err := other.Preview(f.ctx, "alice", date(2026, 11, 1))
		f.must(err)
		c, err := other.Close(f.ctx, date(2026, 11, 1), billing.CloseOptions{DryRun: true})
		f.must(err)
		wantEqual(t, "drafts", fmt.Sprint(len(due), running.Total, c.Bills), "3 29 3")
		return nil
	}))
}

// Month by month, previews say what closing then writes: with usage, late calls, a change of plan and credit.
func previewsAreExact(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 7, 31), date(2026, 7, 31))
	f.record(call("e1", "alice", date(2026, 8, 3), 1000, 500))
	f.close(date(2026, 9, 1))
	f.record(call("late", "alice", date(2026, 8, 4), 70, 5))
	f.record(call("e2", "alice", date(2026, 9, 2), 9000, 100))
	f.change("alice", date(2026, 9, 9), func(a plan.Account) (plan.Change, error) {
		return a.ChangePlanAtEnd(f.plan("Open"), date(2026, 9, 9))
	})
	f.credit("alice", 40*pricing.Dollar)
	f.record(call("e3", "alice", date(2026, 10, 31), 100, 100))
	at := date(2026, 12, 20)
	_, err := f.service.Record(f.ctx, at, call("e4", "alice", date(2026, 12, 1), 100, 100), usage.RecordOptions{})
	f.must(err)
	due, _, err := f.billing(f.db).Preview(f.ctx, "alice", at)
	f.must(err)
	f.close(at)
	written := f.bills(billing.Query{After: 1})
	for i := range written {
		written[i].Number = 0
	}
	wantEqual(t, "the bills", fmt.Sprintf("%+v", due), fmt.Sprintf("%+v", written))
	if len(due) < 3 {
		t.Errorf("%d bills", len(due))
	}
}

func unbilledIsFound(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 9, 1), date(2026, 9, 1))
	f.record(call("e1", "alice", date(2026, 9, 20), 10, 5))
	f.close(date(2026, 10, 1))
	late := call("e2", "alice", date(2026, 9, 21), 100, 5)
	f.record(late)
	unknown := call("e3", "alice", date(2026, 9, 22), 7, 7)
	unknown.Provider, unknown.Model = "mistral", "large"
	f.record(unknown)
	wantEqual(t, "waiting", f.healthy(), int64(2))
	f.close(date(2026, 11, 1))
	wantEqual(t, "waiting once it is billed", f.healthy(), int64(0))
	f.must(f.addPrice("mistral", "large", date(2026, 9, 1), 0, pricing.Dollar/1000, 0))
	_, err := usage.Rerate(f.ctx, f.db, date(2026, 11, 2), time.Time{}, time.Time{}, true)
	f.must(err)
	wantEqual(t, "waiting once it has a price", f.healthy(), int64(1))
	f.close(date(2026, 12, 1))
	wantEqual(t, "waiting in the end", f.healthy(), int64(0))
	var cost pricing.USD
	for _, b := range f.bills(billing.Query{}) {
		cost += b.Cost
	}
	var logged pricing.USD
	for _, e := range f.logs() {
		logged += e.Cost
	}
	wantEqual(t, "what all bills cost", cost, logged)
	last := f.bills(billing.Query{Number: 3})[0].Lines
	wantEqual(t, "the adjustment", fmt.Sprint(last[1].Kind, last[1].Model, last[1].Usage.Cost, last[1].Usage.Calls,
		last[1].Usage.Unpriced, last[1].Period.Start),
		fmt.Sprint("adjustment", "large", 7*pricing.Dollar/1000, 0, -1, date(2026, 9, 1)))
}

func recordedWhileClosing(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 9, 1), date(2026, 9, 1))
	const calls = 60
	var wg sync.WaitGroup
	for w := range 3 {
		s := &usage.Service{Store: f.place.Open(t)}
		wg.Go(func() {
			for i := range calls {
				e := call(fmt.Sprintf("e%d-%d", w, i), "alice", date(2026, 9, 1).Add(time.Duration(i)*24*time.Hour), 10, 5)
				if _, err := s.Record(f.ctx, now(), e, usage.RecordOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		d := f.place.Open(t)
		for day := range calls {
			if _, err := f.billing(d).Close(f.ctx, date(2026, 9, 1).Add(time.Duration(day)*24*time.Hour),
				billing.CloseOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	f.close(date(2026, 12, 1))
	f.close(date(2027, 1, 1)) // what was late for the last
	wantEqual(t, "waiting", f.healthy(), int64(0))
	billed := int64(0)
	for _, b := range f.bills(billing.Query{}) {
		for _, l := range b.Lines {
			billed += l.Usage.Calls
		}
	}
	wantEqual(t, "calls on bills", billed, int64(3*calls))
}

func billingHealth(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 9, 1), date(2026, 9, 1))
	f.close(date(2026, 10, 1))
	h, err := f.db.BillingHealth(f.ctx, date(2026, 11, 2))
	f.must(err)
	wantEqual(t, "overdue", h.OverdueUsers, int64(1))
	f.exec("UPDATE billing_numbers SET last_number = 7")
	f.exec("INSERT INTO billing_lines SELECT 1, 9, user_id, kind, description, period_start, period_end, provider, " +
		"vendor, model, calls, errors, unpriced_calls, input_tokens, " +
		"output_tokens, cached_input_tokens, images, searches, pages, characters, milliseconds, cost_pico, 1, " +
		"unit_prices, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL FROM billing_lines")
	h, err = f.db.BillingHealth(f.ctx, date(2026, 10, 1))
	f.must(err)
	wantEqual(t, "what is wrong", fmt.Sprint(h.OverdueUsers, h.LastGivenNumber, h.HighestNumber, h.MismatchedBills),
		"0 7 1 [1]")
	wantEqual(t, "wrong charges", fmt.Sprint(h.MischargedBills), "[]")
	f.exec("INSERT INTO billing_lines SELECT 1, 10, user_id, kind, description, period_start, period_end, provider, " +
		"vendor, model, calls, errors, unpriced_calls, input_tokens, " +
		"output_tokens, cached_input_tokens, images, searches, pages, characters, milliseconds, cost_pico, 1, " +
		`unit_prices, NULL, NULL, NULL, NULL, NULL, NULL, '[{"unit":"page","rate":"1","amount":1,"cost":"1"}]', NULL, NULL ` +
		"FROM billing_lines WHERE line = 9")
	h, err = f.db.BillingHealth(f.ctx, date(2026, 10, 1))
	f.must(err)
	wantEqual(t, "wrong charges", fmt.Sprint(h.MischargedBills), "[1]")
}

// What was used under each plan is what the log has of the period, and the sum of it what the summaries have.
func usedByPlan(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Free", date(2026, 10, 15), date(2026, 10, 15))
	for i, at := range []time.Time{date(2026, 10, 14), date(2026, 10, 15), date(2026, 11, 1), date(2026, 11, 2),
		date(2026, 11, 14), date(2026, 11, 15)} {
		f.record(call(fmt.Sprint("e", i), "alice", at, int64(10*(i+1)), 1))
		f.record(call(fmt.Sprint("b", i), "bob", at, 7, 7))
	}
	f.change("alice", date(2026, 11, 2), func(a plan.Account) (plan.Change, error) {
		return a.ChangePlan(f.plan("Pro"), date(2026, 11, 2))
	})
	period := f.account("alice").PeriodAt(date(2026, 11, 1))
	key := usage.NewPeriodKey("alice", period.Start)
	f.must(f.db.ViewBilling(f.ctx, func(r billing.Reader) error {
		byPlan, err := r.UsedByPlan(f.ctx, "alice", period)
		f.must(err)
		used, err := r.Used(f.ctx, []usage.PeriodKey{key})
		f.must(err)
		got := map[int64]int64{}
		var sum usage.Amounts
		for id, series := range byPlan {
			for _, s := range series {
				got[id] += s.Usage.Quantities[pricing.InputTokens]
				sum, err = sum.Add(s.Usage)
				f.must(err)
			}
		}
		wantEqual(t, "the input tokens", got, map[int64]int64{f.plan("Free").ID: 20 + 30, f.plan("Pro").ID: 40 + 50})
		wantEqual(t, "the sum", []usage.Amounts{sum}, []usage.Amounts{used[key][0].Usage})
		return nil
	}))
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		got, err := r.UsedUnder(f.ctx, key, f.plan("Free").ID, plan.Period{Start: period.Start, End: date(2026, 11, 2)})
		f.must(err)
		wantEqual(t, "under the first plan", fmt.Sprint(len(got), got[0].Provider, got[0].Calls, got[0].InputTokens,
			got[0].OutputTokens), fmt.Sprint(1, "gemini", 2, 50, 2))
		return nil
	}))
}
