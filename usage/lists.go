package usage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// ListStore is the storage of the lists that people look through. Each answer is one page: at most Limit rows, in the
// order of the list's key, after the last row of the page before; nothing is the first page.
type ListStore interface {
	// Users returns users by id.
	Users(ctx context.Context, q UserQuery) ([]User, error)
	// Alerts returns alerts, newest first.
	Alerts(ctx context.Context, q AlertQuery) ([]Alert, error)
	// CountAlerts returns how many alerts of a user stand, and how many of these were not read yet.
	CountAlerts(ctx context.Context, user string) (AlertCounts, error)
	// Reservations returns the reservations that hold at a moment, oldest first.
	Reservations(ctx context.Context, q ReservationQuery) ([]Reservation, error)
	// Audit returns the changes that admins made, newest first: those with an id below one that is not 0.
	Audit(ctx context.Context, before int64, limit int) ([]AuditEntry, error)
	// MarkRead marks alerts as read, all of them or, where one does not exist, none, and returns the ids that do not
	// exist. An audit without an action notes nothing.
	MarkRead(ctx context.Context, audit Audit, ids []int64) (missing []int64, err error)
	// UserVersion returns a text that is another one after each change of what there is to say about a user, by whatever
	// operation of whatever process: usage, reservations that hold at a moment, alerts, subscription, bills, credit,
	// plans, prices. What a period, a plan or a status becomes by the time alone, see plan.Account.StandsUntil.
	UserVersion(ctx context.Context, user string, now time.Time) (string, error)
	ReadRefusals
}

// UserQuery selects a page of users.
type UserQuery struct {
	Search string      // what their id, name or address has in it, small and capital letters of ASCII alike; "" for all
	Status plan.Status // "" for all
	Plan   string      // its name or tier; "" for all
	Now    time.Time   // when they have that status and plan
	After  string      // the id of the last user of the page before
	Limit  int
}

// AlertQuery selects a page of alerts.
type AlertQuery struct {
	ID       int64  // only this one; 0 for all
	User     string // "" for all
	Unread   bool   // only those that were not read yet
	Standing bool   // none that were withdrawn
	Before   int64  // the id of the last alert of the page before
	Limit    int
}

// AlertCounts are how many alerts of a user stand.
type AlertCounts struct{ All, Unread int64 }

// ReservationQuery selects a page of reservations.
type ReservationQuery struct {
	User      string    // "" for all
	Now       time.Time // when they hold
	AfterTime time.Time // when the last one of the page before was taken,
	AfterID   string    // and its id
	Limit     int
}

// Page is a part of a list.
type Page[T any] struct {
	Rows []T
	More bool // there are more rows after these
}

// PageSize is how many rows a page has where nobody says otherwise.
const PageSize = 1000

// NewPage returns the first rows of a list, at most limit. The function reads as many as it is told. A limit below 1 is
// an invalid failure.
func NewPage[T any](limit int, read func(limit int) ([]T, error)) (Page[T], error) {
	if limit < 1 {
		return Page[T]{}, failure.Invalidf("limit is %d: it must be 1 or more", limit)
	}
	rows, err := read(limit + 1)
	if len(rows) > limit {
		return Page[T]{Rows: rows[:limit], More: true}, err
	}
	return Page[T]{Rows: rows}, err
}

// Every returns the rows of all pages. The function reads the page after a row; a row of nothing stands for the first
// page.
func Every[T any](read func(last T) (Page[T], error)) ([]T, error) {
	var all []T
	var last T
	for {
		page, err := read(last)
		all = append(all, page.Rows...)
		if err != nil || !page.More {
			return all, err
		}
		last = all[len(all)-1]
	}
}

// EachPage calls fn with one page of a list after another, each of at most limit rows. read returns the rows after the
// last one of the page before; a row of nothing stands for the first page. An error ends it.
func EachPage[T any](limit int, read func(last T, limit int) ([]T, error), fn func(page []T) error) error {
	var last T
	for {
		page, err := read(last, limit)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := fn(page); err != nil || len(page) < limit {
			return err
		}
		last = page[len(page)-1]
	}
}

