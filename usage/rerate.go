package usage

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
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
	// Rerate changes the rating of log rows and, with them, the totals. The rows keep their history. A row that was rated
	// otherwise meanwhile is left alone; it returns how many were changed.
	Rerate(ctx context.Context, now time.Time, changes []Rerating) (int, error)
	// AwaitWriters returns once all who are recording have done so: what they write they may have decided by prices of
	// before.
	AwaitWriters(ctx context.Context) error
	// ClosedUntil returns until when the periods of users are closed; of those that have never been it has none.
	ClosedUntil(ctx context.Context, users []string) (map[string]time.Time, error)
}

// RerateResult sums up a rerating.
type RerateResult struct {
	Read    int64
	Changed int64
	Priced  int64 // of those changed: had no price before and have one now
	Before  pricing.Total
	After   pricing.Total
	Closed  pricing.Total    // the part of After - Before that is in closed periods
	Users   []UserDifference // by the size of their difference
	// Concerned are the users of the rows that the prices are about: also of rows that are right already, for who was cut
	// off comes again.
	Concerned []string
	// Periods are the usage periods of changed rows by user: when they begin.
	Periods map[string][]time.Time
	// Archived is how many archived months of the interval were left as they are.
	Archived int64
}

// UserDifference is what a rerating means for one user.
type UserDifference struct {
	UserID string
	Events int64
	Before pricing.Total
	After  pricing.Total
	// Closed is the part of After - Before that is in closed periods: the next bill adjusts what they were billed.
	Closed pricing.Total
	// ClosedEvents is how many of the events are in closed periods.
	ClosedEvents int64
}

// rerateBatch is how many log rows are read, and changed, at a time.
const rerateBatch = 2_000

// Repricing says which log rows are rated again, and by which prices.
type Repricing struct {
	Book     *pricing.Book
	From, To time.Time      // zero: open; From belongs to it, To not
	Provider string         // "": of all
	Prices   map[int64]bool // by id: only rows that had one of these, or get one; nil: of all
}

// Rerate rates the log rows of an interval again, at the prices that now are known to have been in force at their time.
// With apply it changes those that differ. It may be interrupted and run again.
func Rerate(ctx context.Context, store RerateStore, now, from, to time.Time, apply bool) (RerateResult, error) {
	again := Repricing{From: from, To: to}
	err := store.View(ctx, func(r Reader) (err error) {
		again.Book, err = r.Book(ctx, "")
		return err
	})
	if err != nil {
		return RerateResult{}, err
	}
	return reprice(ctx, store, now, again, apply)
}

// reprice rates log rows again. With apply it changes those that differ.
func reprice(ctx context.Context, store RerateStore, now time.Time, again Repricing, apply bool) (RerateResult, error) {
	run := rerating{Repricing: again, users: map[string]*UserDifference{}, closed: map[string]time.Time{},
		concerned: map[string]bool{}, result: RerateResult{Periods: map[string][]time.Time{}}}
	query := LogQuery{From: again.From, To: again.To, Provider: again.Provider, Limit: rerateBatch}
	if err := query.Validate(); err != nil {
		return RerateResult{}, err
	}
	if err := run.countArchived(ctx, store, again.From, again.To); err != nil {
		return RerateResult{}, err
	}
	if apply {
		if err := store.AwaitWriters(ctx); err != nil {
			return RerateResult{}, err
		}
	}
	err := EachPage(rerateBatch, func(last Entry, _ int) ([]Entry, error) {
		query.BeforeTime, query.BeforeID = last.Time, last.ID
		return store.Logs(ctx, query)
	}, func(entries []Entry) error {
		changes, err := run.compare(entries)
		if err != nil {
			return err
		}
		if err := run.note(ctx, store, changes); err != nil || !apply || len(changes) == 0 {
			return err
		}
		changed, err := store.Rerate(ctx, now, changes)
		run.result.Changed -= int64(len(changes) - changed) // rated otherwise meanwhile, and left alone
		return err
	})
	if err != nil {
		return RerateResult{}, err
	}
	return run.finish(), nil
}

