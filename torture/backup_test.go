package torture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
)

// TestBackup backs a database up again and again while processes record, enforce, reserve,
// settle and release, and an import is at work. Each copy is restored as
// docs/operations.md says. It agrees with itself, has every call that was acknowledged
// before its backup began, none twice, and none that was not reported.
//
// It is alone on purpose: those who fight 64 at once would leave it neither time nor
// connections.
func TestBackup(t *testing.T) {
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		a := backedUp(t, fresh(t))
		limits := limitsUnderAttack()
		for i := range limits {
			limits[i].max *= 50 // few are refused
		}
		a.must(t, begin(), "init", "--rehearsal", "--plans", a.write(t, "plans.yaml", planFile(limits)))
		a.must(t, begin(), "pricing", "set", "video", "torture", "--second-cost", "1e-06")
		// Doctor complains of calls without a price.
		a.must(t, begin(), "pricing", "set", "mistral", "default", "--request-cost", "0.001")
		backups := backUpUnderFire(t, a)
		a.must(t, begin(), "reconcile")
		final := a.dumpWhole(t)
		slowest, meanwhile := time.Duration(0), 0
		for _, b := range backups {
			slowest, meanwhile = max(slowest, b.took), meanwhile+b.meanwhile
			b.check(t, a, final)
		}
		if meanwhile == 0 {
			t.Error("nobody has written while backups were made")
		}
		t.Logf("%d backups, the slowest took %s; %d operations beside an import, %d of them while a backup was made",
			len(backups), slowest.Round(time.Millisecond), len(backups[len(backups)-1].promised), meanwhile)
	})
}

// backedUp returns the arena, on PostgreSQL in a database of its own: a dump has all that
// is in one.
func backedUp(t *testing.T, a *arena) *arena {
	t.Helper()
	if a.Kind == db.SQLite {
		return a
	}
	for _, tool := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	return newArena(t, a.Database(t, a.name+"_backed_up"))
}

// backup is one backup, and what has to be in it.
type backup struct {
	number    int
	file      string
	promised  []op // that were acknowledged before it began
	imported  bool // all of the import was, too
	meanwhile int  // operations that were acknowledged while it was made
	took      time.Duration
}

// backUpUnderFire makes backups while everybody writes. The import goes on by a share of
// its rows with each, and has ended before the last.
func backUpUnderFire(t *testing.T, a *arena) []*backup {
	t.Helper()
	c := startCrowd(t, a)
	defer c.stop()
	shares := max(2, rounds(t)/10)
	imported := startSlowImport(t, a, shares)
	var backups []*backup
	for n := range shares + 1 {
		c.waitForMore(t)
		if n < shares {
			imported.goOn()
		} else {
			imported.end(t)
		}
		b := &backup{number: n, file: filepath.Join(a.dir,
			fmt.Sprint("backup-", n)), promised: c.acknowledged(), imported: n == shares}
		b.took = a.must(t, begin(), "db", "backup", b.file).took
		b.meanwhile = len(c.acknowledged()) - len(b.promised)
		backups = append(backups, b)
	}
	return backups
}

