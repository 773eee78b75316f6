package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// LogStatus selects log rows.
type LogStatus string

// What log rows may be selected by.
const (
	LogAll      LogStatus = ""
	LogOK       LogStatus = "ok"
	LogFailed   LogStatus = "failed"
	LogUnpriced LogStatus = "unpriced" // calls that count and have no price
)

// LogQuery selects log rows, newest first.
type LogQuery struct {
	User     string
	Provider string
	Model    string
	From, To time.Time // zero: open; From belongs to it, To not
	Status   LogStatus
	Measured string // "reported" or "estimated": only calls that are; "" for all
	Voided   bool   // only events that were taken back, and what takes them back
	Standing bool   // none of these
	Limit    int
	// BeforeTime and BeforeID continue after the last row of an earlier page; a zero time begins at the newest row. If
	// that row is no longer in the log, that is a conflict failure.
	BeforeTime time.Time
	BeforeID   string
}

// Validate returns an invalid failure for a query that makes no sense.
func (q LogQuery) Validate() error {
	switch q.Status {
	case LogAll, LogOK, LogFailed, LogUnpriced:
	default:
		return failure.Invalidf("status is %q: it must be ok, failed or unpriced", q.Status)
	}
	if _, err := ParseMeasured(q.Measured); err != nil {
		return err
	}
	if q.Limit < 1 || q.Limit > 1_000_000 {
		return failure.Invalidf("limit is %d: it must be 1 to 1000000", q.Limit)
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return failure.Invalidf("from (%s) is not before to (%s)", q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	return nil
}

// UserLogQuery selects log rows of one user, oldest first.
type UserLogQuery struct {
	User     string
	From, To time.Time // From belongs to it, To not
	Limit    int
	// AfterTime and AfterID continue after the last row of an earlier page; a zero time begins at the oldest row. If that
	// row is no longer in the log, that is a conflict failure.
	AfterTime time.Time
	AfterID   string
}

// Logs is the storage that listing the log needs.
type Logs interface {
	// Logs returns the query's rows, newest first, those of one moment as they were recorded, the last first.
	Logs(ctx context.Context, q LogQuery) ([]Entry, error)
}
