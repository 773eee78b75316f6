package usage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func goodEvent() usage.Event {
	return usage.Event{ID: "e1", UserID: "alice", Provider: "gemini", Model: "m", Vendor: "google",
		Time:       time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200}
}

func TestValidateEvent(t *testing.T) {
	if err := goodEvent().Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*usage.Event){
		"user_id is empty":               func(e *usage.Event) { e.UserID = "" },
		"user_id is 10000 bytes":         func(e *usage.Event) { e.UserID = strings.Repeat("x", 10_000) },
		"user_id is 256 bytes":           func(e *usage.Event) { e.UserID = strings.Repeat("é", 128) },
		`user_id is "a\x00b"`:            func(e *usage.Event) { e.UserID = "a\x00b" },
		`user_id is "a\u0085b"`:          func(e *usage.Event) { e.UserID = "a\u0085b" },
		`user_id is " alice"`:            func(e *usage.Event) { e.UserID = " alice" },
		"user_id is not valid UTF-8":     func(e *usage.Event) { e.UserID = "a\xff" },
		"id is empty":                    func(e *usage.Event) { e.ID = "" },
		`id is "a\nb"`:                   func(e *usage.Event) { e.ID = "a\nb" },
		"provider is empty":              func(e *usage.Event) { e.Provider = "" },
		"model is 256":                   func(e *usage.Event) { e.Model = strings.Repeat("x", 256) },
		"vendor":                         func(e *usage.Event) { e.Vendor = "a,b" },
		"method is 256":                  func(e *usage.Event) { e.Method = strings.Repeat("x", 256) },
		"endpoint is 2049":               func(e *usage.Event) { e.Endpoint = strings.Repeat("x", 2_049) },
		"error_message is 64001":         func(e *usage.Event) { e.ErrorMessage = strings.Repeat("x", 64_001) },
		"error_message contains a NUL":   func(e *usage.Event) { e.ErrorMessage = "a\x00" },
		"error_message is not valid":     func(e *usage.Event) { e.ErrorMessage = "\xc3" },
		"time is 1969":                   func(e *usage.Event) { e.Time = time.Unix(-1, 0).UTC() },
		"time is 9000":                   func(e *usage.Event) { e.Time = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"status_code is 99":              func(e *usage.Event) { e.StatusCode = 99 },
		"status_code is 600":             func(e *usage.Event) { e.StatusCode = 600 },
		"response_time_ms is -1":         func(e *usage.Event) { e.ResponseTimeMS = -1 },
		"retry_count is -1":              func(e *usage.Event) { e.RetryCount = -1 },
		`input_tokens is "-1"`:           func(e *usage.Event) { e.Quantities[pricing.InputTokens] = -1 },
		`seconds is "1000000000000.001"`: func(e *usage.Event) { e.Quantities[pricing.Seconds] = pricing.MaxQuantity + 1 },
		"cached_input_tokens is 2":       func(e *usage.Event) { e.Quantities[pricing.CachedInputTokens] = 2 },
	} {
		e := goodEvent()
		change(&e)
		t.Run(says, func(t *testing.T) { wantFailure(t, e.Validate(), failure.Invalid, says) })
	}
}

func TestNormaliseEvent(t *testing.T) {
	e := usage.Event{Provider: "GeMini", Vendor: "Google", Model: "Keeps-Case", Method: "post",
		ErrorMessage: "a\r\nb\rc\n", Endpoint: "x\r\n",
		Time: time.Date(2026, 11, 23, 1, 0, 0, 1999, time.FixedZone("", 3600))}
	want := usage.Event{Provider: "gemini", Vendor: "google", Model: "Keeps-Case", Method: "POST",
		ErrorMessage: "a\nb\nc\n", Endpoint: "x\n",
		Time: time.Date(2026, 11, 23, 0, 0, 0, 1000, time.UTC)}
	if got := e.Normalise(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := want.Normalise(); got != want {
		t.Errorf("twice is not once: %+v", got)
	}
	if !(usage.Event{}).Normalise().Time.IsZero() {
		t.Error("no time became one")
	}
}

// A failed call counts and costs only where its event says that it is billable.
func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		status   int
		billable bool
		failed   bool
		counts   bool
	}{
		{200, false, false, true}, {399, false, false, true}, {400, false, true, false}, {599, false, true, false},
		{500, true, true, true}, {200, true, false, true},
	} {
		e := usage.Entry{Event: goodEvent(), Cost: 5, Basis: pricing.Unpriced}
		e.StatusCode, e.Billable = c.status, c.billable
		e.Quantities[pricing.Requests] = 3
		want := usage.Amounts{Errors: 3}
		if c.counts {
			want = usage.Amounts{Calls: 3, Unpriced: 3, Quantities: e.Quantities, Cost: 5}
		}
		if e.Failed() != c.failed || e.Counts() != c.counts || e.Amounts() != want {
			t.Errorf("%+v: failed %t, counts %t, %+v", c, e.Failed(), e.Counts(), e.Amounts())
		}
	}
}

func TestAmountsThatDoNotFit(t *testing.T) {
	big := usage.Amounts{Calls: 1, Quantities: pricing.Quantities{pricing.OutputTokens: 1<<63 - 2}}
	if _, err := big.Add(usage.Amounts{}); err != nil {
		t.Errorf("nothing more: %s", err)
	}
	for _, more := range []usage.Amounts{{Quantities: pricing.Quantities{pricing.OutputTokens: 2}}, {Calls: 1<<63 - 1},
		{Errors: 1<<63 - 1}} {
		_, err := big.Add(more)
		wantFailure(t, err, failure.Invalid, "too large")
	}
	_, err := usage.Amounts{Cost: 1<<63 - 1}.Add(usage.Amounts{Cost: 1})
	wantFailure(t, err, failure.Invalid, "too large")
}

func TestNewIDsAreInOrder(t *testing.T) {
	last := ""
	for range 1000 {
		id, err := usage.NewID()
		if err != nil || id <= last || usage.ValidateID(id) != nil {
			t.Fatalf("%q after %q, %v", id, last, err)
		}
		last = id
	}
}
