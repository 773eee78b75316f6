package dbtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

func writerTests() []test {
	return []test{
		{"writers/what nobody else has written holds", assumptionsHold},
		{"writers/what a transaction has locked does not hold, and nobody waits", assumptionsOfLocked},
		{"writers/recorders notice each other and what commands change", recordersNotice},
	}
}

// lock locks users for a writer, in a transaction of its own.
func (f *fixture) lock(writer usage.Writer, users ...string) (locked usage.Locked) {
	f.Helper()
	f.must(f.db.Update(f.ctx, nil, now(), func(tx usage.Tx) error {
		var err error
		if locked, err = tx.LockUsers(f.ctx, users, now(), writer, false); err != nil {
			return err
		}
		return tx.Write(f.ctx, usage.Changes{})
	}))
	return locked
}

// assume writes events, as long as an assumption holds.
func (f *fixture) assume(a usage.Assumption, entries ...usage.Entry) error {
	return f.db.Assume(f.ctx, func(tx usage.Tx) error {
		return tx.Write(f.ctx, usage.Changes{Assumed: &a, Entries: entries})
	})
}

func (f *fixture) catalogue() (version int64) {
	f.Helper()
	f.must(f.db.View(f.ctx, func(r usage.Reader) (err error) {
		version, err = r.CatalogueVersion(f.ctx)
		return err
	}))
	return version
}

func assumptionsHold(t *testing.T, p Place) {
	f := seeded(t, p)
	wantEqual(t, "new users", f.lock(7, "bob", "alice"), usage.Locked{Added: []string{"alice", "bob"}})
	wantEqual(t, "of the same writer", f.lock(7, "bob", "alice"), usage.Locked{})
	version, n := f.catalogue(), 0
	entry := func() usage.Entry {
		e := bareEntry()
		n++
		e.ID, e.UserID, e.Quantities = fmt.Sprint("e", n), "alice", tokens(1)
		return e
	}
	many := make([]usage.Entry, 1_200) // they go another way
	for i := range many {
		many[i] = entry()
	}
	holds := usage.Assumption{Writer: 7, Users: []string{"alice", "bob"}, Catalogue: version}
	f.must(f.assume(holds, entry()))
	f.must(f.assume(holds, many...))
	f.must(f.assume(holds))
	f.mustAgree()
	before := len(f.logs())
	for name, c := range map[string]struct {
		assumed usage.Assumption
		change  func()
	}{
		"another writer":          {usage.Assumption{Writer: 8, Users: []string{"alice"}, Catalogue: version}, nil},
		"nobody":                  {usage.Assumption{Users: []string{"alice"}, Catalogue: version}, nil},
		"a user who is not there": {usage.Assumption{Writer: 7, Users: []string{"alice", "carol"}, Catalogue: version}, nil},
		"another catalogue":       {usage.Assumption{Writer: 7, Users: []string{"alice"}, Catalogue: version + 1}, nil},
		"somebody has written": {holds, func() {
			wantEqual(t, "of another writer", f.lock(8, "alice", "bob"), usage.Locked{Changed: []string{"alice", "bob"}})
		}},
		"a command has written": {holds, func() {
			f.must(f.db.Update(f.ctx, []string{"alice"}, now(), func(usage.Tx) error { return nil }))
		}},
	} {
		f.lock(7, "alice", "bob")
		if c.change != nil {
			c.change()
		}
		for _, entries := range [][]usage.Entry{nil, {entry()}, many} {
			if err := f.assume(c.assumed, entries...); !errors.Is(err, usage.ErrOutdated) {
				t.Errorf("%s, %d events: %v", name, len(entries), err)
			}
		}
	}
	if after := len(f.logs()); after != before {
		t.Errorf("%d events were written all the same", after-before)
	}
	f.mustAgree()
}

// On SQLite there is one writer.
func assumptionsOfLocked(t *testing.T, p Place) {
	if p.Kind == db.SQLite {
		return
	}
	f := seeded(t, p)
	f.lock(7, "alice", "bob")
	other := p.Open(t)
	holds := usage.Assumption{Writer: 7, Users: []string{"alice"}, Catalogue: f.catalogue()}
	f.must(other.Update(f.ctx, []string{"alice"}, now(), func(usage.Tx) error {
		if err := f.assume(holds); !errors.Is(err, usage.ErrOutdated) {
			t.Errorf("while another transaction has her: %v", err)
		}
		return f.assume(usage.Assumption{Writer: 7, Users: []string{"bob"}, Catalogue: holds.Catalogue})
	}))
}

// Two recorders that keep what they know take turns, and commands come in between. A call of which either knew too
// little would pass a limit, or miss a plan.
func recordersNotice(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 11, 10), date(2026, 11, 10))
	other := *f
	other.db = p.Open(t)
	other.service = &usage.Service{Store: other.db, Thresholds: usage.DefaultThresholds()}
	enforced := usage.RecordOptions{Enforce: true}
	n := 0
	recorded := func(by *fixture, user string) bool {
		n++
		o, err := by.service.Record(f.ctx, now(), call(fmt.Sprint("e", n), user, now(), 1, 1), enforced)
		if err != nil && o.Refusal == nil {
			t.Fatal(err)
		}
		return err == nil
	}
	passed := 0
	for range 20 { // ten of which the plan allows
		for _, by := range []*fixture{f, &other, f, f} {
			if recorded(by, "bob") {
				passed++
			}
		}
	}
	if passed != 10 {
		t.Errorf("%d calls passed, of 10", passed)
	}
	for _, by := range []*fixture{f, &other} {
		by.lock(usage.NoWriter, "alice")
		recorded(by, "alice")
		f.change("alice", now(), func(a plan.Account) (plan.Change, error) { return a.Suspend(now()) })
		if recorded(f, "alice") || recorded(&other, "alice") {
			t.Error("a suspension was not noticed")
		}
		f.change("alice", now(), func(a plan.Account) (plan.Change, error) { return a.Resume(now()) })
		if !recorded(f, "alice") || !recorded(&other, "alice") {
			t.Error("its end was not noticed")
		}
	}
	recorded(f, "carol")
	f.exec("UPDATE usage_summaries SET calls = calls + 100 WHERE user_id = 'carol'")
	f.lock(usage.NoWriter, "carol") // so that it is read
	if recorded(f, "carol") {
		t.Error("a total that is wrong was not read")
	}
	if r, err := other.db.Reconcile(f.ctx, true); err != nil || !r.Repaired {
		t.Fatalf("%+v, %v", r, err)
	}
	if !recorded(f, "carol") {
		t.Error("a repair of the totals was not noticed")
	}
	f.must(other.addPrice("gemini", "gemini-2.5-flash", date(2026, 11, 1), 0, 7, 7))
	o := f.record(call("priced", "alice", now(), 1, 1))
	if o.Entry.Cost != 14 {
		t.Errorf("a price of another process was not noticed: %s", o.Entry.Cost)
	}
	f.mustAgree()
}
