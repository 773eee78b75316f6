package usage

import (
	"regexp"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// ImportResult sums up an import.
type ImportResult struct {
	Read       int64 // rows that were read, good and bad
	Recorded   int64
	Duplicates int64 // recorded before, or twice in the file, with the same content
	Rejected   int64 // bad rows, without the conflicts
	Conflicts  int64 // rows whose id is recorded with other content
	Unpriced   int64 // of those recorded: without a price
	OverLimit  int64 // of those recorded: over a blocking limit
	Averaged   int64 // of those recorded: several calls, whose average decided whether the prices of long ones hold
	NoTier     int64 // of those recorded: of a service tier for which the price has none
	Cost       pricing.Total
	Elapsed    time.Duration
	Problems   []ImportProblem // the first few
	Reasons    []ImportReason  // why rows were not recorded, the most frequent first
	Unread     []UnreadField   // fields of the file that no event has
	DryRun     *DryRun         // of an import that was not to record anything
}

// ImportReason is why some rows were not recorded; what differs from row to row is left out of it.
type ImportReason struct {
	Reason string
	Rows   int64
}

// mostReasons is how many reasons are told apart.
const mostReasons = 100

var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\b\d[\d.:TZ-]*`) // read-only

// noteReason counts why a row was not recorded.
func (r *ImportResult) noteReason(text string) {
	reason := varying.ReplaceAllString(text, "…")
	i := slices.IndexFunc(r.Reasons, func(known ImportReason) bool { return known.Reason == reason })
	if i < 0 && len(r.Reasons) >= mostReasons {
		reason = otherReasons
		i = slices.IndexFunc(r.Reasons, func(known ImportReason) bool { return known.Reason == reason })
	}
	if i < 0 {
		i, r.Reasons = len(r.Reasons), append(r.Reasons, ImportReason{Reason: reason})
	}
	r.Reasons[i].Rows++
}

const otherReasons = "other reasons"

// ImportProblem is a row that was not recorded, and why.
type ImportProblem struct {
	Line   int64 // of the file, from 1
	Reason string
}

// UnreadField is a field of the file that is not part of an event.
type UnreadField struct {
	Name string
	Rows int64
}
