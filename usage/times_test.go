package usage

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The short cut for the field time is none in what it says.
func TestParseTimeBytes(t *testing.T) {
	for _, text := range []string{
		"2026-11-23T10:00:00Z", "2026-11-23T10:00:00.123456999Z", "2026-11-23T10:00:00,5Z", "2026-11-23T9:00:00Z",
		"2026-11-23T24:00:00Z", "2026-02-29T10:00:00Z",
		"2026-11-23T10:00:00+05:30", "2026-11-23 10:00:00Z", "1969-12-31T23:59:59Z", "9000-01-01T00:00:00Z",
		"8999-12-31T23:59:59.999999999Z", "2026-11-23T10:00Z", " 2026-11-23T10:00:00Z ", "Z", "", "now",
	} {
		want, wantErr := ParseTime("time", text)
		got, err := parseTimeBytes([]byte(text))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%q: %s, %v; want %s, %v", text, got, err, want, wantErr)
		}
	}
}

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
		"", "now", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-31", "2026-11-23T24:00:00Z",
		"2026-11-23T10:60:00Z", "2026-11-23T23:59:60Z",
		"23.11.2026", "11/23/2026", "1763892000", "2026-11-23T10:00:00ZZ", "2026-11-23T10:00:00+99:00", "1969-12-31",
		"9000-01-01", "10000-01-01",
		"1970-01-01T00:00:00+01:00", "0000-00-00", "-2026-11-23", "2026-11-23T10:00:00 Europe/Berlin",
		strings.Repeat("2", 10_000),
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
		"0": "0", "1": "1000", "1.5": "1500", "0.0004": "0", "0.0005": "1", "0.0015": "2", ".25": "250", "2.": "2000",
		" 3 ": "3000", "+1": "1000",
		"017": "17000", "123456789.123456789": "123456789123",
	} {
		if got, err := secondsToMS(text); err != nil || got != want {
			t.Errorf("secondsToMS(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"-1", "x", "1/3", "1e3", "1E999999", "0x10", "0b11", "0o17", "1_000", "NaN", "Inf",
		"1,5", "1.2.3", "", ".", "+", "++1", "1+", "1.2+", "9223372036854775.8080", strings.Repeat("9", 41)} {
		if got, err := secondsToMS(text); err == nil {
			t.Errorf("secondsToMS(%q) = %q", text, got)
		}
	}
}

// The digits are those of exact arithmetic.
func TestSecondsToMillisecondsIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`\+?[0-9]{0,12}(\.[0-9]{0,8})?`).Draw(rt, "text")
		seconds, ok := new(big.Rat).SetString(text)
		got, err := secondsToMS(text)
		if !ok || err != nil {
			if ok != (err == nil) {
				rt.Fatalf("secondsToMS(%q) = %s, %v", text, got, err)
			}
			return
		}
		doubled := seconds.Mul(seconds, big.NewRat(2000, 1)) // half up: (2x+1)/2
		want := new(big.Int).Quo(doubled.Num(), doubled.Denom())
		if want.Add(want, big.NewInt(1)).Rsh(want, 1); got != want.String() {
			rt.Fatalf("secondsToMS(%q) = %s, want %s", text, got, want)
		}
	})
}

// What ParseTime passes over for its shape has no moment in it.
func TestSameShape(t *testing.T) {
	layouts := []string{
		time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05Z07",
		"2006-01-02T15:04:05Z07", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
	}
	texts := rapid.StringMatching(`[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}` +
		`([T  ]{0,2}[0-9]{1,3}:[0-9]{1,2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:[0-9]{2})?)?)?`)
	rapid.Check(t, func(rt *rapid.T) {
		text := texts.Draw(rt, "text")
		for _, layout := range layouts {
			if _, err := time.Parse(layout, text); err == nil && !sameShape(text, layout) {
				rt.Fatalf("%q is a moment by %q", text, layout)
			}
		}
	})
}
