package failure_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
)

func TestUnknownNameAmongNone(t *testing.T) {
	if err := failure.UnknownName(failure.NotFound, "plan", "x", nil); err.Code != failure.NotFound || err.Hint != "" {
		t.Errorf("got %+v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"exa", "gemini", "serper", "openai"}
	tests := map[string]string{"exb": "exa", "xyz": "", "gem": "", "semper": "serper", "OPENAI": "openai", "e": "", "": ""}
	for name, want := range tests {
		if got := failure.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
