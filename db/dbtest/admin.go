package dbtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func adminTests() []test {
	return []test{
		{"audit/every change of an admin, newest first", auditLog},
		{"status/tables, sizes and versions", status},
		{"backup/is restored and agrees", backup},
		{"backup/never overwrites, and leaves nothing when it fails", backupFails},
		{"scratch/is empty, apart from the rest, and goes away", scratch},
	}
}

func auditLog(t *testing.T, p Place) {
	f := seeded(t, p)
	f.exec("DELETE FROM audit_log")
	f.must(f.addPrice("openai", "gpt-x", now(), 1, 0, 0))
	f.must(f.addPrice("openai", "gpt-x", now().AddDate(0, 0, 1), 2, 0, 0))
	pro := f.plan("Pro")
	f.savePlans(pro) // unchanged: not in the log
	pro.Monthly++
	f.savePlans(pro)
	f.subscribe("alice", "Pro", now(), now())
	f.must(f.db.ChangePlans(f.ctx, f.audit("plans apply"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return nil, []int64{f.plan("Open").ID}, nil
	}))
	entries, err := f.db.Audit(f.ctx, 0, 100)
	f.must(err)
	var texts []string
	for _, e := range entries {
		if e.Actor != "tester" || !e.At.Equal(now()) {
			t.Errorf("an entry says %+v", e)
		}
		texts = append(texts, fmt.Sprintf("%s: %s %t %t", e.Action, e.Subject, e.Before != "", e.After != ""))
	}
	wantEqual(t, "the audit log", texts, []string{
		"plans apply: plan Open true false", "users change: user alice false true", "plans apply: plan Pro true true",
		"pricing set: price openai gpt-x true true", "pricing set: price openai gpt-x false true"})
	if last, err := f.db.Audit(f.ctx, 0, 2); err != nil || len(last) != 2 || last[0].Subject != "plan Open" {
		t.Errorf("the last two are %+v, %v", last, err)
	}
}

func status(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("e1", "alice", now(), 1, 1))
	quick, err := f.db.Status(f.ctx)
	f.must(err)
	if quick.Tables != nil {
		t.Errorf("a status that costs the same at any size has counted %v", quick.Tables)
	}
	s, err := f.db.Counted(f.ctx)
	f.must(err)
	if s.Kind != string(p.Kind) || s.SchemaVersion != db.SchemaVersion || s.SchemaNeeded != db.SchemaVersion ||
		s.SizeBytes <= 0 ||
		!strings.Contains(s.Version, " ") || s.Location != p.Target.Redacted() {
		t.Errorf("the status is %+v", s)
	}
	rows := map[string]int64{}
	for _, table := range s.Tables {
		rows[table.Name] = table.Rows
		if got := int64(f.count(table.Name)); got != table.Rows {
			t.Errorf("%s has %d rows, the status says %d", table.Name, got, table.Rows)
		}
	}
	if rows["api_usage_logs"] != 1 || rows["users"] != 1 || len(rows) < 14 {
		t.Errorf("the tables are %v", rows)
	}
}

// backup backs a database up, restores it, and finds everything in it again.
func backup(t *testing.T, p Place) {
	if p.Kind == db.PostgreSQL {
		p = ownDatabase(t, p)
	}
	f := seeded(t, p)
	for i := range 20 {
		f.record(call(fmt.Sprint("é", i), "alice", now(), int64(i), 1))
	}
	file := filepath.Join(t.TempDir(), "bäck up%41.db")
	f.must(f.db.Backup(f.ctx, file, false))
	copied := &fixture{TB: t, ctx: f.ctx, place: restored(t, p, file)}
	copied.db = copied.place.Open(t)
	copied.service = &usage.Service{Store: copied.db}
	copied.mustAgree()
	wantEqual(t, "the log", copied.logs(), f.logs())
	wantEqual(t, "the alerts", copied.alerts("", false), f.alerts("", false))
	wantEqual(t, "the plans", copied.plan("Pro"), f.plan("Pro"))
	if o := copied.record(call("é1", "alice", now(), 1, 1)); o.Status != usage.Duplicate {
		t.Errorf("an event of before the backup is %s", o.Status)
	}
	// The copy goes on: what a database counts up by itself continues.
	copied.must(copied.addPrice("openai", "new", now(), 1, 0, 0))
	copied.addAlerts(alert("bob", "new", 80))
	copied.subscribe("bob", "Pro", now(), now())
	copied.record(call("new", "bob", now(), 1, 1))
	copied.mustAgree()
}

// ownDatabase makes a whole PostgreSQL database, since that is what is dumped.
func ownDatabase(t *testing.T, p Place) Place {
	for _, tool := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	return p.Database(t, ownName("backup"))
}

func restored(t *testing.T, p Place, file string) Place {
	if p.Kind == db.SQLite {
		copied := SQLite(t)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied.Target.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	copied := p.Database(t, ownName("copy"))
	output, err := exec.Command("pg_restore", "--no-owner", "--exit-on-error", "--dbname="+copied.URL,
		file).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_restore: %s: %s", err, output)
	}
	return copied
}

func backupFails(t *testing.T, p Place) {
	if p.Kind == db.PostgreSQL {
		if _, err := exec.LookPath("pg_dump"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("pg_dump is not installed, and a test that did not run has not passed")
			}
			t.Skip("pg_dump is not installed")
		}
	}
	f := seeded(t, p)
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	f.must(os.WriteFile(taken, []byte("precious"), 0o600))
	wantFailure(t, f.db.Backup(f.ctx, taken, false), failure.Conflict, taken, "exists")
	if data, err := os.ReadFile(taken); err != nil || !bytes.Equal(data, []byte("precious")) {
		t.Errorf("the file is now %q, %v", data, err)
	}
	nowhere := filepath.Join(dir, "no", "such", "directory")
	wantFailure(t, f.db.Backup(f.ctx, nowhere, false), failure.Unavailable, "directory")
	left, err := os.ReadDir(dir)
	f.must(err)
	if len(left) != 1 {
		t.Errorf("it left %v", left)
	}
}

func scratch(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("e1", "alice", now(), 1, 1))
	d, remove, err := db.Scratch(f.ctx, p.Target)
	f.must(err)
	if s, err := d.Status(f.ctx); err != nil || s.SchemaVersion != db.SchemaVersion || s.Kind != string(p.Kind) {
		t.Errorf("the scratch database: %+v, %v", s, err)
	}
	entries, err := d.Logs(f.ctx, usage.LogQuery{Limit: 10})
	f.must(err)
	if len(entries) != 0 {
		t.Errorf("it has %+v", entries)
	}
	f.must(d.ChangePrices(f.ctx, f.audit("test"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Providers: []pricing.Provider{{Name: "scratch", Vendor: "scratch"}}}, nil
	}))
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	if _, ok := book.Providers["scratch"]; ok {
		t.Error("what was written to the scratch database stands in the other one")
	}
	f.must(remove())
	if _, err := d.Logs(f.ctx, usage.LogQuery{Limit: 10}); err == nil {
		t.Error("it can be read after it was removed")
	}
	if len(f.logs()) != 1 {
		t.Error("the log has changed")
	}
}
