package db_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Who is held by another transaction, or just added by one, keeps nobody of the same process waiting, whether the calls
// come together or one by one; and none of the calls is lost.
func TestPostgreSQLWaitsForOneUserAlone(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	d := place.Create(t)
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	audit := usage.Audit{At: now, Actor: "test"}
	err := d.ChangePrices(t.Context(), audit, func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Providers: []pricing.Provider{{Name: "exa", Vendor: "exa"}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.ChangePlans(t.Context(), audit, func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return plan.Plans{{Name: "Free", Tier: plan.DefaultTier, Source: pricing.FromCatalogue}}, nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	service := &usage.Service{Store: d}
	record := func(ctx context.Context, user string) error {
		_, err := service.Record(ctx, now, usage.Event{UserID: user, Provider: "exa", StatusCode: 200}, usage.RecordOptions{})
		return err
	}
	if err := record(t.Context(), "held"); err != nil {
		t.Fatal(err)
	}
	other, err := place.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec(`INSERT INTO users (user_id, created_at) VALUES ('added', now());
		SELECT 1 FROM users WHERE user_id = 'held' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 8)
	for range 2 {
		for _, user := range []string{"held", "added"} {
			go func() { waiting <- record(t.Context(), user) }()
		}
	}
	for i := range 20 { // new ones and known ones
		if err := record(t.Context(), fmt.Sprint("user", i%10)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-waiting:
		t.Fatalf("it was recorded before the other transaction's end: %v", err)
	default:
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
	var rows int
	if err := place.SQL.QueryRow("SELECT COUNT(*) FROM api_usage_logs").Scan(&rows); err != nil || rows != 25 {
		t.Errorf("%d calls are recorded, %v", rows, err)
	}
}