// EachRow is EachPage for one row after another.
func EachRow[T any](limit int, read func(last T, limit int) ([]T, error), fn func(row *T) error) error {
	return EachPage(limit, read, func(page []T) error {
		for i := range page {
			if err := fn(&page[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Lists reads the lists that people look through, page by page.
type Lists struct {
	Store ListStore
}

// Users returns a page of users, by id.
func (l *Lists) Users(ctx context.Context, after string, limit int) (Page[User], error) {
	return l.FindUsers(ctx, UserQuery{After: after, Limit: limit})
}

// FindUsers returns a page of the users that a query selects, by id. A status or plan that is not there is a failure.
func (l *Lists) FindUsers(ctx context.Context, q UserQuery) (Page[User], error) {
	if known := plan.Statuses(); q.Status != "" && !slices.Contains(known, q.Status) {
		names := make([]string, len(known))
		for i, s := range known {
			names[i] = string(s)
		}
		return Page[User]{}, failure.UnknownName(failure.Invalid, "status", string(q.Status), names)
	}
	return NewPage(q.Limit, func(limit int) ([]User, error) {
		q.Limit = limit
		return l.Store.Users(ctx, q)
	})
}

// Alerts returns a page of alerts, newest first.
func (l *Lists) Alerts(ctx context.Context, q AlertQuery) (Page[Alert], error) {
	return NewPage(q.Limit, func(limit int) ([]Alert, error) {
		q.Limit = limit
		return l.Store.Alerts(ctx, q)
	})
}

// CountAlerts returns how many alerts of a user stand.
func (l *Lists) CountAlerts(ctx context.Context, user string) (AlertCounts, error) {
	return l.Store.CountAlerts(ctx, user)
}

// UserVersion returns a text that is another one after each change of what there is to say about a user: see ListStore.
func (l *Lists) UserVersion(ctx context.Context, user string, now time.Time) (string, error) {
	return l.Store.UserVersion(ctx, user, now)
}

// Alert returns an alert; one that does not exist is a not_found failure.
func (l *Lists) Alert(ctx context.Context, id int64) (Alert, error) {
	found, err := l.Store.Alerts(ctx, AlertQuery{ID: id, Limit: 1})
	if err == nil && len(found) == 0 {
		err = failure.NotFoundf("there is no alert %d", id).WithReason("unknown_alert")
	}
	if err != nil {
		return Alert{}, err
	}
	return found[0], nil
}

// MarkRead marks alerts as read. Where one does not exist, none is marked, and that is a not_found failure. The audit
// log notes it, unless the audit has no action: then a user reads alerts of its own.
func (l *Lists) MarkRead(ctx context.Context, audit Audit, ids []int64) error {
	missing, err := l.Store.MarkRead(ctx, audit, ids)
	if err == nil && len(missing) > 0 {
		err = unknownAlerts(missing)
	}
	return err
}

// MarkReadOf is MarkRead for alerts that all have to be a user's; those of others do not exist for it.
func (l *Lists) MarkReadOf(ctx context.Context, audit Audit, user string, ids []int64) error {
	for _, id := range ids {
		if id == math.MaxInt64 {
			return unknownAlerts([]int64{id})
		}
		found, err := l.Store.Alerts(ctx, AlertQuery{User: user, Before: id + 1, Limit: 1})
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].ID != id {
			return unknownAlerts([]int64{id})
		}
	}
	return l.MarkRead(ctx, audit, ids)
}

func unknownAlerts(ids []int64) error {
	numbers := strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]")
	return failure.NotFoundf("there is no alert %s; none was marked", numbers).WithReason("unknown_alert")
}

// Refusals returns the report of refused calls: see MakeRefusalReport.
func (l *Lists) Refusals(ctx context.Context, q RefusalQuery, top int) (RefusalReport, error) {
	return MakeRefusalReport(ctx, l.Store, q, top)
}

// Reservations returns a page of the reservations that hold, oldest first.
func (l *Lists) Reservations(ctx context.Context, q ReservationQuery) (Page[Reservation], error) {
	return NewPage(q.Limit, func(limit int) ([]Reservation, error) {
		q.Limit = limit
		return l.Store.Reservations(ctx, q)
	})
}

// Audit returns a page of the changes that admins made, newest first: those before an id that is not 0.
func (l *Lists) Audit(ctx context.Context, before int64, limit int) (Page[AuditEntry], error) {
	return NewPage(limit, func(limit int) ([]AuditEntry, error) { return l.Store.Audit(ctx, before, limit) })
}
