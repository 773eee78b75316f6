package usage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// readFields makes an event of names and texts in their order.
func readFields(pairs ...string) (Event, error) {
	reader := newEventReader()
	return reader.event(cellsOf(reader, pairs...))
}

func cellsOf(reader *eventReader, pairs ...string) []cell {
	var cells []cell
	for pair := range slices.Chunk(pairs, 2) {
		cells = append(cells, cell{column: reader.column([]byte(pair[0])), text: []byte(pair[1])})
	}
	return cells
}

func TestEventFields(t *testing.T) {
	plain, err := readFields("user_id", "alice", "provider", "gemini")
	if err != nil || plain.StatusCode != 200 || plain.Quantities[0] != 1 || !plain.Time.IsZero() || plain.ID != "" {
		t.Errorf("the defaults are %+v, %v", plain, err)
	}
	full, err := readFields("id", "e1", "user_id", "alice", "provider", "Gemini", "model", "M", "vendor", "Google", "time",
		"2026-11-23", "requests", "0",
		"input_tokens", "1", "output_tokens", "2.0", "cached_input_tokens", "1", "images", "4", "searches", "5", "pages", "6",
		"characters", "7", "seconds", "8.25", "reasoning_tokens", "2", "service_tier", "Batch", "reported_cost", "0.5",
		"currency", "usd",
		"endpoint", "/x", "method", "post", "status_code", "404", "response_time_ms", "9", "error_message", "m",
		"retry_count", "10", "billable", "True")
	want := Event{ID: "e1", UserID: "alice", Provider: "gemini", Model: "M", Vendor: "google",
		Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Quantities: pricing.Quantities{pricing.InputTokens: 1, pricing.OutputTokens: 2, pricing.CachedInputTokens: 1,
			pricing.ReasoningTokens: 2, pricing.Images: 4, pricing.Searches: 5, pricing.Pages: 6, pricing.Characters: 7,
			pricing.Seconds: 8250},
		ServiceTier: "batch", Reported: pricing.ReportedCost{USD: pricing.Dollar / 2, Given: true},
		Endpoint: "/x", Method: "POST", StatusCode: 404, ResponseTimeMS: 9,
		ErrorMessage: "m", RetryCount: 10, Billable: true}
	if err != nil || full != want {
		t.Errorf("got  %+v, %v\nwant %+v", full, err, want)
	}
	aliased, err := readFields("tokens_input", "1", "tokens_output", "2", "model_used", "M", "timestamp", "2026-11-23",
		"response_time", "1.5",
		"search_count", "5", "image_count", "4", "page_count", "6")
	want = Event{Model: "M", Time: want.Time, Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1,
		pricing.OutputTokens: 2, pricing.Images: 4, pricing.Searches: 5, pricing.Pages: 6}, StatusCode: 200,
		ResponseTimeMS: 1500}
	if err != nil || aliased != want {
		t.Errorf("got  %+v, %v\nwant %+v", aliased, err, want)
	}
}

func TestEventFieldsThatAreNone(t *testing.T) {
	for says, pairs := range map[string][]string{
		`requests is "-1"`:                        {"requests", "-1"},
		`seconds is "1.2345"`:                     {"seconds", "1.2345"},
		`currency is "EUR"`:                       {"reported_cost", "1", "currency", "EUR"},
		`reported_cost: "0.1234567890123" has`:    {"reported_cost", "0.1234567890123"},
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
	if _, err := readFields("model", "a", "model_used", "a", "response_time_ms", "1000", "response_time", "1", "images",
		""); err != nil {
		t.Errorf("the same twice: %s", err)
	}
	reader := newEventReader()
	for range 2 {
		if _, err := reader.event(cellsOf(reader,
			"Surprise", "x", "cost", "1", "pricing", "exact", "plan", "free", "empty", "")); err != nil {
			t.Fatal(err)
		}
	}
	if len(reader.unread) != 1 || reader.unread["Surprise"] != 2 {
		t.Errorf("unread are %v", reader.unread)
	}
}

// Names that no file should have are not remembered without end.
func TestManyUnreadFields(t *testing.T) {
	reader := newEventReader()
	for i := range 2 * mostNames {
		name := fmt.Sprint("Surprise", i)
		for range 2 {
			if _, err := reader.event(cellsOf(reader, "user_id", "u", name, "x")); err != nil || reader.unread[name] == 0 {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := reader.unread[name]; n != 2 {
			t.Fatalf("%s is counted %d times", name, n)
		}
	}
	if kept := len(reader.tree.root.children); kept > 3*mostNames {
		t.Errorf("%d names are kept", kept)
	}
}

func TestParseCount(t *testing.T) {
	for _, text := range []string{"", "0", "7", "007", "-0", "-1", "+1", " 7 ", "1.0", "1.5", "1e3", "999999999999999",
		"1000000000000000", "1000000000000001", "99999999999999999999", "１", "x"} {
		want, wantErr := pricing.ParseQuantity("images", text)
		got, err := parseCount("images", []byte(text))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("parseCount(%q) = %d, %v; want %d, %v", text, got, err, want, wantErr)
		}
	}
}
