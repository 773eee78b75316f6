package usage

import "time"

// Figures are what is watched of a database while it is used.
type Figures struct {
	Held          int64 // reservations that hold something
	Unpriced      int64 // calls without a price, of the days that UnpricedDays says
	Estimated     int64 // calls of which it was estimated what they used, of the same days
	NotClosed     int64 // users with a usage period that is over and was not closed
	DatabaseBytes int64
	Unknown       Unknown // calls of the gateway whose process was killed, of the days that UnknownDays says
}

// UnpricedDays is of how many days, and today, calls without a price are counted for Figures: what they cost to count
// must not grow with the log.
const UnpricedDays = 35

// PoolState is how far the connections to the database are used.
type PoolState struct {
	Pool              string // write or read; all where both are one
	Most              int    // at the same time
	Open, InUse, Idle int
	Waits             int64 // of callers for a connection, and how long they have taken
	Waited            time.Duration
}
