package usage

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// checkEvent checks what holds for every event that was read without an error.
func checkEvent(t *testing.T, e Event) {
	t.Helper()
	if e.Normalise() != e {
		t.Errorf("it is not normalised: %+v", e)
	}
	if e.StatusCode < 0 || e.Quantities[pricing.Requests] < 0 || e.Time.Location() != time.UTC {
		t.Errorf("it has impossible values: %+v", e)
	}
	if e.ID == "" {
		e.ID = "id"
	}
	if e.Validate() == nil && (!utf8.ValidString(e.UserID) || strings.ContainsRune(e.ErrorMessage, 0)) {
		t.Errorf("it is valid and can't be stored: %+v", e)
	}
}

// printed returns an event as the log's export has it: as a line of JSON, and as a CSV file.
func printed(t testing.TB, e Event) (jsonLine, csvFile string) {
	t.Helper()
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.Format(time.RFC3339Nano)
	}
	names := []string{"id", "user_id", "provider", "model", "vendor", "time", "endpoint", "method", "status_code",
		"response_time_ms", "error_message", "retry_count", "billable"}
	values := []string{e.ID, e.UserID, e.Provider, e.Model, e.Vendor, at, e.Endpoint, e.Method, strconv.Itoa(e.StatusCode),
		strconv.FormatInt(e.ResponseTimeMS, 10), e.ErrorMessage, strconv.FormatInt(e.RetryCount, 10),
		strconv.FormatBool(e.Billable)}
	for i, n := range e.Quantities {
		names, values = append(names, pricing.Quantity(i).String()), append(values, pricing.Quantity(i).AmountText(n))
	}
	if e.Reported.Given {
		names, values = append(names, "reported_cost"), append(values, e.Reported.USD.String())
	}
	names, values = append(names, "service_tier"), append(values, e.ServiceTier)
	fields := map[string]string{}
	for i, name := range names {
		fields[name] = values[i]
		values[i] = ProtectCell(values[i])
	}
	line, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	if err := w.WriteAll([][]string{names, values}); err != nil {
		t.Fatal(err)
	}
	return string(line), text.String()
}

// checkReturns checks that a valid event comes back from what it is printed as.
func checkReturns(t *testing.T, e Event) {
	t.Helper()
	if e.ID == "" {
		e.ID = "id"
	}
	if e.Validate() != nil {
		return
	}
	line, file := printed(t, e)
	rows, err := readCSV(t, file)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(rows, readJSONLines(t, line)...) {
		if r.err != nil || r.event != e {
			t.Errorf("%+v is printed as\n%s\n%s\nand comes back as %+v, %v", e, line, file, r.event, r.err)
		}
	}
	if len(rows) != 1 {
		t.Errorf("%+v is printed as %d rows:\n%s", e, len(rows), file)
	}
}

// checkReason checks the failure of what can't be read: it is an invalid one, short, and says what of the input is
// meant.
func checkReason(t *testing.T, err error, meant string) {
	t.Helper()
	if text := err.Error(); !failure.Is(err, failure.Invalid) || !utf8.ValidString(text) || len(text) > 1_000 ||
		!strings.Contains(text, meant) {
		t.Errorf("the reason is %q (%s); want %q in it", text, failure.CodeOf(err), meant)
	}
}

