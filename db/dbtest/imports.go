package dbtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func importTests() []test {
	return []test{
		{"import/a file of every kind of row", importFile},
		{"import/twice adds nothing", importTwice},
		{"import/in batches is recording one by one", importIsRecording},
		{"import/what would be refused is known all the same", importStrictAgain},
		{"import/sees what changes beside it", importBeside},
		{"import/leaves out what does not fit", importEnormous},
		{"import/the first of two users with one id counts", importOneID},
	}
}

func (f *fixture) importText(format usage.FileFormat, text string) (usage.ImportResult, string) {
	f.Helper()
	var rejects bytes.Buffer
	r, err := f.service.Import(f.ctx, now(), strings.NewReader(text),
		usage.ImportOptions{Format: format, Rejects: &rejects})
	f.must(err)
	return r, rejects.String()
}

// eventLine returns an event as a line of JSON.
func eventLine(e usage.Event) string {
	fields := map[string]any{"user_id": e.UserID, "provider": e.Provider, "model": e.Model, "vendor": e.Vendor,
		"status_code": e.StatusCode,
		"billable":    e.Billable, "error_message": e.ErrorMessage, "retry_count": e.RetryCount, "endpoint": e.Endpoint}
	if e.ID != "" {
		fields["id"] = e.ID
	}
	if !e.Time.IsZero() {
		fields["time"] = e.Time.Format(time.RFC3339Nano)
	}
	for i, n := range e.Quantities {
		fields[pricing.Quantity(i).String()] = json.Number(pricing.Quantity(i).AmountText(n))
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

// An event that is recorded stays a duplicate, or a conflict, where a new one would be
// refused.
func importStrictAgain(t *testing.T, p Place) {
	f := seeded(t, p)
	known := call("known", "alice", now(), 10, 5)
	known.Provider, known.Model = "wavespeed", "nothing"
	f.record(known)
	other := known
	other.Quantities[pricing.InputTokens]++
	fresh := known
	fresh.ID = "fresh"
	for _, c := range []struct {
		event usage.Event
		want  string
	}{{known, "1 duplicates 0 conflicts 0 rejected"}, {other, "0 duplicates 1 conflicts 0 rejected"},
		{fresh, "0 duplicates 0 conflicts 1 rejected"}} {
		r, err := f.service.Import(f.ctx, now(), strings.NewReader(eventLine(c.event)),
			usage.ImportOptions{Format: usage.JSONLines, Strict: true})
		f.must(err)
		wantEqual(t, c.event.ID, fmt.Sprintf("%d duplicates %d conflicts %d rejected", r.Duplicates, r.Conflicts, r.Rejected),
			c.want)
	}
	f.mustAgree()
}

func importFile(t *testing.T, p Place) {
	f := seeded(t, p)
	good := call("good", "alice", now(), 10, 5)
	conflict := good
	conflict.Quantities[pricing.InputTokens]++
	without := call("", "bob", now(), 1, 1)
	unpriced := call("unpriced", "bob", now(), 1, 1)
	unpriced.Provider, unpriced.Model = "wavespeed", "nothing"
	stranger := call("stranger", "bob", now(), 1, 1)
	stranger.Provider = "gemni"
	text := eventLine(good) + eventLine(good) + eventLine(conflict) + "\n{broken\n" + eventLine(without) +
		eventLine(without) +
		eventLine(unpriced) + eventLine(stranger)
	r, rejects := f.importText(usage.JSONLines, text)
	if r.Read != 8 || r.Recorded != 4 || r.Duplicates != 1 || r.Conflicts != 1 || r.Rejected != 2 || r.Unpriced != 1 {
		t.Errorf("the result is %+v", r)
	}
	wantEqual(t, "the rejects", strings.Split(rejects, "\n"),
		strings.Split(eventLine(conflict)+"{broken\n"+eventLine(stranger), "\n"))
	if len(f.logs()) != 4 {
		t.Errorf("%d log rows", len(f.logs()))
	}
	f.mustAgree()
}

func importTwice(t *testing.T, p Place) {
	f := seeded(t, p)
	var text strings.Builder
	text.WriteString("user_id,provider,model,input_tokens,time\n")
	for i := range 1_100 {
		fmt.Fprintf(&text, "user%d,gemini,gemini-2.5-flash,%d,2026-11-0%dT00:00:00Z\n", i%5, i%7, 1+i%9)
	}
	first, _ := f.importText(usage.CSV, text.String())
	if first.Recorded != 1_100 || first.Duplicates != 0 {
		t.Errorf("first: %+v", first)
	}
	second, _ := f.importText(usage.CSV, text.String())
	if second.Recorded != 0 || second.Duplicates != 1_100 {
		t.Errorf("second: %+v", second)
	}
	f.mustAgree()
}

func importIsRecording(t *testing.T, p Place) {
	f := seeded(t, p)
	other := fixture{TB: t, ctx: f.ctx, db: Memory(t).Create(t)}
	other.service = &usage.Service{Store: other.db, Thresholds: f.service.Thresholds}
	other.seed()
	var text strings.Builder
	for i := range 60 {
		e := call(fmt.Sprint("e", i%50), []string{"alice", "bob"}[i%2], date(2026, 11, 1+i%20), int64(1000*(i%50)), 5)
		e.StatusCode = []int{200, 200, 200, 500}[i%4]
		text.WriteString(eventLine(e))
		_, _ = other.service.Record(f.ctx, now(), e, usage.RecordOptions{}) // a conflict of some is meant
	}
	f.importText(usage.JSONLines, text.String())
	for i := range 2 {
		wantEqual(t, "the alerts", f.alerts([]string{"alice", "bob"}[i], false),
			other.alerts([]string{"alice", "bob"}[i], false))
	}
	got, want := f.logs(), other.logs()
	for i := range want { // the ids of plans and prices are the databases' own
		want[i].PlanID, want[i].PriceID = got[i].PlanID, got[i].PriceID
	}
	wantEqual(t, "the log", got, want)
	f.mustAgree()
}

// importOneID imports ids that two users have, near one another and far apart, where other batches are under way: the
// first in the file counts always, and the later ones are conflicts.
func importOneID(t *testing.T, p Place) {
	f := seeded(t, p)
	var text strings.Builder
	const ids = 3_000
	want := map[string]string{}
	for i := range 3 * ids {
		id, user := fmt.Sprint("e", i%ids), fmt.Sprint("user", i%7)
		if i >= ids {
			user = fmt.Sprint("other", i%5)
		} else {
			want[id] = user
		}
		text.WriteString(eventLine(call(id, user, now(), 1, 1)))
		if near := fmt.Sprint("near", i/2); i%2 == 0 {
			want[near] = user
			text.WriteString(eventLine(call(near, user, now(), 1, 1)) + eventLine(call(near, "x"+user, now(), 1, 1)))
		}
	}
	r, _ := f.importText(usage.JSONLines, text.String())
	wantEqual(t, "recorded", r.Recorded, int64(len(want)))
	wantEqual(t, "conflicts", r.Conflicts, int64(2*ids+3*ids/2))
	got := map[string]string{}
	for _, e := range f.logs() {
		got[e.ID] = e.UserID
	}
	wantEqual(t, "whose they are", got, want)
	f.mustAgree()
}