// rerating is a rerating under way.
type rerating struct {
	Repricing
	result    RerateResult
	users     map[string]*UserDifference
	concerned map[string]bool
	closed    map[string]time.Time // by user; zero for one who has no closed period
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
func (run *rerating) compare(entries []Entry) ([]Rerating, error) {
	var changes []Rerating
	for _, e := range entries {
		run.result.Read++
		if !e.Stands() {
			continue // the event and its counter-entry are nothing together, at whatever price
		}
		if e.PriceID != 0 && !run.Book.Has(e.PriceID) {
			return nil, failure.Conflictf("prices have changed since this began").WithHint("run it again")
		}
		call := e.Call()
		charge, err := run.Book.Charge(&call)
		if err != nil {
			return nil, err
		}
		if !e.Counts() {
			charge.Cost = 0
		}
		if run.Prices != nil && !run.Prices[e.PriceID] && !run.Prices[charge.PriceID] {
			continue
		}
		if run.Prices != nil {
			run.concerned[e.UserID] = true
		}
		if charge.Cost == e.Cost && charge.Basis == e.Basis && charge.PriceID == e.PriceID {
			continue
		}
		changes = append(changes, Rerating{e, charge.Cost, charge.Basis, charge.PriceID})
	}
	return changes, nil
}

// note adds changes to the differences of their users.
func (run *rerating) note(ctx context.Context, store RerateStore, changes []Rerating) error {
	if err := run.readClosed(ctx, store, changes); err != nil {
		return err
	}
	for _, c := range changes {
		u := run.users[c.Entry.UserID]
		if u == nil {
			u = &UserDifference{UserID: c.Entry.UserID}
			run.users[c.Entry.UserID], run.concerned[c.Entry.UserID] = u, true
		}
		if periods := run.result.Periods; !slices.ContainsFunc(periods[u.UserID], c.Entry.PeriodStart.Equal) {
			periods[u.UserID] = append(periods[u.UserID], c.Entry.PeriodStart)
		}
		before, after := pricing.TotalOf(c.Entry.Cost), pricing.TotalOf(c.Cost)
		u.Events++
		u.Before, u.After = u.Before.Add(before), u.After.Add(after)
		if c.Entry.PeriodStart.Before(run.closed[c.Entry.UserID]) {
			u.Closed = u.Closed.Add(after.Sub(before))
			u.ClosedEvents++
		}
		run.result.Changed++
		if c.Entry.Basis == pricing.Unpriced && c.Basis != pricing.Unpriced {
			run.result.Priced++
		}
	}
	return nil
}

// readClosed reads until when the periods of the users of changes are closed.
func (run *rerating) readClosed(ctx context.Context, store RerateStore, changes []Rerating) error {
	var users []string
	for _, c := range changes {
		if _, known := run.closed[c.Entry.UserID]; !known {
			run.closed[c.Entry.UserID] = time.Time{}
			users = append(users, c.Entry.UserID)
		}
	}
	if len(users) == 0 {
		return nil
	}
	closed, err := store.ClosedUntil(ctx, users)
	maps.Copy(run.closed, closed)
	return err
}

func (run *rerating) finish() RerateResult {
	r := run.result
	r.Concerned = slices.Sorted(maps.Keys(run.concerned))
	for _, u := range run.users {
		r.Users = append(r.Users, *u)
		r.Before, r.After, r.Closed = r.Before.Add(u.Before), r.After.Add(u.After), r.Closed.Add(u.Closed)
	}
	slices.SortFunc(r.Users, func(a, b UserDifference) int {
		return cmp.Or(b.After.Sub(b.Before).Cmp(a.After.Sub(a.Before)), strings.Compare(a.UserID, b.UserID))
	})
	return r
}
