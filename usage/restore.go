package usage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// archivedLine is a line of an archived month.
type archivedLine struct {
	ID                string        `json:"id"`
	UserID            string        `json:"user_id"`
	Provider          string        `json:"provider"`
	Model             string        `json:"model"`
	Vendor            string        `json:"vendor"`
	Time              time.Time     `json:"time"`
	Requests          int64         `json:"requests"`
	InputTokens       int64         `json:"input_tokens"`
	OutputTokens      int64         `json:"output_tokens"`
	CachedInputTokens int64         `json:"cached_input_tokens"`
	Images            int64         `json:"images"`
	Searches          int64         `json:"searches"`
	Pages             int64         `json:"pages"`
	Characters        int64         `json:"characters"`
	Seconds           int64         `json:"seconds"`
	Endpoint          string        `json:"endpoint"`
	Method            string        `json:"method"`
	StatusCode        int           `json:"status_code"`
	ResponseTimeMS    int64         `json:"response_time_ms"`
	ErrorMessage      string        `json:"error_message"`
	RetryCount        int64         `json:"retry_count"`
	Billable          bool          `json:"billable"`
	Cost              string        `json:"cost"`
	Pricing           pricing.Basis `json:"pricing"`
	PriceID           int64         `json:"price_id"`
	PeriodStart       time.Time     `json:"period_start"`
	PlanID            int64         `json:"plan_id"`
	RecordedAt        time.Time     `json:"recorded_at"`
}

// entry returns the log row that a line was written of.
func (l *archivedLine) entry() (Entry, error) {
	cost, err := pricing.ParseUSD(l.Cost)
	if err != nil {
		return Entry{}, err
	}
	return Entry{
		Event: Event{ID: l.ID, UserID: l.UserID, Provider: l.Provider, Model: l.Model, Vendor: l.Vendor, Time: l.Time.UTC(),
			Quantities: pricing.Quantities{l.Requests, l.InputTokens, l.OutputTokens, l.CachedInputTokens, l.Images, l.Searches, l.Pages, l.Characters, l.Seconds},
			Endpoint:   l.Endpoint, Method: l.Method, StatusCode: l.StatusCode, ResponseTimeMS: l.ResponseTimeMS,
			ErrorMessage: l.ErrorMessage, RetryCount: l.RetryCount, Billable: l.Billable},
		PeriodStart: l.PeriodStart.UTC(), PlanID: l.PlanID, Cost: cost, Basis: l.Pricing, PriceID: l.PriceID, RecordedAt: l.RecordedAt.UTC(),
	}, nil
}

// ReadArchived reads the log rows of the file of an archived month: open begins at its
// start again. A file that is none is an invalid failure, and the last there is.
func ReadArchived(open func() (io.ReadCloser, error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := open()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			yield(Entry{}, notArchived(0, err))
			return
		}
		in := bufio.NewReaderSize(unpacked, 1<<20)
		for n := 1; ; n++ {
			e, err := nextArchived(in)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Entry{}, notArchived(n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// nextArchived reads a row, io.EOF after the last.
func nextArchived(in *bufio.Reader) (Entry, error) {
	text, err := in.ReadBytes('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(bytes.TrimSpace(text)) == 0) {
		return Entry{}, err
	}
	var line archivedLine
	if err := json.Unmarshal(text, &line); err != nil {
		return Entry{}, err
	}
	return line.entry()
}

func notArchived(line int, err error) error {
	var known *failure.Error
	if errors.As(err, &known) && known.Code == failure.Conflict {
		return err
	}
	return failure.Invalidf("the file is no archived month, or is damaged: line %d: %s", line, err).Because(err)
}
