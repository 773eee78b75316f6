package torture_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// check compares the bills in the tables with the calculated ones, and how far each
// customer's periods are closed.
func (w *world) check(t testing.TB) {
	t.Helper()
	found := w.bills(t)
	places := map[string][]int64{}
	for number, b := range found {
		places[b.place()] = append(places[b.place()], number)
	}
	w.papers = nil
	for _, c := range w.customers {
		for _, b := range c.bills {
			w.papers = append(w.papers, b)
			w.checkBill(t, b, found, places)
		}
	}
	for number := int64(1); number <= int64(len(found)); number++ {
		if found[number] == nil {
			t.Errorf("the numbers have a gap at %d", number)
		}
	}
	if len(found) != len(w.papers) {
		t.Errorf("there are %d bills, want %d", len(found), len(w.papers))
		for _, b := range found {
			if !w.wanted(b) {
				t.Errorf("too much, number %d: %s", b.number, b)
			}
		}
	}
	w.checkCustomers(t)
}

// place is what there is only one bill of.
func (b *paper) place() string {
	return fmt.Sprintf("%s %s of %d, %s", b.kind, b.user, b.refersTo, b.period.start)
}

func (w *world) wanted(b *paper) bool {
	for _, p := range w.papers {
		if p.number == b.number {
			return true
		}
	}
	return false
}

// checkBill finds the bill of a period, or the credit note of a bill, and compares it.
func (w *world) checkBill(t testing.TB, b *paper, found map[int64]*paper, places map[string][]int64) {
	t.Helper()
	if b.number == 0 {
		numbers := places[b.place()]
		if len(numbers) > 1 {
			t.Errorf("the bills %d are of one period", numbers)
		}
		if len(numbers) > 0 {
			b.number = numbers[0]
		}
	}
	got := found[b.number]
	if got == nil {
		t.Errorf("missing: %s", b)
		return
	}
	if got.String() != b.String() {
		t.Errorf("number %d: %s\nwant %s\n%s", b.number, got, b, w.story(t, b.user))
	}
}

// bills reads the tables.
func (w *world) bills(t testing.TB) map[int64]*paper {
	t.Helper()
	found := map[int64]*paper{}
	w.rows(t, `SELECT number, kind, COALESCE(refers_to, 0), user_id, period_start, period_end,
		issued_at, status, total_pico, cost_pico FROM billing_history`,
		func(scan func(...any) error) error {
			b := &paper{}
			var from, to, issued moment
			err := scan(&b.number, &b.kind, &b.refersTo, &b.user, &from, &to, &issued, &b.status, &b.total, &b.cost)
			b.period, b.issued = span{from.Time, to.Time}, issued.Time
			found[b.number] = b
			return err
		})
	w.rows(t, `SELECT number, user_id, kind, period_start, period_end, provider,
		vendor, model, calls, errors, unpriced_calls, input_tokens, output_tokens, images, cost_pico, amount_pico, unit_prices
		FROM billing_lines ORDER BY number, line`, func(scan func(...any) error) error {
		var number int64
		var l item
		var from, to moment
		var user, vendor, prices string
		err := scan(&number, &user, &l.kind, &from, &to, &l.provider, &vendor, &l.model, &l.used.calls, &l.used.errors,
			&l.used.unpriced, &l.used.input, &l.used.output, &l.used.images,
			&l.used.cost, &l.amount, &prices)
		l.period = span{from.Time, to.Time}
		if b := found[number]; b != nil && b.user == user && vendor == l.provider {
			b.lines = append(b.lines, l)
			checkPrices(t, number, l, prices)
		} else {
			t.Errorf("a line of the bill %d is of %q and %q, which the bill is not", number, user, vendor)
		}
		return err
	})
	return found
}