// FuzzJSONLines: every line that is not blank is one row, with its bytes, and is an event or has a reason.
func FuzzJSONLines(f *testing.F) {
	for _, text := range []string{
		`{"id":"e1","user_id":"alice","provider":"gemini","input_tokens":15,"time":"2026-11-23T10:00:00Z"}`, "{}\n{}",
		`{"a":1e999}`, `{"user_id":"\ud800"}`,
		"{\"response_time\":\"1.5\"}\r\n\xff", `{"id":"a","id":"b"}`, `{"user_id":{"a":[null]}}`, "\xef\xbb\xbf{}", `null`,
		`{"requests":"1500.0","billable":"TRUE"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := 0
		for _, line := range strings.Split(strings.TrimPrefix(text, "\xef\xbb\xbf"), "\n") {
			if len(bytes.TrimSpace([]byte(line))) > 0 {
				lines++
			}
		}
		rows := readJSONLines(t, text)
		if len(rows) != lines {
			t.Errorf("%d rows of %d lines", len(rows), lines)
		}
		for _, r := range rows {
			if !strings.Contains(text, string(r.raw)) {
				t.Errorf("the raw row %q is not of the file", r.raw)
			}
			if r.err == nil {
				checkEvent(t, r.event)
				checkReturns(t, r.event)
				if !json.Valid(r.raw) {
					t.Errorf("%q was read and is no JSON", r.raw)
				}
			} else {
				checkReason(t, r.err, "")
			}
		}
	})
}

// FuzzCSV: nothing of a file is lost: each row has the bytes that it was made of.
func FuzzCSV(f *testing.F) {
	const header = "user_id,provider,requests,error_message\n"
	for _, text := range []string{
		"alice,gemini,1,x\n", "\"alice,gemini\nbob,gemini,2,y", "a,b,c\n", "\"a\nb\",gemini,1,\"x\"\"y\"\r\n", "a,b,1,'=1+1",
		"\"\"\"\n\"\n\"", ",,,\n\n,,,",
	} {
		f.Add(header + text)
	}
	f.Add("user_id,user_id\n")
	f.Add("user,provider,errorA\xbe")
	f.Add("\"user_id\nx\",provider\n")
	f.Fuzz(func(t *testing.T, text string) {
		reader := newCSVReader(newLineReader(strings.NewReader(text), io.Discard), newEventReader())
		if err := reader.readHeader(); err != nil {
			checkReason(t, err, "")
			return
		}
		kept := len(reader.raw)
		for _, r := range readRows(t, reader) {
			kept += len(r.raw)
			if r.err == nil {
				checkEvent(t, r.event)
				checkReturns(t, r.event)
			} else {
				checkReason(t, r.err, "")
			}
		}
		// Only line breaks, blank lines and the byte order mark are left out.
		if blank := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, " ") +
			strings.Count(text, "\t") + 3; kept > len(text) || kept+blank < len(text)-countBlank(text) {
			t.Errorf("%d bytes of %d are kept", kept, len(text))
		}
	})
}

func countBlank(text string) int {
	n := 0
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			n += len(line)
		}
	}
	return n
}

// FuzzParseTime: what was read is between 1970 and 8999, in UTC and whole microseconds, and comes back from its own
// text.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2026-11-23T10:00:00Z", "2026-11-23", "2026-11-23 10:00:00.123456+05:30",
		"9999-12-31T23:59:59.999999999-12:00", "1970-01-01T00:00:00+00:01",
		"2026-11-23T10:00", "2026-02-30", "2026-11-23T10:00:00,5Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if month, err := plan.ParseMonth(text); err == nil && month.String() != text {
			t.Errorf("the month %q is %s", text, month)
		}
		got, err := ParseTime("time", text)
		if err != nil {
			checkReason(t, err, "time is ")
			if shown := failure.Shorten(text); !strings.Contains(err.Error(), strings.TrimSpace(text)) &&
				!strings.Contains(err.Error(), strconv.Quote(shown)) {
				t.Errorf("%q does not name %q", err, shown)
			}
			return
		}
		if !plan.ValidTime(got) || got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
			t.Errorf("%q is %s", text, got)
		}
		again, err := ParseTime("time", got.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q is %s and comes back as %s, %v", text, got, again, err)
		}
	})
}

// FuzzNames: a name that an event may have comes back from every file that it is written to; one that it may not have
// is refused with its field.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"alice", "gpt-4o", "models/gemini-2.5", "=1+1", "'=x", "a\tb", " a", "č", "\xff", "",
		"a\u2028b", "null", "\ufeffa", "a\"b,c"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		good := Event{ID: "id", UserID: "alice", Provider: "gemini", StatusCode: 200}
		for _, field := range []struct {
			name string
			to   func(*Event) *string
		}{
			{"id", func(e *Event) *string { return &e.ID }}, {"user_id", func(e *Event) *string { return &e.UserID }},
			{"provider", func(e *Event) *string { return &e.Provider }}, {"model", func(e *Event) *string { return &e.Model }},
			{"vendor", func(e *Event) *string { return &e.Vendor }}, {"method", func(e *Event) *string { return &e.Method }},
		} {
			e := good
			*field.to(&e) = name
			e = e.Normalise()
			if e.Normalise() != e {
				t.Errorf("%s: %q is not normal", field.name, *field.to(&e))
			}
			if err := e.Validate(); err != nil {
				checkReason(t, err, field.name+" is ")
				continue
			}
			checkReturns(t, e)
		}
	})
}
