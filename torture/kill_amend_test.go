package torture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestKillAmend kills what takes events back, corrects one, or replaces a wrong price: what it did is done once, or not
// at all. The same commands run on a twin, where nobody kills them.
func TestKillAmend(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		k := &killer{dice: dice(seed(t), 0)}
		rows := 3_600
		if rounds(t) >= 300 {
			rows = 6_000
		}
		file := events(k.dice, rows)
		for n := range max(5, rounds(t)) {
			file += fmt.Sprintf(`{"id":"single-%d","user_id":"single","provider":"gemini","model":"gemini-2.5-flash",`+
				`"time":"2026-%d-05T12:00:00Z","input_tokens":100}`+"\n", n, 10+n%2)
		}
		a, twin := fresh(t), fresh(t)
		for _, one := range []*arena{a, twin} {
			prepareImport(t, one)
			one.must(t, begin(), "usage", "import", one.write(t, "calls.jsonl", file))
			one.must(t, begin(), "billing", "close")
		}
		ids := filepath.Join(t.TempDir(), "ids")
		for n := range max(5, rounds(t)/4) {
			args := k.amendment(t, n, rows, ids)
			undisturbed := twin.must(t, begin(), args...).took
			k.survive(t, a, undisturbed, args...)
			a.whole(t)
			mustEqual(t, strings.Join(args, " "), a.dumpAmended(t), twin.dumpAmended(t))
			if t.Failed() {
				return // the twins differ for good
			}
		}
		for _, one := range []*arena{a, twin} {
			one.must(t, begin().AddDate(0, 1, 0), "billing", "close")
		}
		mustEqual(t, "the next bills", a.dumpAmended(t), twin.dumpAmended(t))
		k.report(t, "void, correct, fix")
	})
}

// amendment returns a command that puts something right, another one for each number. What takes many of the rows back
// names a third of them: more than a thousand, which is what a transaction takes.
func (k *killer) amendment(t testing.TB, n, rows int, ids string) []string {
	t.Helper()
	void := []string{"usage", "void", "--reason", "a test"}
	var many []string
	from := k.dice.IntN(rows / 2)
	for i := from; i < from+rows/2; i++ {
		if i%3 > 0 { // the others have no id
			many = append(many, fmt.Sprintf("event-%d", i))
		}
	}
	switch n % 5 {
	case 0:
		return append(void, fmt.Sprintf("single-%d", n))
	case 1:
		return append(void, many[:1100]...)
	case 2:
		if err := os.WriteFile(ids, []byte(strings.Join(many, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return append(void, "-f", ids)
	case 3:
		return []string{"usage", "correct", fmt.Sprintf("single-%d", n), "--id", fmt.Sprintf("right-%d", n),
			"--input-tokens", "77", "--model", "gemini-2.5-pro", "--reason", "a test"}
	}
	cost := []string{"0.01", "0.000001"}[n/5%2] // much too high, and right again: thresholds are reached, and are not
	return []string{"pricing", "fix", "gemini", "gemini-2.5-flash", "--from", "1970-01-01T00:00:00Z",
		"--input-token-cost", cost + fmt.Sprint(n), "--force", "--reason", "a test"}
}

// whole requires that each event that was taken back has its counter-entry, and each counter-entry its event.
func (a *arena) whole(t testing.TB) {
	t.Helper()
	var voids, counters int
	err := a.SQL.QueryRow(`SELECT (SELECT COUNT(*) FROM usage_voids),
		(SELECT COUNT(*) FROM api_usage_logs WHERE requests < 0)`).Scan(&voids, &counters)
	if err != nil || voids != counters {
		t.Errorf("%d events were taken back, by %d counter-entries: %v", voids, counters, err)
	}
}

// dumpAmended adds what putting right changes. The database chooses the ids of prices and the program those of
// counter-entries: these are called after their events.
func (a *arena) dumpAmended(t testing.TB) map[string][]string {
	t.Helper()
	state := a.dumpAll(t)
	for table, without := range map[string][]string{
		"api_usage_logs":       {"recorded_at", "log_id", "event_key", "price_id"},
		"usage_voids":          {},
		"usage_reratings":      {"price_id_before", "price_id_after"},
		"api_provider_pricing": {"price_id", "replaced_by"},
		"audit_log":            {"audit_id"},
		"billing_lines":        {},
	} {
		state[table] = a.dumpTable(t, table, without)
	}
	var names []string
	a.rows(t, "SELECT event_id, counter_id FROM usage_voids", func(scan func(...any) error) error {
		var event, counter string
		err := scan(&event, &counter)
		names = append(names, counter, "counter of "+event)
		return err
	})
	known := strings.NewReplacer(names...)
	for _, lines := range state {
		for i := range lines {
			lines[i] = known.Replace(lines[i])
		}
		slices.Sort(lines)
	}
	return state
}