// checkCustomers compares what is kept of each customer.
func (w *world) checkCustomers(t testing.TB) {
	t.Helper()
	got, want := map[string]string{}, map[string]string{}
	w.rows(t, `SELECT b.user_id, b.closed_until, COALESCE(s.suspended, FALSE),
			COALESCE((SELECT CAST(SUM(amount_pico) AS BIGINT)
		FROM billing_credits c WHERE c.user_id = b.user_id), 0)
		FROM billing_accounts b LEFT JOIN user_subscriptions s
		ON s.user_id = b.user_id`, func(scan func(...any) error) error {
		var user string
		var closed moment
		var suspended bool
		var balance int64
		err := scan(&user, &closed, &suspended, &balance)
		got[user] = fmt.Sprintf("closed until %s, suspended %t, balance %d", closed.Time, suspended, balance)
		return err
	})
	for _, c := range w.customers {
		if c.known {
			want[c.id] = fmt.Sprintf("closed until %s, suspended %t, balance %d", c.closed, c.suspended, c.balance)
		}
	}
	for user := range want {
		if got[user] != want[user] {
			t.Errorf("%q: %s, want %s\n%s", user, got[user], want[user], w.story(t, user))
		}
	}
}

// checkLog requires that the usage on bills and that of open periods are the sums of the
// log, and that nothing else of closed periods waits.
func (w *world) checkLog(t testing.TB) {
	t.Helper()
	var wrong int
	err := w.SQL.QueryRow(`SELECT COUNT(*) FROM (SELECT user_id, period_start, provider, vendor, model FROM (
		SELECT l.user_id, l.period_start, l.provider, l.vendor, l.model, l.cost_pico FROM api_usage_logs l
			JOIN billing_accounts b ON b.user_id = l.user_id WHERE l.period_start < b.closed_until
		UNION ALL SELECT user_id, period_start, provider, vendor, model, -cost_pico FROM billing_lines
			WHERE kind IN ('usage', 'adjustment')) AS x
		GROUP BY user_id, period_start, provider, vendor, model HAVING SUM(cost_pico) <> 0) AS y`).Scan(&wrong)
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	for _, c := range w.customers {
		for key, sum := range c.log() {
			if key.start.Before(c.closed) && sum.cost != c.billed[key].cost {
				waits++
			}
		}
	}
	if wrong != waits {
		t.Errorf("bills and log differ in %d series, %d should wait", wrong, waits)
	}
	w.must(t, w.now, "reconcile")
}

// story tells what was done with a customer.
func (w *world) story(t testing.TB, user string) string {
	text := ""
	w.rows(t, `SELECT user_id, action, recorded_at, effective_at, plan_id, cycle, anchor, paid_until,
		ends_at, price_pico, continues FROM subscription_history ORDER BY history_id`, func(scan func(...any) error) error {
		var id, action, cycle string
		var plan, price int64
		var recorded, effective, anchor, paid, ends moment
		var continues bool
		err := scan(&id, &action, &recorded, &effective, &plan, &cycle, &anchor, &paid, &ends, &price, &continues)
		if id == user {
			text += fmt.Sprintf("  %s of %s at %s: plan %d %s, anchor %s, paid until %s, ends %s, price %d, continues %t\n",
				action, effective.Time, recorded.Time, plan, cycle, anchor.Time, paid.Time, ends.Time, price, continues)
		}
		return err
	})
	return text
}

// checkPrices requires that a line's unit prices explain its cost: where one was in force
// all the time, exactly, and else that the cost lies between what the lowest and the
// highest would make.
func checkPrices(t testing.TB, number int64, l item, text string) {
	t.Helper()
	if l.kind != "usage" {
		if text != "" {
			t.Errorf("bill %d: %s has the unit prices %s", number, l, text)
		}
		return
	}
	var prices []struct{ Rates map[string]string }
	if text != "" {
		if err := json.Unmarshal([]byte(text), &prices); err != nil {
			t.Fatal(err)
		}
	}
	least, most := int64(0), int64(0)
	for unit, count := range map[string]int64{"request": l.used.calls, "input_token": l.used.input,
		"output_token": l.used.output, "image": l.used.images} {
		var rates []int64
		for _, p := range prices {
			rates = append(rates, pico(or(p.Rates[unit], "0")))
		}
		if len(rates) > 0 {
			least, most = least+count*slices.Min(rates), most+count*slices.Max(rates)
		}
	}
	if l.used.unpriced > 0 {
		least = 0
	}
	if l.used.cost < least || l.used.cost > most {
		t.Errorf("bill %d: %s is not explained by the unit prices %s", number, l, text)
	}
}
