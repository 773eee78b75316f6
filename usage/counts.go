package usage

// Counts are what is to be looked at, of everyone.
type Counts struct {
	UnreadAlerts int64
	UsedUp       int64 // limits that were used up today, by their alerts
	Due          int64 // users with a usage period that has ended and is not closed
	Held         int64 // reservations that hold now
}
