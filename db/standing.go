package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Standing implements usage.Reader.
func (t *tx) Standing(ctx context.Context, q usage.StandingQuery) (usage.UserStanding, error) {
	s := usage.UserStanding{Totals: map[usage.PeriodKey][]usage.Total{}}
	users := []string{q.UserID}
	accounts := map[string]plan.Account{q.UserID: {UserID: q.UserID}}
	held := map[string][]usage.Reservation{}
	reads := []statement{
		{text: versionStatement, scan: func(row scanner) error { return row.Scan(&t.version) }},
		t.readSubscriptions(users, accounts), t.readSegments(users, accounts),
		t.readTotalsAround(q.UserID, q.At, s.Totals), t.readHeld(users, q.Now, held),
	}
	var place entryPlace
	if q.EventID != "" {
		reads = append(reads, t.readRecorded(q.EventID, &place, &s.Recorded))
	}
	if err := t.send(ctx, reads...); err != nil {
		return s, err
	}
	if place.user != "" {
		if err := t.readPlaced(ctx, q.EventID, place, &s.Recorded); err != nil {
			return s, err
		}
	}
	plans, err := t.keptPlans(ctx)
	if err != nil {
		return s, err
	}
	s.Account, s.Held = accounts[q.UserID], held[q.UserID]
	s.Account.Plans = plans
	s.Book, err = t.Book(ctx, q.Provider)
	return s, err
}

// entryPlace is where the event of an id is in the log, on PostgreSQL.
type entryPlace struct {
	user string // "": nowhere
	at   time.Time
}

// readRecorded reads the event of an id: on SQLite its row, if there is one; on PostgreSQL
// where it is. Nearly always it is nowhere, and a statement about the log costs, before it
// looks at any row, some work for each of its partitions.
func (t *tx) readRecorded(id string, place *entryPlace, recorded **usage.Entry) statement {
	if t.kind == PostgreSQL {
		return statement{text: "SELECT user_id, occurred_at FROM usage_event_ids WHERE event_id = $1", args: []any{id},
			scan: func(row scanner) error { return row.Scan(&place.user, moment{&place.at}) }}
	}
	return t.readEntries([]string{id}, func(row scanner) error {
		e, err := scanEntry(row)
		if e.ID == id { // others may have its key
			*recorded = &e
		}
		return err
	})
}

// readPlaced reads the event of an id whose place is known.
func (t *tx) readPlaced(ctx context.Context, id string, place entryPlace, recorded **usage.Entry) error {
	return t.send(ctx, statement{text: "SELECT " + entryColumns + " FROM api_usage_logs WHERE user_id = $1 AND occurred_at = $2 AND event_id = $3",
		args: []any{place.user, place.at, id}, scan: func(row scanner) error {
			e, err := scanEntry(row)
			*recorded = &e
			return err
		}})
}
