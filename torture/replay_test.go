package torture_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// amounts are calls, tokens and pico-dollars.
type amounts [3]int64

const (
	calls = iota
	tokens
	cost
)

// limit is one of the limits under attack, as the harness understands it: its rules are
// written down here once more, and not taken from the program.
type limit struct {
	name      string
	meter     int
	providers []string // none: all
	max       int64
	warns     bool
}

func (l limit) covers(provider string) bool {
	return len(l.providers) == 0 || slices.Contains(l.providers, provider)
}

// use is how far a limit is used.
type use struct{ used, reserved, requested int64 }

func (u use) fits(l limit) bool {
	return u.used < l.max && u.used+u.reserved+u.requested <= l.max
}

// step is one change of a user's usage that was committed, in the order in which the
// database did so.
type step struct {
	what     string // log: an event that took room by itself; held, settled, released: a reservation
	id       string // of the event or the reservation
	user     string
	provider string
	amount   amounts   // used or held
	now      time.Time // of the operation
	expires  time.Time // of what is held
}

// hold is a reservation that is neither settled nor released.
type hold struct {
	provider string
	amount   amounts
	expires  time.Time
}

// standing is what one user has used and reserved at one position of the journal.
type standing struct {
	used map[string]amounts // by provider
	held map[string]hold    // by reservation
}

func newStanding() *standing { return &standing{map[string]amounts{}, map[string]hold{}} }

// of returns how far a limit is used for someone whose clock says now.
func (s *standing) of(l limit, now time.Time) use {
	var u use
	for provider, amount := range s.used {
		if l.covers(provider) {
			u.used += amount[l.meter]
		}
	}
	for _, h := range s.held {
		if l.covers(h.provider) && now.Before(h.expires) {
			u.reserved += h.amount[l.meter]
		}
	}
	return u
}

func (s *standing) apply(c step) {
	switch c.what {
	case "held":
		s.held[c.id] = hold{c.provider, c.amount, c.expires}
	case "released":
		delete(s.held, c.id)
	case "settled":
		delete(s.held, c.id)
		fallthrough
	case "log":
		sum := s.used[c.provider]
		for i, n := range c.amount {
			sum[i] += n
		}
		s.used[c.provider] = sum
	}
}

// keepJournal has the database itself write down the order in which usage is taken and
// given back. A decision about a user is made and written under the lock of that user's
// row, so the journal has each user's changes in the order in which they became true.
func (a *arena) keepJournal(t testing.TB) {
	t.Helper()
	if a.Kind == db.SQLite {
		a.exec(t, "CREATE TABLE torture_journal (seq INTEGER PRIMARY KEY, what TEXT NOT NULL, id TEXT NOT NULL)",
			"CREATE TRIGGER torture_log AFTER INSERT ON api_usage_logs BEGIN INSERT INTO torture_journal (what, id) VALUES "+
				"('log', NEW.event_id); END",
			"CREATE TRIGGER torture_held AFTER INSERT ON usage_reservations BEGIN INSERT INTO torture_journal (what, id) "+
				"VALUES (NEW.status, NEW.reservation_id); END",
			"CREATE TRIGGER torture_closed AFTER UPDATE ON usage_reservations BEGIN INSERT INTO torture_journal (what, id) "+
				"VALUES (NEW.status, NEW.reservation_id); END")
		return
	}
	a.exec(t, "CREATE TABLE torture_journal (seq BIGSERIAL PRIMARY KEY, what TEXT NOT NULL, id TEXT NOT NULL)",
		`CREATE FUNCTION torture_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO torture_journal (what, id) VALUES ('log', NEW.event_id); RETURN NULL; END $$`,
		`CREATE FUNCTION torture_reservation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO torture_journal (what, id) VALUES (NEW.status, NEW.reservation_id); RETURN NULL; END $$`,
		"CREATE TRIGGER torture_log AFTER INSERT ON api_usage_logs FOR EACH ROW EXECUTE FUNCTION torture_log()",
		"CREATE TRIGGER torture_reservation AFTER INSERT OR UPDATE ON usage_reservations FOR EACH ROW EXECUTE FUNCTION "+
			"torture_reservation()")
}

