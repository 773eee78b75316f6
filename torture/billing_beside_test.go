package torture_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBillingBeside has two processes close periods while others record calls in the very
// period that is closed, import some, and change, cancel and begin the subscriptions, take calls back, correct some and
// fix a price. A call is on the bill of its period or an adjustment on the next, and never lost.
func TestBillingBeside(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		a, random := fresh(t), dice(seed(t), 0)
		const users = 16
		now := time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)
		a.must(t, now, "init", "--rehearsal")
		for n := range users {
			args := []string{"users", "subscribe", fmt.Sprintf("u%d", n), "--plan", []string{"basic", "pro"}[n%2], "--cycle",
				[]string{"monthly", "yearly"}[n/2%2]}
			if n%5 == 4 {
				args = append(args, "--no-auto-renew")
			}
			a.must(t, now, args...)
		}
		sent := 0
		months := max(2, rounds(t)/10)
		for month := range months {
			end := later(now, month+1)
			commands := amendments(random, sent)
			var file strings.Builder
			for range 3 {
				commands = append(commands, []string{"billing", "close"})
			}
			for n := range 200 {
				sent++
				at := end.Add(time.Duration(random.IntN(39)-38) * time.Hour).Format(time.RFC3339)
				row, _ := json.Marshal(map[string]any{"id": fmt.Sprint("call-", sent), "user_id": fmt.Sprint("u", n%(users+3)),
					"provider": "gemini", "model": "gemini-2.5-pro", "input_tokens": sent, "time": at})
				file.WriteString(string(row) + "\n")
			}
			commands = append(commands, []string{"usage", "import", a.write(t, fmt.Sprintf("%d.jsonl", month), file.String())})
			for range 10 {
				sent++
				user := fmt.Sprint("u", random.IntN(users))
				commands = append(commands, []string{"usage", "record", "--user", user, "--provider", "gemini", "--model",
					"gemini-2.5-pro", "--input-tokens", fmt.Sprint(sent),
					"--id", fmt.Sprint("call-", sent), "--time", end.Add(-time.Microsecond).Format(time.RFC3339Nano)})
				commands = append(commands, [][]string{{"users", "change-plan", user, "--plan", "enterprise"},
					{"users", "change-plan", user, "--plan", "basic"}, {"users", "cancel", user},
					{"users", "cancel", user, "--at-period-end"}, {"users", "renew", user}, {"users", "subscribe", user, "--plan",
						"pro"}, {"users", "suspend", user}, {"users", "resume", user}}[random.IntN(8)])
			}
			random.Shuffle(len(commands), func(i, j int) { commands[i], commands[j] = commands[j], commands[i] })
			a.atOnce(t, end, commands)
			a.checkClosed(t, false)
		}
		after := later(now, months+24) // every paid cycle has ended
		a.must(t, after, "billing", "close")
		for n := range users + 3 { // what was late for those without another bill
			a.must(t, after, "usage", "record", "--user", fmt.Sprint("u", n), "--provider", "exa")
		}
		a.must(t, later(after, 2), "billing", "close")
		a.checkClosed(t, true)
		a.must(t, later(after, 2), "reconcile")
		t.Logf("%d calls", sent)
	})
}

// amendments are commands that put some of the calls right that were sent before.
func amendments(random *rand.Rand, sent int) (commands [][]string) {
	if sent == 0 {
		return nil
	}
	id := func() string { return fmt.Sprint("call-", 1+random.IntN(sent)) }
	for n := range 6 {
		commands = append(commands, []string{"usage", "void", "--reason", "a test", id(), id(), id()},
			[]string{"usage", "correct", id(), "--input-tokens", fmt.Sprint(sent + 1000 + n), "--reason", "a test"})
	}
	return append(commands, []string{"pricing", "fix", "gemini", "gemini-2.5-pro", "--from", "1970-01-01T00:00:00Z",
		"--input-token-cost", fmt.Sprintf("0.0000%d", sent), "--reason", "a test", "--force"})
}

// atOnce runs commands side by side, six at a time. They are done, or refused since a
// subscription has moved on, or since the call to be corrected was taken back.
func (a *arena) atOnce(t testing.TB, now time.Time, commands [][]string) {
	var all sync.WaitGroup
	free := make(chan bool, 6)
	for _, args := range commands {
		free <- true
		all.Go(func() {
			defer func() { <-free }()
			if r := a.run(t, now, args...); r.status != 0 && (r.status != 5 || args[0] != "users" && args[1] != "correct") {
				t.Errorf("%v: exit %d: %s", args, r.status, r.complaint())
			}
		})
	}
	all.Wait()
}

// checkClosed requires that numbers have no gap, that bills of one user follow each other,
// and that the usage on them is what the log has. Unless everything is closed, some of the
// log may wait for the next bill.
func (a *arena) checkClosed(t testing.TB, all bool) {
	t.Helper()
	var count, last, apart, beyond, differ int64
	for query, to := range map[string]*int64{
		`SELECT COUNT(*) FROM billing_history`:                 &count,
		`SELECT COALESCE(MAX(number), 0) FROM billing_history`: &last,
		`SELECT COUNT(*) FROM billing_history a JOIN billing_history b ON a.user_id = b.user_id
			AND a.number <> b.number AND a.period_start < b.period_end AND b.period_start < a.period_end`: &apart,
		`SELECT COUNT(*) FROM billing_history h JOIN billing_accounts b ON b.user_id = h.user_id
			WHERE h.period_end > b.closed_until`: &beyond,
		`SELECT COUNT(*) FROM (SELECT user_id, period_start, provider, model FROM (
			SELECT l.user_id, l.period_start, l.provider, l.model, l.cost_pico, l.input_tokens FROM api_usage_logs l
				JOIN billing_accounts b ON b.user_id = l.user_id WHERE l.period_start < b.closed_until
			UNION ALL SELECT user_id, period_start, provider, model, -cost_pico, -input_tokens FROM billing_lines
				WHERE kind IN ('usage', 'adjustment')) AS x
			GROUP BY user_id, period_start, provider, model HAVING SUM(cost_pico) <> 0 OR SUM(input_tokens) <> 0) AS y`: &differ,
	} {
		if err := a.SQL.QueryRow(query).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	if count != last {
		t.Errorf("there are %d bills up to the number %d", count, last)
	}
	if apart > 0 || beyond > 0 {
		t.Errorf("%d pairs of bills overlap, %d bills are of open periods", apart, beyond)
	}
	if all && differ > 0 {
		t.Errorf("log and bills differ in %d series", differ)
	}
}
