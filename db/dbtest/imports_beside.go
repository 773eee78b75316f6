package dbtest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// importBeside changes a subscription through the same handle while an import waits for
// the rest of its file: what the import has read of the user before is not used again.
func importBeside(t *testing.T, p Place) {
	f := seeded(t, p)
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := f.service.Import(f.ctx, now(), reader, usage.ImportOptions{Format: usage.JSONLines})
		ended <- err
	}()
	const rows = 5_000 // a batch
	for i := range rows {
		_, err := io.WriteString(writer, eventLine(call(fmt.Sprint("before", i), "alice", date(2026, 11, 20), 1, 0)))
		f.must(err)
	}
	for f.count("api_usage_logs") < rows {
		f.must(f.ctx.Err())
	}
	f.subscribe("alice", "Pro", date(2026, 11, 10), now())
	f.must(f.addPrice("gemini", "gemini-2.5-flash", date(2026, 11, 19), 7, 7, 7))
	_, err := io.WriteString(writer, eventLine(call("after", "alice", date(2026, 11, 20), 1, 0)))
	f.must(err)
	f.must(writer.Close())
	f.must(<-ended)
	f.mustAgree()
	for _, e := range f.logs() {
		if !e.PeriodStart.Equal(date(2026, 11, 10)) || e.PlanID != f.plan("Pro").ID {
			t.Fatalf("%s stands in the period from %s with the plan %d", e.ID, e.PeriodStart, e.PlanID)
		}
		if e.ID == "after" && e.Cost != 14 {
			t.Errorf("it cost %s", e.Cost)
		}
	}
}

// importEnormous imports a row that does not fit among many that do: it alone is left
// out.
func importEnormous(t *testing.T, p Place) {
	f := seeded(t, p)
	full := call("full", "alice", now(), 1, 0)
	full.Quantities[pricing.Characters] = pricing.MaxQuantity
	f.record(full)
	f.exec("UPDATE usage_summaries SET characters = 9223372036854775000")
	var text strings.Builder
	for i := range 20 {
		text.WriteString(eventLine(call(fmt.Sprint("e", i), []string{"alice", "bob"}[i%2], now(), int64(1+i*i), 0)))
	}
	full.ID = "too much"
	text.WriteString(eventLine(full))
	r, rejects := f.importText(usage.JSONLines, text.String())
	if r.Recorded != 20 || r.Rejected != 1 || !strings.Contains(rejects, "too much") {
		t.Errorf("%+v, rejects %q", r, rejects)
	}
	var cost int64
	f.must(f.place.SQL.QueryRow("SELECT CAST(SUM(cost_pico) AS BIGINT) FROM api_usage_logs WHERE event_id LIKE 'e%'").
		Scan(&cost))
	if logged := pricing.TotalOf(pricing.USD(cost)); r.Cost.String() != logged.String() || cost == 0 {
		t.Errorf("the result says %s, the log %s", r.Cost, logged)
	}
}
