package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// killPlan has a limit that one call fills: what was done before a kill has taken the only
// unit, and doing it again must neither take a second nor be refused.
const killPlan = `
limits:
  gemini_calls: {meter: calls, providers: [gemini]}
  video_cost: {meter: cost, providers: [video]}
  all_tokens: {meter: tokens}
plans:
  - name: Free
    tier: free
    monthly: 0
    yearly: 0
    description: under attack
    features: []
    limits: {gemini_calls: 1, video_cost: 1000, all_tokens: {max: 3000000, action: warn}}
`

// killer kills processes, and counts.
type killer struct {
	dice                  *rand.Rand
	rounds, hits, cut     int // hits: killed while it ran; cut: its backend was terminated while it ran
	committed, retries    int // committed: kills that hit after a commit; retries: commands that were run again
	worst                 time.Duration
	unavailable, survived int // how a process ended whose backend was terminated
}

// strike runs a command and kills it at a random moment of the time that it takes
// undisturbed: the process with SIGKILL or, on PostgreSQL, in some rounds the backend that
// serves it. It tells whether that came before the end.
func (k *killer) strike(t testing.TB, a *arena, undisturbed time.Duration, args ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	c, r := a.command(ctx, begin(), args...)
	before := a.mark(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(k.dice.Int64N(int64(undisturbed) + 1)))
	backend := a.Kind == db.PostgreSQL && k.dice.IntN(3) == 0
	if backend {
		k.terminate(t, a)
	} else if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r.status = c.ProcessState.ExitCode()
	if r.status != 0 && a.mark(t) != before {
		k.committed++
	}
	if ctx.Err() != nil {
		t.Errorf("%v has not ended within %s", args, bound)
	}
	return k.landed(t, *r, backend, args)
}

// landed tells from a process's end whether what was to kill it came in time. Whose backend
// was terminated says clearly that the database is not to be had, or was done.
func (k *killer) landed(t testing.TB, r result, backend bool, args []string) bool {
	t.Helper()
	switch {
	case r.status == -1 && !backend:
		k.hits++
		return true
	case r.status == 6 && backend && strings.Contains(r.err, `"unavailable"`):
		k.unavailable++
		return true
	case r.status == 0 && backend:
		k.survived++
	case r.status != 0:
		t.Errorf("%v: exit %d (its backend was terminated: %t): %s", args, r.status, backend, r.complaint())
	}
	return false
}

// mark changes with every commit of a command.
func (a *arena) mark(t testing.TB) (sum int64) {
	t.Helper()
	err := a.SQL.QueryRow(`SELECT (SELECT COUNT(*) FROM api_usage_logs) + (SELECT COUNT(*) FROM usage_reservations)
		+ (SELECT COUNT(*) FROM usage_reservations WHERE status = 'released')
		+ (SELECT COUNT(*) FROM usage_reratings) + (SELECT COUNT(*) FROM api_provider_pricing)`).Scan(&sum)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// terminate ends the program's backends in the server.
func (k *killer) terminate(t testing.TB, a *arena) {
	t.Helper()
	var n int
	err := a.SQL.QueryRow("SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " +
		"application_name = '" + a.name + "') AS terminated").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		k.cut++
	}
}

// survive kills a command, sometimes again and again, and again where the command was
// quicker than the kill, which then comes sooner: how long it takes depends on what else the
// machine has to do. It requires after each kill that the totals are the sums of the log.
// Then it runs the command to its end.
func (k *killer) survive(t testing.TB, a *arena, undisturbed time.Duration, args ...string) {
	t.Helper()
	k.rounds++
	for kills := 1; ; kills++ {
		landed := k.strike(t, a, undisturbed, args...)
		r := a.must(t, begin(), "reconcile")
		k.worst = max(k.worst, r.took)
		a.intact(t)
		k.retries++
		if kills == 4 || landed && k.dice.IntN(3) > 0 {
			break
		}
		if !landed {
			undisturbed /= 2
		}
	}
	r := a.must(t, begin(), args...)
	k.worst = max(k.worst, r.took)
}

func (k *killer) report(t testing.TB, what string) {
	t.Helper()
	if k.hits+k.unavailable == 0 {
		t.Errorf("%s: no kill has hit a process that was running", what)
	}
	t.Logf("%s: %d rounds; %d kills hit while running, %d cut the backend (exit 6: %d, exit 0: %d); %d had committed "+
		"something; %d retries; worst wait after a kill %s",
		what, k.rounds, k.hits, k.cut, k.unavailable, k.survived, k.committed, k.retries, k.worst.Round(time.Millisecond))
}

