package db

import (
	"context"

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
	if q.EventID != "" {
		reads = append(reads, t.readEntries([]string{q.EventID}, func(row scanner) error {
			e, err := scanEntry(row)
			if e.ID == q.EventID {
				s.Recorded = &e
			}
			return err
		}))
	}
	if err := t.send(ctx, reads...); err != nil {
		return s, err
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
