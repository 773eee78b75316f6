package usage

import (
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
	Unread     []UnreadField   // fields of the file that no event has
}

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
