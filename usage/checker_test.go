package usage

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowViews is a store whose views wait at the gate.
type slowViews struct {
	*gatedStore
	views int
}

func (s *slowViews) View(ctx context.Context, fn func(Reader) error) error {
	return s.Update(ctx, nil, time.Time{}, func(tx Tx) error {
		s.views++
		return fn(tx)
	})
}

func TestChecksAreAnsweredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowViews{gatedStore: newGatedStore()}
		service := &Service{Store: store}
		var all sync.WaitGroup
		ask := func(user string) {
			all.Go(func() {
				d, err := service.Check(t.Context(), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
					Call{UserID: user, Provider: "gemini"})
				if err != nil || d.Call.UserID != user {
					t.Errorf("%s is answered for %s: %v", user, d.Call.UserID, err)
				}
			})
		}
		ask("first")
		<-store.begun
		for n := range 100 {
			ask(fmt.Sprint("user ", n%30))
		}
		gone, leave := context.WithCancel(t.Context())
		all.Go(func() {
			if _, err := service.Check(gone, time.Now(), Call{UserID: "gone", Provider: "gemini"}); err == nil {
				t.Error("who gives up is answered")
			}
		})
		synctest.Wait()
		leave()
		close(store.gate)
		all.Wait()
		synctest.Wait()
		if store.views != 2 {
			t.Errorf("%d views for two rounds of questions", store.views)
		}
	})
}