// TestKillImport kills imports of several batches. After each kill the totals are right,
// and once the import was run again everything is as if nothing had happened.
func TestKillImport(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		k := &killer{dice: dice(seed(t), 0)}
		// One file for all rounds: what it leaves undisturbed is known once.
		rows := 21_000 // three batches
		if rounds(t) >= 300 {
			rows = 120_000 // several transactions also on SQLite, where one takes up to 60,000
		}
		file := events(k.dice, rows)
		twin := fresh(t)
		prepareImport(t, twin)
		undisturbed := twin.must(t, begin(), "usage", "import", twin.write(t, "calls.jsonl", file)).took
		want := twin.dumpAll(t)
		for n := range max(2, rounds(t)/10) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				a := fresh(t)
				prepareImport(t, a)
				path := a.write(t, "calls.jsonl", file)
				k.survive(t, a, undisturbed, "usage", "import", path)
				mustEqual(t, "an import that was killed and run again", a.dumpAll(t), want)
			})
		}
		k.report(t, "import")
	})
}

// prepareImport makes the tables, and users whose periods are not calendar months.
func prepareImport(t testing.TB, a *arena) {
	t.Helper()
	a.must(t, begin(), "init", "--rehearsal")
	for _, user := range []string{"u3", "u4"} {
		a.must(t, begin(), "users", "subscribe", user, "--plan", "pro", "--start", "2026-10-15")
	}
}

// events makes up a file of so many rows: with ids and without, some alike, some failed,
// some without a price.
func events(dice *rand.Rand, rows int) string {
	models := []string{`"gemini","model":"gemini-2.5-flash"`, `"wavespeed","model":"openai/gpt-oss-20b"`, `"exa"`,
		`"video","model":"wan-2.5"`, `"mistral","model":"no-price"`}
	var file strings.Builder
	for i := range rows {
		id := ""
		if i%3 > 0 {
			id = fmt.Sprintf(`"id":"event-%d",`, i)
		}
		at := begin().AddDate(0, 0, -dice.IntN(30))
		status := []int{200, 200, 200, 500}[dice.IntN(4)]
		fmt.Fprintf(&file, `{%s"user_id":"u%d","provider":%s,"time":%q,"input_tokens":%d,`+
			`"output_tokens":%d,"status_code":%d}`+"\n",
			id, dice.IntN(20), models[dice.IntN(len(models))], at.Format(time.RFC3339), dice.IntN(100), dice.IntN(30), status)
	}
	return file.String()
}

// TestKill kills commands that change one thing: what they did is done once, or not at
// all. The same commands run on a twin, where nobody kills them.
func TestKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		a, twin := fresh(t), fresh(t)
		for _, one := range []*arena{a, twin} {
			one.must(t, begin(), "init", "--rehearsal", "--plans", one.write(t, "plans.yaml", killPlan))
		}
		k := &killer{dice: dice(seed(t), 0)}
		commands := []string{"record", "enforce", "reserve", "settle", "release"}
		for n := range rounds(t) {
			k.round(t, a, twin, commands[n%len(commands)], n)
			if t.Failed() {
				return // the twins differ for good
			}
		}
		mustEqual(t, "in the end", a.dumpAll(t), twin.dumpAll(t))
		k.report(t, "record, enforce, reserve, settle, release")
	})
}

// round runs one command of a user of its own on both twins, and kills it on one of them.
func (k *killer) round(t testing.TB, a, twin *arena, what string, n int) {
	t.Helper()
	before, args := commandsOf(what, fmt.Sprintf("%s-%d", what, n), 1+k.dice.IntN(900))
	if before != nil {
		a.must(t, begin(), before...)
		twin.must(t, begin(), before...)
	}
	undisturbed := twin.must(t, begin(), args...).took
	k.survive(t, a, undisturbed, args...)
	mustEqual(t, strings.Join(args, " "), a.dump(t), twin.dump(t))
}

// commandsOf returns the command that is to be killed, and the one before it.
func commandsOf(what, id string, tokens int) (before, args []string) {
	amount := []string{"--input-tokens", fmt.Sprint(tokens), "--output-tokens", "7"}
	call := append([]string{"--id", id, "--user", "user of " + id, "--provider", "gemini", "--model", "gemini-2.5-pro"},
		amount...)
	reserve := append([]string{"limits", "reserve", "--ttl", "10m"}, call...)
	switch what {
	case "reserve":
		return nil, reserve
	case "enforce":
		return nil, append([]string{"usage", "record", "--enforce"}, call...)
	case "settle":
		return reserve, append([]string{"usage", "record", "--reservation", id}, amount...)
	case "release":
		return reserve, []string{"limits", "release", id}
	}
	return nil, append([]string{"usage", "record", "--requests", "3"}, call...)
}