// restore restores the backup as an empty database's content.
func (b *backup) restore(t *testing.T, a *arena) *arena {
	t.Helper()
	if a.Kind == db.SQLite {
		copied := dbtest.SQLite(t)
		data, err := os.ReadFile(b.file)
		if err == nil {
			err = os.WriteFile(copied.Target.Path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return newArena(t, copied)
	}
	var name string
	if err := a.SQL.QueryRow("SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	copied := a.Database(t, fmt.Sprint(name, "_", b.number))
	out, err := exec.Command("pg_restore", "--no-owner", "--exit-on-error", "--dbname="+copied.URL,
		b.file).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_restore: %s: %s", err, out)
	}
	return newArena(t, copied)
}

// check restores the backup and looks into it. What the database had in the end has to
// have all rows of it that never change.
func (b *backup) check(t *testing.T, a *arena, final map[string][]string) {
	t.Helper()
	copied := b.restore(t, a)
	copied.intact(t)
	if copied.Kind == db.SQLite {
		copied.must(t, begin(), "init", "--rehearsal")
	}
	copied.must(t, begin(), "reconcile")
	copied.must(t, begin(), "doctor")
	for table, rows := range copied.dumpWhole(t) {
		if more := missing(rows, final[table]); len(more) > 0 {
			t.Errorf("backup %d: %d rows of %s were never there, or twice\n%s", b.number, len(more), table,
				strings.Join(first(more), "\n"))
		}
	}
	b.checkPromises(t, copied)
	b.goOn(t, copied)
}

// dumpWhole returns the rows of the tables whose rows never change, whole: all but who last wrote for a user.
func (a *arena) dumpWhole(t testing.TB) map[string][]string {
	t.Helper()
	return map[string][]string{"api_usage_logs": a.dumpTable(t, "api_usage_logs", nil),
		"usage_alerts": a.dumpTable(t, "usage_alerts", nil),
		"users":        a.dumpTable(t, "users", []string{"last_writer"})}
}

// checkPromises requires that what was acknowledged is there, and no half of anything.
func (b *backup) checkPromises(t *testing.T, copied *arena) {
	t.Helper()
	logged, states := map[string]int{}, map[string]string{}
	copied.rows(t, "SELECT event_id, COUNT(*) FROM api_usage_logs GROUP BY event_id", func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		logged[id] = n
		return err
	})
	copied.rows(t, "SELECT reservation_id, status FROM usage_reservations", func(scan func(...any) error) error {
		var id, status string
		err := scan(&id, &status)
		states[id] = status
		return err
	})
	for id, n := range logged {
		if n > 1 {
			t.Errorf("backup %d has %s %d times", b.number, id, n)
		}
	}
	for id, status := range states {
		if (status == "settled") != (logged[id] == 1) {
			t.Errorf("backup %d has half a settlement: the reservation %s is %s, and its event is there %d times", b.number, id,
				status, logged[id])
		}
	}
	lost := b.lost(logged, states)
	if len(lost) > 0 {
		t.Errorf("backup %d lacks %d of what was acknowledged before it began, such as %s", b.number, len(lost),
			strings.Join(first(lost), "; "))
	}
}

// lost returns what was acknowledged and is not there.
func (b *backup) lost(logged map[string]int, states map[string]string) (lost []string) {
	for _, o := range b.promised {
		there := logged[o.id] > 0
		switch o.verb {
		case "reserve":
			there = states[o.id] != ""
		case "settle":
			there = there && states[o.id] == "settled"
		case "release":
			there = states[o.id] == "released"
		}
		if !there {
			lost = append(lost, strings.Join(o.args(), " "))
		}
	}
	for n := range importedRows {
		if b.imported && logged[importedID(n)] == 0 {
			lost = append(lost, importedID(n))
		}
	}
	return lost
}

// goOn requires that the copy is a database like any other: it knows what was recorded,
// and what it counts up by itself continues.
func (b *backup) goOn(t *testing.T, copied *arena) {
	t.Helper()
	again := b.promised[0]
	// Among the few before the first backup there need not be one that records.
	if i := slices.IndexFunc(b.promised, func(o op) bool { return o.verb == "record" }); i >= 0 {
		again = b.promised[i]
		if r := copied.must(t, again.now, again.args()...); !strings.Contains(r.out, `"duplicate"`) {
			t.Errorf("backup %d: %v, which it has: %s", b.number, again.args(), r.out)
		}
	}
	again.verb, again.id = "record", "after the backup"
	if r := copied.must(t, again.now, again.args()...); !strings.Contains(r.out, `"recorded"`) {
		t.Errorf("backup %d: %v: %s", b.number, again.args(), r.out)
	}
}