// journal returns each user's changes in their order. A settlement writes to the log and
// to the reservation, in one transaction: that is one change.
func (a *arena) journal(t testing.TB) map[string][]step {
	t.Helper()
	events, reservations, settledBy := a.events(t), map[string]step{}, map[string]string{}
	a.rows(t, `SELECT reservation_id, user_id, provider, calls, tokens, cost_pico,
		created_at, expires_at, event_id FROM usage_reservations`,
		func(scan func(...any) error) error {
			var s step
			var event string
			var created, expires moment
			err := scan(&s.id, &s.user, &s.provider, &s.amount[calls], &s.amount[tokens], &s.amount[cost], &created, &expires,
				&event)
			s.now, s.expires = created.Time, expires.Time
			reservations[s.id] = s
			if event != "" {
				settledBy[event] = s.id
			}
			return err
		})
	users := map[string][]step{}
	a.rows(t, "SELECT what, id FROM torture_journal ORDER BY seq", func(scan func(...any) error) error {
		var what, id string
		err := scan(&what, &id)
		s := reservations[id]
		switch reservation := settledBy[id]; {
		case what == "settled":
			return err // its event stands in the journal too
		case what == "log" && reservation != "":
			s = events[id]
			what, s.id = "settled", reservation
		case what == "log":
			s = events[id]
		}
		s.what = what
		users[s.user] = append(users[s.user], s)
		return err
	})
	return users
}

func (a *arena) events(t testing.TB) map[string]step {
	t.Helper()
	events := map[string]step{}
	a.rows(t, "SELECT event_id, user_id, provider, requests, input_tokens + output_tokens, cost_pico, recorded_at FROM "+
		"api_usage_logs",
		func(scan func(...any) error) error {
			var s step
			var recorded moment
			err := scan(&s.id, &s.user, &s.provider, &s.amount[calls], &s.amount[tokens], &s.amount[cost], &recorded)
			s.now = recorded.Time
			events[s.id] = s
			return err
		})
	return events
}

// tally is what a replay of the journal has found.
type tally struct {
	takes, filled int                         // takes, and those that filled a limit to its last unit
	final         map[string]*standing        // of each user
	overrun       map[string]map[string]int64 // by user and limit: what settlements posted beyond their hold
}

// replay goes through the journal and requires of every reservation and every enforced
// event that it fitted at its place in the order: not one unit over, at no moment. Only a
// settlement may post more than was free, and only what it reported beyond its hold. A hold
// has ended once anybody's clock has passed its end: who read the clock earlier and waited
// for the lock comes too late, for others have taken what it held.
func replay(t testing.TB, limits []limit, journal map[string][]step) tally {
	t.Helper()
	sum := tally{final: map[string]*standing{}, overrun: map[string]map[string]int64{}}
	for user, steps := range journal {
		now := newStanding()
		over := map[string]int64{}
		var latest time.Time
		for i, s := range steps {
			if s.now.After(latest) {
				latest = s.now
			}
			for _, l := range limits {
				if l.warns || !l.covers(s.provider) {
					continue
				}
				u := now.of(l, s.now)
				u.requested = s.amount[l.meter]
				switch {
				case s.what == "settled":
					over[l.name] += now.beyond(s, l, latest)
				case s.what == "released":
				case !u.fits(l):
					t.Errorf("%s: change %d (%s %s) took %d of %s with %d used and %d reserved of %d", user, i, s.what, s.id,
						u.requested, l.name, u.used, u.reserved, l.max)
				case u.used+u.reserved+u.requested == l.max:
					sum.filled++
				}
			}
			if s.what == "held" || s.what == "log" {
				sum.takes++
			}
			now.apply(s)
		}
		sum.final[user], sum.overrun[user] = now, over
		for _, l := range limits {
			if u := now.of(l, time.Time{}); !l.warns && u.used > l.max+over[l.name] {
				t.Errorf("%s has used %d of %s: more than the %d of the limit and the %d that settlements reported beyond what "+
					"they had reserved",
					user, u.used, l.name, l.max, over[l.name])
			}
		}
	}
	return sum
}

// beyond returns how much more a settlement posts than its reservation still held.
func (s *standing) beyond(c step, l limit, now time.Time) int64 {
	held := int64(0)
	if h, ok := s.held[c.id]; ok && now.Before(h.expires) {
		held = h.amount[l.meter]
	}
	return max(0, c.amount[l.meter]-held)
}

// seen is what the program said of a limit when it decided.
type seen struct {
	name string
	use
	max int64
}

// wasTrue tells whether a decision saw what was true at some position of the journal for
// its clock: a refusal that counts what is not there refuses units that are free.
func wasTrue(limits []limit, steps []step, now time.Time, decision []seen) bool {
	at := newStanding()
	for i := 0; ; i++ {
		if matches(limits, at, now, decision) {
			return true
		}
		if i == len(steps) {
			return false
		}
		at.apply(steps[i])
	}
}

func matches(limits []limit, at *standing, now time.Time, decision []seen) bool {
	for _, s := range decision {
		i := slices.IndexFunc(limits, func(l limit) bool { return l.name == s.name })
		if i < 0 {
			return false
		}
		if u := at.of(limits[i], now); u.used != s.used || u.reserved != s.reserved || limits[i].max != s.max {
			return false
		}
	}
	return true
}
