package dbtest

import (
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func notificationTests() []test {
	return []test{
		{"notifications/one for each new alert, with it or not at all", notificationsOfAlerts},
		{"notifications/none for an alert that was there before", notificationsOfOldAlerts},
		{"notifications/one for a price that is missing, a month", notificationsOfPrices},
		{"notifications/one for an import that left out rows", notificationsOfImports},
	}
}

// notifications returns the messages of the outbox as kind and key, in the order of their keys.
// After it none waits to be expanded.
func (f *fixture) notifications() []string {
	f.Helper()
	_, err := f.db.Expand(f.ctx, now().AddDate(1, 0, 0), 1000, func(notify.Message) []notify.Delivery { return nil })
	f.must(err)
	rows, err := f.place.SQL.Query("SELECT kind || ' ' || message_key FROM outbox ORDER BY message_key")
	f.must(err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		f.must(rows.Scan(&text))
		found = append(found, text)
	}
	f.must(rows.Err())
	return found
}

func notificationsOfAlerts(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, requests := range []int64{3, 5, 1, 1, 1} { // of a limit of 10 calls, and one of 8 that warns
		e := call("e"+string(rune('0'+i)), "alice", now(), 1, 1)
		e.Quantities[pricing.Requests] = requests
		f.record(e)
	}
	start := "2026-11-01T00:00:00Z"
	want := []string{
		"limit_reached alert:" + start + ":100:gemini_calls:alice", "limit_reached alert:" + start + ":100:text_calls:alice",
		"threshold_reached alert:" + start + ":80:text_calls:alice",
		"threshold_reached alert:" + start + ":90:text_calls:alice",
	}
	wantEqual(t, "notifications", f.notifications(), want)
	if _, err := f.service.CheckAlerts(f.ctx, now(), []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "notifications after a check", f.notifications(), want)
	// What is refused leaves nothing.
	e := call("refused", "bob", now(), 1, 1)
	e.Quantities[pricing.Requests] = 11
	if _, err := f.service.Record(f.ctx, now(), e, usage.RecordOptions{Enforce: true}); err == nil {
		t.Error("the call was not refused")
	}
	wantEqual(t, "notifications after a refusal", f.notifications(), want)
}

func notificationsOfOldAlerts(t *testing.T, p Place) {
	f := seeded(t, p)
	e := call("e", "alice", now(), 1, 1)
	e.Quantities[pricing.Requests] = 9
	f.record(e)
	if n := len(f.notifications()); n != 2 {
		t.Fatalf("there are %d notifications", n)
	}
	f.exec("DELETE FROM outbox") // as if the alerts were from before there was one
	added, err := f.service.CheckAlerts(f.ctx, now(), []string{"alice"})
	f.must(err)
	if found := f.notifications(); added != 0 || len(found) != 0 {
		t.Errorf("%d alerts are new, with notifications %v", added, found)
	}
}

func notificationsOfPrices(t *testing.T, p Place) {
	f := seeded(t, p)
	unpriced := func(id, model string, at time.Time, status int) {
		e := usage.Event{ID: id, UserID: "alice", Provider: "mistral", Model: model, Time: at, StatusCode: status}
		e.Quantities[pricing.Requests] = 1
		_, err := f.service.Record(f.ctx, at, e, usage.RecordOptions{})
		f.must(err)
	}
	unpriced("1", "large", now(), 200)
	unpriced("2", "large", now().Add(time.Hour), 200)
	unpriced("3", "large", now().AddDate(0, 1, 0), 200)
	unpriced("4", "broken", now(), 500) // costs nothing anyway
	unpriced("5", "", now(), 200)
	wantEqual(t, "notifications", f.notifications(), []string{"price_missing price:2026-11:mistral:",
		"price_missing price:2026-11:mistral:large", "price_missing price:2026-12:mistral:large"})
}

func notificationsOfImports(t *testing.T, p Place) {
	f := seeded(t, p)
	var file strings.Builder
	for range 3 {
		for _, model := range []string{"one", "two", "three"} {
			file.WriteString(`{"user_id":"u` + model + `","provider":"mistral","model":"` + model + `","time":"2026-11-20"}` +
				"\n")
		}
	}
	run := func(text string) usage.ImportResult {
		result, err := f.service.Import(f.ctx, now(), strings.NewReader(text),
			usage.ImportOptions{Format: usage.JSONLines, Name: "calls.jsonl"})
		f.must(err)
		return result
	}
	if r := run(file.String()); r.Unpriced != 9 || r.Rejected != 0 {
		t.Fatalf("imported: %+v", r)
	}
	wantEqual(t, "notifications", f.notifications(), []string{"price_missing price:2026-11:mistral:one",
		"price_missing price:2026-11:mistral:three", "price_missing price:2026-11:mistral:two"})
	run(file.String() + `{"user_id":"","provider":"mistral","time":"2026-11-20"}` + "\n")
	if n := f.count("outbox"); n != 4 {
		t.Errorf("there are %d notifications, want one more", n)
	}
	var told notify.Message
	_, err := f.db.Expand(f.ctx, now(), 10, func(m notify.Message) []notify.Delivery {
		if m.Kind == usage.ImportRejected {
			told = m
		}
		return nil
	})
	f.must(err)
	wantEqual(t, "what is told", told.Data, map[string]string{"file": "calls.jsonl", "read": "10", "rejected": "1",
		"conflicts": "0",
		"reason":    "line 10: user_id is empty: it must be given"})
}
