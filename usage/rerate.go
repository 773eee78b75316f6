package usage

import (
	"context"
	"sort"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Rerating is a log row whose price has changed since it was rated.
type Rerating struct {
	Entry   Entry // as it is recorded
	Cost    pricing.USD
	Basis   pricing.Basis
	PriceID int64
}

// RerateStore is the storage that rating again needs.
type RerateStore interface {
	Store
	Logs
	// Archives returns the archived months.
	Archives(ctx context.Context) ([]Archive, error)
	// Rerate changes the rating of log rows and, with them, the totals. The rows
	// keep their history. A row that was rated otherwise meanwhile is left alone;
	// it returns how many were changed.
	Rerate(ctx context.Context, now time.Time, changes []Rerating) (int, error)
}

// RerateResult sums up a rerating.
type RerateResult struct {
	Read    int64
	Changed int64
	Priced  int64 // of those changed: had no price before and have one now
	Before  pricing.Total
	After   pricing.Total
	Users   []UserDifference // by the size of their difference
	// Archived is how many archived months of the interval were left as they are.
	Archived int64
}

// UserDifference is what a rerating means for one user.
type UserDifference struct {
	UserID string
	Events int64
	Before pricing.Total
	After  pricing.Total
}

// rerateBatch is how many log rows are read, and changed, at a time.
const rerateBatch = 2_000

// Rerate rates the log rows of an interval again, at the prices that now are
// known to have been in force at their time. With apply it changes those that
// differ. It may be interrupted and run again.
func Rerate(ctx context.Context, store RerateStore, now, from, to time.Time, apply bool) (RerateResult, error) {
	var book *pricing.Book
	err := store.View(ctx, func(r Reader) (err error) {
		book, err = r.Book(ctx, "")
		return err
	})
	if err != nil {
		return RerateResult{}, err
	}
	run := rerating{users: map[string]*UserDifference{}}
	query := LogQuery{From: from, To: to, Limit: rerateBatch}
	if err := query.Validate(); err != nil {
		return RerateResult{}, err
	}
	if err := run.countArchived(ctx, store, from, to); err != nil {
		return RerateResult{}, err
	}
	for {
		entries, err := store.Logs(ctx, query)
		if err != nil {
			return RerateResult{}, err
		}
		changes, err := run.compare(book, entries)
		if err != nil {
			return RerateResult{}, err
		}
		if apply && len(changes) > 0 {
			changed, err := store.Rerate(ctx, now, changes)
			if err != nil {
				return RerateResult{}, err
			}
			run.result.Changed -= int64(len(changes) - changed) // rated otherwise meanwhile, and left alone
		}
		if len(entries) < rerateBatch {
			return run.finish(), nil
		}
		last := entries[len(entries)-1]
		query.BeforeTime, query.BeforeID = last.Time, last.ID
	}
}

// rerating is a rerating under way.
type rerating struct {
	result RerateResult
	users  map[string]*UserDifference
}

// countArchived counts the archived months of an interval.
func (run *rerating) countArchived(ctx context.Context, store RerateStore, from, to time.Time) error {
	archives, err := store.Archives(ctx)
	for _, a := range archives {
		if (from.IsZero() || from.Before(a.Month.End())) && (to.IsZero() || a.Month.Start().Before(to)) {
			run.result.Archived++
		}
	}
	return err
}

// compare rates entries again and returns those that come out otherwise.
func (run *rerating) compare(book *pricing.Book, entries []Entry) ([]Rerating, error) {
	var changes []Rerating
	for _, e := range entries {
		run.result.Read++
		if e.PriceID != 0 && !book.Has(e.PriceID) {
			return nil, failure.Conflictf("prices have changed since this began").WithHint("run it again")
		}
		rating, err := book.Rate(e.Provider, e.Model, e.Time, e.Quantities)
		if err != nil {
			return nil, err
		}
		if !e.Counts() {
			rating.Cost = 0
		}
		if rating.Cost == e.Cost && rating.Basis == e.Basis && rating.Price.ID == e.PriceID {
			continue
		}
		changes = append(changes, Rerating{e, rating.Cost, rating.Basis, rating.Price.ID})
		run.note(e, rating)
	}
	return changes, nil
}

func (run *rerating) note(e Entry, rating pricing.Rating) {
	u, ok := run.users[e.UserID]
	if !ok {
		u = &UserDifference{UserID: e.UserID}
		run.users[e.UserID] = u
	}
	u.Events++
	u.Before = u.Before.Add(pricing.TotalOf(e.Cost))
	u.After = u.After.Add(pricing.TotalOf(rating.Cost))
	run.result.Changed++
	if e.Basis == pricing.Unpriced && rating.Basis != pricing.Unpriced {
		run.result.Priced++
	}
}

func (run *rerating) finish() RerateResult {
	r := run.result
	for _, u := range run.users {
		r.Users = append(r.Users, *u)
		r.Before, r.After = r.Before.Add(u.Before), r.After.Add(u.After)
	}
	sort.Slice(r.Users, func(i, j int) bool {
		a, b := r.Users[i], r.Users[j]
		if c := a.After.Sub(a.Before).Cmp(b.After.Sub(b.Before)); c != 0 {
			return c > 0
		}
		return a.UserID < b.UserID
	})
	return r
}
