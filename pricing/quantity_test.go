package pricing_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

func asFailure(err error, target **failure.Error) bool { return errors.As(err, target) }

func TestParseQuantity(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-0": 0, "7": 7, " 7 ": 7, "007": 7, "1500.0": 1500,
		"1000000000000000": pricing.MaxQuantity} {
		if got, err := pricing.ParseQuantity("images", text); err != nil || got != want {
			t.Errorf("ParseQuantity(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	refused := []string{"1.000", "1500.00", "1 000", "1'000", "1.000.000", "1,000.0",
		"", " ", "-1", "+1", "1.5", "1.", ".0", ".5", "1.0.0", "1e3", "0x10", "1_000", "1,000", "NaN",
		"Inf", "1000000000000001", "9223372036854775808",
		"１", "1\x00", "seven", strings.Repeat("9", 10_000), strings.Repeat("é", 10_000)}
	for _, text := range refused {
		got, err := pricing.ParseQuantity("images", text)
		if err == nil {
			t.Errorf("ParseQuantity(%q) = %d, want a failure", text, got)
			continue
		}
		wantInvalid(t, err)
		if !strings.HasPrefix(err.Error(), `images is "`) {
			t.Errorf("%q does not name the field", err)
		}
	}
}

func TestParseSeconds(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12_000, "12.4": 12_400, "12.400": 12_400, "0.001": 1,
		" 1.5000 ": 1_500, "1000000000000": pricing.MaxQuantity, "-0": 0} {
		got, err := pricing.Seconds.Parse("seconds", text)
		if err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
		if again, err := pricing.Seconds.Parse("seconds", pricing.Seconds.AmountText(got)); err != nil || again != got {
			t.Errorf("%d comes back as %d, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "1.", ".5", "1.2345", "-1", "-0.5", "+1", "1,5", "1e3", "1.-5", "1. 5",
		"1000000000000.001", "1.0.0", strings.Repeat("9", 40)} {
		if got, err := pricing.Seconds.Parse("seconds", text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	for ms, want := range map[int64]string{0: "0", 1: "0.001", 12_400: "12.4", -5: "-0.005", -12_400: "-12.4",
		-1000: "-1"} {
		if got := pricing.Seconds.AmountText(ms); got != want {
			t.Errorf("%d is written %s, want %s", ms, got, want)
		}
	}
}

func FuzzParseQuantity(f *testing.F) {
	for _, text := range []string{"0", "1500.0", "-1", "1e3", "1000000000000001", " 7 ", "."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := pricing.ParseQuantity("pages", text)
		if err != nil {
			wantInvalid(t, err)
			if len(text) <= 40 && !strings.HasPrefix(err.Error(), "pages is "+strconv.Quote(text)) {
				t.Errorf("%q does not name %q", err, text)
			}
		} else if n < 0 || n > pricing.MaxQuantity {
			t.Errorf("ParseQuantity(%q) = %d", text, n)
		}
	})
}

func TestQuantitiesValidate(t *testing.T) {
	tests := []struct {
		name string
		used pricing.Quantities
		want string // part of the message; empty where it is valid
	}{
		{"nothing", pricing.Quantities{}, ""},
		{"all input cached", pricing.Quantities{pricing.InputTokens: 5, pricing.CachedInputTokens: 5}, ""},
		{"the most", pricing.Quantities{pricing.Seconds: pricing.MaxQuantity}, ""},
		{"negative", pricing.Quantities{pricing.Seconds: -1}, `seconds is "-0.001"`},
		{"too many", pricing.Quantities{pricing.Pages: pricing.MaxQuantity + 1}, `pages is "1000000000000001"`},
		{"more cached than input", pricing.Quantities{pricing.InputTokens: 5, pricing.CachedInputTokens: 6},
			"cached_input_tokens is 6, more than input_tokens (5)"},
		{"all input in parts", pricing.Quantities{pricing.InputTokens: 5, pricing.CachedInputTokens: 2,
			pricing.CacheWriteTokens: 3}, ""},
		{"parts more than their total", pricing.Quantities{pricing.OutputTokens: 5, pricing.AudioOutputTokens: 2,
			pricing.ReasoningTokens: 4},
			"audio_output_tokens and reasoning_tokens are 6 together, more than output_tokens (5): " +
				"output_tokens includes them all"},
		{"too many seconds", pricing.Quantities{pricing.Seconds: pricing.MaxQuantity + 1}, `seconds is "1000000000000.001"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.used.Validate()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantInvalid(t, err)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestQuantityNames(t *testing.T) {
	want := "requests input_tokens output_tokens cached_input_tokens cache_write_tokens cache_write_1h_tokens " +
		"audio_input_tokens image_input_tokens audio_output_tokens reasoning_tokens images searches pages characters seconds"
	var names, units []string
	for q := range pricing.QuantityCount {
		names, units = append(names, q.String()), append(units, q.Unit())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s", got)
	}
	if got, want := strings.Join(units, " "), "request input_token output_token cached_input_token "+
		"cache_write_token cache_write_1h_token audio_input_token image_input_token audio_output_token reasoning_token "+
		"image search page character second"; got != want {
		t.Errorf("got %s", got)
	}
	if got := (pricing.Quantities{pricing.InputTokens: 2, pricing.OutputTokens: 3,
		pricing.CachedInputTokens: 1}).Tokens(); got != 5 {
		t.Errorf("tokens are %d, want 5: the input includes the cached ones", got)
	}
}
