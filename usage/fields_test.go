package usage

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment.UTC()
	}
	for text, want := range map[string]string{
		"2026-11-23T10:00:00Z":             "2026-11-23T10:00:00Z",
		"2026-11-23T10:00:00+05:30":        "2026-11-23T04:30:00Z",
		"2026-11-23T10:00:00.123456Z":      "2026-11-23T10:00:00.123456Z",
		"2026-11-23T10:00:00.123456999Z":   "2026-11-23T10:00:00.123456Z",
		"2026-11-23":                       "2026-11-23T00:00:00Z",
		"2026-11-23T10:00:00":              "2026-11-23T10:00:00Z",
		"2026-11-23 10:00:00":              "2026-11-23T10:00:00Z",
		"2026-11-23 10:00:00.5":            "2026-11-23T10:00:00.5Z",
		"2026-11-23 10:00:00+00":           "2026-11-23T10:00:00Z",
		"2026-11-23 10:00:00.123456+05:30": "2026-11-23T04:30:00.123456Z",
		"2026-11-23T10:00":                 "2026-11-23T10:00:00Z",
		"2026-11-23 10:00":                 "2026-11-23T10:00:00Z",
		" 2026-11-23\n":                    "2026-11-23T00:00:00Z",
		"2024-02-29":                       "2024-02-29T00:00:00Z",
		"1970-01-01T00:00:00Z":             "1970-01-01T00:00:00Z",
		"8999-12-31T23:59:59.999999999Z":   "8999-12-31T23:59:59.999999Z",
		"1969-12-31T23:00:00-05:00":        "1970-01-01T04:00:00Z",
	} {
		if got, err := ParseTime("time", text); err != nil || !got.Equal(at(want)) || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "now", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-31", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T23:59:60Z",
		"23.11.2026", "11/23/2026", "1763892000", "2026-11-23T10:00:00ZZ", "2026-11-23T10:00:00+99:00", "1969-12-31", "9000-01-01", "10000-01-01",
		"1970-01-01T00:00:00+01:00", "0000-00-00", "-2026-11-23", "2026-11-23T10:00:00 Europe/Berlin", strings.Repeat("2", 10_000),
	} {
		if got, err := ParseTime("from", text); err == nil {
			t.Errorf("ParseTime(%q) = %s", text, got)
		} else if !strings.HasPrefix(err.Error(), "from is ") || len(err.Error()) > 300 {
			t.Errorf("ParseTime(%q) says %s", text, err)
		}
	}
}

func TestSecondsToMilliseconds(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "1": "1000", "1.5": "1500", "0.0004": "0", "0.0005": "1", "0.0015": "2", ".25": "250", "2.": "2000", " 3 ": "3000", "+1": "1000",
		"017": "17000", "123456789.123456789": "123456789123",
	} {
		if got, err := secondsToMS(text); err != nil || got != want {
			t.Errorf("secondsToMS(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "x", "1/3", "1e3", "1E999999", "0x10", "0b11", "0o17", "1_000", "NaN", "Inf", "1,5", "1.2.3", strings.Repeat("9", 41)} {
		if got, err := secondsToMS(text); err == nil {
			t.Errorf("secondsToMS(%q) = %q", text, got)
		}
	}
}

// readFields makes an event of names and texts in their order.
func readFields(pairs ...string) (Event, error) {
	return newEventReader().event(func(yield func(name, text string) error) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := yield(pairs[i], pairs[i+1]); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestEventFields(t *testing.T) {
	plain, err := readFields("user_id", "alice", "provider", "gemini")
	if err != nil || plain.StatusCode != 200 || plain.Quantities[0] != 1 || !plain.Time.IsZero() || plain.ID != "" {
		t.Errorf("the defaults are %+v, %v", plain, err)
	}
	full, err := readFields("id", "e1", "user_id", "alice", "provider", "Gemini", "model", "M", "vendor", "Google", "time", "2026-11-23", "requests", "0",
		"input_tokens", "1", "output_tokens", "2.0", "cached_input_tokens", "1", "images", "4", "searches", "5", "pages", "6", "characters", "7", "seconds", "8",
		"endpoint", "/x", "method", "post", "status_code", "404", "response_time_ms", "9", "error_message", "m", "retry_count", "10", "billable", "True")
	want := Event{ID: "e1", UserID: "alice", Provider: "gemini", Model: "M", Vendor: "google", Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Quantities: [9]int64{0, 1, 2, 1, 4, 5, 6, 7, 8}, Endpoint: "/x", Method: "POST", StatusCode: 404, ResponseTimeMS: 9, ErrorMessage: "m", RetryCount: 10, Billable: true}
	if err != nil || full != want {
		t.Errorf("got  %+v, %v\nwant %+v", full, err, want)
	}
	aliased, err := readFields("tokens_input", "1", "tokens_output", "2", "model_used", "M", "timestamp", "2026-11-23", "response_time", "1.5",
		"search_count", "5", "image_count", "4", "page_count", "6")
	want = Event{Model: "M", Time: want.Time, Quantities: [9]int64{1, 1, 2, 0, 4, 5, 6}, StatusCode: 200, ResponseTimeMS: 1500}
	if err != nil || aliased != want {
		t.Errorf("got  %+v, %v\nwant %+v", aliased, err, want)
	}
}

func TestEventFieldsThatAreNone(t *testing.T) {
	for says, pairs := range map[string][]string{
		`requests is "-1"`:                        {"requests", "-1"},
		`requests is "1.5"`:                       {"requests", "1.5"},
		`input_tokens is "1e3"`:                   {"tokens_input", "1e3"},
		`images is "NaN"`:                         {"images", "NaN"},
		`seconds is "99999999999999999999"`:       {"seconds", "99999999999999999999"},
		`status_code is "OK"`:                     {"status_code", "OK"},
		`billable is "perhaps"`:                   {"billable", "perhaps"},
		`time is "yesterday"`:                     {"timestamp", "yesterday"},
		`response_time is "fast"`:                 {"response_time", "fast"},
		`model is given twice, as "a" and as "b"`: {"model", "a", "model_used", "b"},
		`response_time_ms is given twice`:         {"response_time_ms", "2", "response_time", "1"},
	} {
		if _, err := readFields(pairs...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", pairs, err, says)
		}
	}
	if _, err := readFields("model", "a", "model_used", "a", "response_time_ms", "1000", "response_time", "1", "images", ""); err != nil {
		t.Errorf("the same twice: %s", err)
	}
	reader := newEventReader()
	for range 2 {
		if _, err := reader.event(func(yield func(name, text string) error) error {
			for _, name := range []string{"surprise", "cost", "plan", "empty"} {
				if err := yield(name, strings.TrimPrefix(name, "empty")); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(reader.unread) != 1 || reader.unread["surprise"] != 2 {
		t.Errorf("unread are %v", reader.unread)
	}
}
