package usage_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/usage"
)

func TestProtectCell(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"alice":       "alice",
		"a=1":         "a=1",
		"=1+1":        "'=1+1",
		"+49":         "'+49",
		"-5":          "'-5",
		"@SUM(A1)":    "'@SUM(A1)",
		"\t=1":        "'\t=1",
		"\r=1":        "'\r=1",
		"'":           "'",
		"'tis":        "'tis",
		"'=1":         "''=1",
		"''":          "'''",
		"'''quoted''": "''''quoted''",
		"-":           "'-",
	} {
		if got := usage.ProtectCell(text); got != want {
			t.Errorf("ProtectCell(%q) = %q, want %q", text, got, want)
		}
		if got := usage.UnprotectCell(want); got != text {
			t.Errorf("UnprotectCell(%q) = %q, want %q", want, got, text)
		}
	}
}

// Every text comes back as it was, and none is left that a spreadsheet runs.
func TestProtectCellRoundTrip(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[='+\-@\t\r ab]{0,6}`))
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		protected := usage.ProtectCell(text)
		if got := usage.UnprotectCell(protected); got != text {
			t.Fatalf("%q became %q and came back as %q", text, protected, got)
		}
		if protected != "" && strings.ContainsRune("=+-@\t\r", rune(protected[0])) {
			t.Fatalf("%q is a formula still: %q", text, protected)
		}
	})
}
