package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// LogPageQuery selects a page of one user's log by how many rows come before it, as lists with page numbers ask for it.
// What was taken back, and what takes back, is not in it. See LogQuery for pages that cost the same however far.
type LogPageQuery struct {
	User      string
	Providers []string  // none: all
	From, To  time.Time // zero: open; From belongs to it, To not
	Status    LogStatus // LogAll, LogOK or LogFailed
	Code      int       // only calls that were answered with it; 0: all
	Offset    int
	Limit     int
}

// LogPage is a page of a log.
type LogPage struct {
	Rows  []PagedEntry // newest first
	Total int64        // how many rows match, counted up to MostCounted or to the end of the page
	More  bool         // there are more rows after these
}

// PagedEntry is a log row with what a list shows of it beside.
type PagedEntry struct {
	Entry
	Number int64 // no other row has it
	// InputCost and OutputCost are the parts of the cost that tokens make. They are 0 where the cost is not that of the
	// prices that hold for the call's time.
	InputCost, OutputCost pricing.USD
}

// MostCounted is up to how many rows a page of a log counts: to count all would cost more with a longer log.
const MostCounted = 20_000

// LogPages is the storage of pages of the log.
type LogPages interface {
	// LogPage returns the rows of a page, newest first, and how many rows match, counted up to a number.
	LogPage(ctx context.Context, q LogPageQuery, most int64) ([]PagedEntry, int64, error)
}

// LogPage returns a page of a user's log.
func (r *Reporter) LogPage(ctx context.Context, q LogPageQuery) (LogPage, error) {
	if q.Limit < 1 || q.Offset < 0 || q.User == "" {
		return LogPage{}, failure.Invalidf("a page of a log has a user, a limit of 1 or more and an offset of 0 or more")
	}
	var total int64
	page, err := NewPage(q.Limit, func(limit int) (rows []PagedEntry, err error) {
		q.Limit = limit
		rows, total, err = r.Store.LogPage(ctx, q, MostCounted)
		return rows, err
	})
	if err != nil || len(page.Rows) == 0 {
		return LogPage{Total: total}, err
	}
	if read := int64(q.Offset + len(page.Rows)); total <= read {
		total = read
		if page.More {
			total++
		}
	}
	return LogPage{Rows: page.Rows, Total: total, More: page.More}, r.splitCosts(ctx, page.Rows)
}

// splitCosts says which parts of the costs tokens make.
func (r *Reporter) splitCosts(ctx context.Context, rows []PagedEntry) error {
	var book *pricing.Book
	err := r.Store.View(ctx, func(reader Reader) (err error) {
		book, err = reader.Book(ctx, "")
		return err
	})
	if err != nil {
		return err
	}
	for i := range rows {
		rating, err := book.Rate(rows[i].Call())
		if err != nil || rating.Cost != rows[i].Cost {
			continue
		}
		for _, part := range rating.Components {
			total, isPart := part.Quantity.Total()
			if !isPart {
				total = part.Quantity
			}
			switch total {
			case pricing.InputTokens:
				rows[i].InputCost += part.Cost
			case pricing.OutputTokens:
				rows[i].OutputCost += part.Cost
			}
		}
	}
	return nil
}
