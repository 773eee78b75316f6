package failure

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/dustin/go-humanize"
)

// UnknownName makes the failure for a name that is not among the known ones. Its hint suggests the nearest of them, or
// else lists them all.
func UnknownName(code Code, kind, name string, known []string) *Error {
	err := New(code, "there is no %s %q", kind, Shorten(name))
	if nearest := Nearest(name, known); nearest != "" {
		return err.WithHint("did you mean %s?", nearest)
	}
	if len(known) == 0 {
		return err
	}
	return err.WithHint("known are: %s", strings.Join(slices.Sorted(slices.Values(known)), ", "))
}

// Nearest returns the known name that is most like name, or "" if none is like it: more than a third of its letters
// would have to change.
func Nearest(name string, known []string) string {
	best, bestDistance := "", len(name)
	for _, candidate := range slices.Sorted(slices.Values(known)) {
		d := levenshtein.ComputeDistance(strings.ToLower(Shorten(name)), strings.ToLower(candidate))
		if d <= (len(candidate)+2)/3 && d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// Shorten cuts a text that is too long to be shown in a message.
func Shorten(text string) string {
	const maxRunes = 80
	if runes := []rune(text); len(runes) > maxRunes {
		return string(runes[:maxRunes]) + "…"
	}
	return text
}

// Counted writes a number of things in a message: "1 row", "2,000 rows".
func Counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return humanize.Comma(int64(n)) + " " + thing + "s"
}
