package dbtest

import (
	"fmt"
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

func nearTests() []test {
	return []test{
		{"near limits/from a percentage on, in the running period, the fullest first", nearLimits},
		{"near limits/of more users than are read at once", nearLimitsOfMany},
	}
}

// near returns the limits that users are near, as texts.
func (f *fixture) near(percent int) []string {
	f.Helper()
	found, err := f.service.NearLimits(f.ctx, now(), percent)
	f.must(err)
	var texts []string
	for _, n := range found {
		texts = append(texts, fmt.Sprintf("%s %s %s %s %d", n.UserID, n.PlanName, n.Period.Start.Format("2006-01-02"),
			n.Limit.Name, n.Used))
	}
	return texts
}

func nearLimits(t *testing.T, p Place) {
	f := seeded(t, p)
	wantEqual(t, "of nobody", f.near(0), nil)
	f.subscribe("zoë", "Pro", date(2026, 11, 20), date(2026, 11, 20))
	f.recordTimes(8, "alice") // 10 calls of text, 8 of gemini
	f.recordTimes(7, "bob")
	f.recordTimes(20, "zoë") // of 25
	e := call("", "carol", date(2026, 10, 31), 1, 1)
	e.Quantities[0] = 9 // last month's are over
	f.record(e)
	wantEqual(t, "from 80 percent on", f.near(80), []string{
		"alice Free 2026-11-01 gemini_calls 8", "bob Free 2026-11-01 gemini_calls 7", "alice Free 2026-11-01 text_calls 8",
		"zoë Pro 2026-11-20 text_calls 20"})
	wantEqual(t, "from 81 percent on", f.near(81),
		[]string{"alice Free 2026-11-01 gemini_calls 8", "bob Free 2026-11-01 gemini_calls 7"})
}

func nearLimitsOfMany(t *testing.T, p Place) {
	f := seeded(t, p)
	users := make([]string, 1100)
	for i := range users {
		users[i] = fmt.Sprintf("user-%04d", i)
	}
	f.must(f.db.Update(f.ctx, users, now(), func(usage.Tx) error { return nil }))
	for _, i := range []int{3, 520, 1099} {
		f.recordTimes(8, users[i])
	}
	if near := f.near(100); len(near) != 3 {
		t.Errorf("near a limit: %v", near)
	}
}

// recordTimes records so many calls of a user at once.
func (f *fixture) recordTimes(calls int64, user string) {
	f.Helper()
	e := call("", user, now(), 1, 1)
	e.Quantities[0] = calls
	f.record(e)
}
