package dbtest

import (
	"errors"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/usage"
)

func watchTests() []test {
	return []test{
		{"watch/notices what others commit", watchNotices},
		{"watch/notices what was running when it was asked", watchNoticesRunning},
	}
}

// quiet asks a watch in a transaction of its own for one user.
func (f *fixture) quiet(w usage.Watch, user string) bool {
	f.Helper()
	var quiet bool
	f.must(f.db.Update(f.ctx, []string{user}, now(), func(tx usage.Tx) error {
		var err error
		quiet, err = w.Quiet(f.ctx, tx)
		return err
	}))
	return quiet
}

func watchNotices(t *testing.T, p Place) {
	f := seeded(t, p)
	watch := f.db.NewWatch()
	if f.quiet(watch, "alice") {
		t.Error("a watch that was never asked before can't know that it is quiet")
	}
	// Others use the same PostgreSQL server meanwhile.
	if !f.quiet(watch, "alice") && p.Kind == db.SQLite {
		t.Error("nobody has changed anything")
	}
	other := *f
	other.db = p.Open(t)
	other.service = &usage.Service{Store: other.db, Thresholds: usage.DefaultThresholds()}
	for name, change := range map[string]func(){
		"a call of another user":      func() { f.record(call("bob's", "bob", now(), 1, 1)) },
		"a price":                     func() { f.must(f.addPrice("gemini", "gemini-2.5-flash", date(2026, 11, 19), 7, 7, 7)) },
		"a call of another process":   func() { other.record(call("other's", "alice", now(), 1, 1)) },
		"a price of another process":  func() { f.must(other.addPrice("gemini", "gemini-2.5-pro", date(2026, 11, 19), 7, 7, 7)) },
		"the same, of another import": func() { f.quiet(f.db.NewWatch(), "alice") },
		"a price, after what was refused and rolled back": func() {
			refused := errors.New("refused")
			err := f.db.Update(f.ctx, []string{"alice"}, now(), func(tx usage.Tx) error {
				_, err := watch.Quiet(f.ctx, tx)
				return errors.Join(err, refused)
			})
			if !errors.Is(err, refused) {
				t.Error(err)
			}
			f.must(f.addPrice("gemini", "gemini-2.5-flash", date(2026, 11, 18), 8, 8, 8))
		},
	} {
		f.quiet(watch, "alice")
		change()
		if f.quiet(watch, "alice") {
			t.Errorf("%s was not noticed", name)
		}
	}
}

// watchNoticesRunning has a transaction that changes something before the watch is asked
// and is committed after it. On SQLite there is one writer.
func watchNoticesRunning(t *testing.T, p Place) {
	if p.Kind == db.SQLite {
		return
	}
	f := seeded(t, p)
	watch := f.db.NewWatch()
	begun, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- f.db.Update(f.ctx, []string{"bob"}, now(), func(tx usage.Tx) error {
			if _, err := tx.AddAlerts(f.ctx, []usage.Alert{{UserID: "bob", PeriodStart: date(2026, 11, 1), EventID: "e", CreatedAt: now()}}); err != nil {
				return err
			}
			close(begun)
			<-release
			return nil
		})
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(time.Minute):
		t.Fatal("the other transaction does not begin")
	}
	f.quiet(watch, "alice")
	close(release)
	f.must(<-ended)
	if f.quiet(watch, "alice") {
		t.Error("what was committed since then was not noticed")
	}
}
