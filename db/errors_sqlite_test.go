package db_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// write changes something small.
func write(d *db.DB) error {
	return d.Update(context.Background(), []string{"alice"}, time.Unix(0, 0), func(usage.Tx) error { return nil })
}

// read reads something small.
func read(d *db.DB) error {
	_, err := d.Catalogue(context.Background())
	return err
}

// openErrors opens a target in each way and returns the errors by name.
func openErrors(t *testing.T, target db.Target) map[string]error {
	t.Helper()
	found := map[string]error{}
	for name, open := range map[string]func() (*db.DB, error){
		"open":    func() (*db.DB, error) { return db.Open(t.Context(), target) },
		"inspect": func() (*db.DB, error) { return db.Inspect(t.Context(), target) },
		"create":  func() (*db.DB, error) { d, _, _, err := db.Create(t.Context(), target); return d, err },
	} {
		d, err := open()
		if err == nil {
			err = write(d)
			if closeErr := d.Close(); closeErr != nil {
				t.Error(closeErr)
			}
		}
		found[name] = err
	}
	return found
}

func TestMissingSQLiteFile(t *testing.T) {
	dir := t.TempDir()
	missing := db.SQLiteFile(filepath.Join(dir, "x.db"))
	for _, open := range []func(context.Context, db.Target) (*db.DB, error){db.Open, db.Inspect} {
		_, err := open(t.Context(), missing)
		wantFailure(t, err, failure.Unavailable, "there is no database", "x.db", "no_database_file")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("opening has made %v, %v", left, err)
	}
	_, _, _, err := db.Create(t.Context(), db.SQLiteFile(filepath.Join(dir, "no", "x.db")))
	wantFailure(t, err, failure.Unavailable, "does not exist")
}

func TestDirectoryInsteadOfSQLiteFile(t *testing.T) {
	for name, err := range openErrors(t, db.SQLiteFile(t.TempDir())) {
		t.Run(name, func(t *testing.T) { wantFailure(t, err, failure.Unavailable) })
	}
}

func TestFilesThatAreNoSQLiteDatabase(t *testing.T) {
	place := dbtest.SQLite(t)
	d := place.Create(t)
	if err := d.ChangePrices(t.Context(), usage.Audit{At: time.Unix(0, 0)}, defaultPrices(t)); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := d.Backup(t.Context(), copied, false); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(whole)
	for i := 4096; i < len(broken); i++ {
		broken[i] = byte(i)
	}
	for name, data := range map[string][]byte{
		"a text": bytes.Repeat([]byte("no database\n"), 1000), "its beginning": whole[:1000], "one page": whole[:4096],
		"half of it":    whole[:len(whole)/2],
		"a corrupt one": broken,
	} {
		file := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for how, err := range openErrors(t, db.SQLiteFile(file)) {
			if err == nil { // what can be opened is found out by reading it
				err = readFile(t, file)
			}
			t.Run(name+"/"+how, func(t *testing.T) { wantFailure(t, err, failure.Unavailable) })
		}
	}
}

func readFile(t *testing.T, file string) error {
	d, err := db.Open(t.Context(), db.SQLiteFile(file))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := read(d); err != nil {
		return err
	}
	_, err = d.Reconcile(t.Context(), true)
	return err
}

func defaultPrices(t *testing.T) func(*pricing.Book) (pricing.Catalogue, error) {
	catalogue, err := pricing.DefaultCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	for i := range catalogue.Prices {
		catalogue.Prices[i].Source = pricing.FromCatalogue
	}
	return func(*pricing.Book) (pricing.Catalogue, error) {
		return catalogue, nil
	}
}

// An empty file is a database without tables.
func TestEmptySQLiteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := db.Open(t.Context(), db.SQLiteFile(file))
	wantFailure(t, err, failure.Unavailable, "have not been created", "init")
	d, before, after, err := db.Create(t.Context(), db.SQLiteFile(file))
	if err != nil || before != 0 || after != db.SchemaVersion {
		t.Errorf("from %d to %d, %v", before, after, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// Another handle, as another process has one, writes for too long.
func TestSQLiteLockedByAnother(t *testing.T) {
	place := dbtest.SQLite(t)
	place.Create(t)
	target := db.Impatient(place.Target)
	d, err := db.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	other, err := place.SQL.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, lock := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
		if _, err := other.ExecContext(t.Context(), lock); err != nil {
			t.Fatal(err)
		}
		wantFailure(t, write(d), failure.Unavailable, "locked")
		if err := read(d); err != nil {
			t.Errorf("reading beside one who writes: %s", err)
		}
		if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := write(d); err != nil {
			t.Errorf("once the lock is gone: %s", err)
		}
	}
}

// The tables are made under the lock of another who holds it for too long.
func TestCreateLockedByAnother(t *testing.T) {
	place := dbtest.SQLite(t)
	if err := os.WriteFile(place.Target.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := place.SQL.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = db.Create(t.Context(), db.Impatient(place.Target))
	wantFailure(t, err, failure.Unavailable, "locked")
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}

func TestSchemaOfAnotherVersion(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		d := place.Create(t)
		if _, err := place.SQL.Exec("UPDATE schema_versions SET version_id = version_id + 1 " +
			"WHERE version_id = (SELECT MAX(version_id) FROM schema_versions)"); err != nil {
			t.Fatal(err)
		}
		_, err := db.Open(t.Context(), place.Target)
		wantFailure(t, err, failure.Unavailable, "newer")
		_, _, _, err = db.Create(t.Context(), place.Target)
		wantFailure(t, err, failure.Unavailable, "newer")
		inspected, err := db.Inspect(t.Context(), place.Target)
		if err != nil {
			t.Fatal(err)
		}
		defer inspected.Close()
		if s, err := inspected.Status(t.Context()); err != nil || s.SchemaVersion != db.SchemaVersion+1 ||
			s.SchemaNeeded != db.SchemaVersion {
			t.Errorf("the status is %+v, %v", s, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSchemaMissing(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		if place.Kind == db.SQLite {
			if err := os.WriteFile(place.Target.Path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := db.Open(t.Context(), place.Target)
		wantFailure(t, err, failure.Unavailable, "have not been created", "init")
		d, err := db.Inspect(t.Context(), place.Target)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if s, err := d.Status(t.Context()); err != nil || s.SchemaVersion != 0 || len(s.Tables) != 0 {
			t.Errorf("the status is %+v, %v", s, err)
		}
		wantFailure(t, read(d), failure.Unavailable, "have not been created", "init")
		wantFailure(t, write(d), failure.Unavailable, "have not been created", "init")
		_, err = d.Reconcile(t.Context(), true)
		wantFailure(t, err, failure.Unavailable, "init")
	})
}

// forEach runs a test on both databases.
func forEach(t *testing.T, test func(*testing.T, dbtest.Place)) {
	t.Run("SQLite", func(t *testing.T) { test(t, dbtest.SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, dbtest.PostgreSQL(t)) })
}

// An operation that is interrupted says so, and not that the database is at fault.
func TestInterrupted(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		d := place.Create(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Update(ctx, []string{"alice"}, time.Unix(0, 0), func(tx usage.Tx) error {
			cancel()
			_, err := tx.Book(ctx, "")
			return err
		})
		if err != context.Canceled {
			t.Errorf("got %v", err)
		}
		if users, err := d.Users(t.Context(), usage.UserQuery{Limit: 1}); err != nil || len(users) != 0 {
			t.Errorf("it left %+v, %v", users, err)
		}
	})
}

// Permissions mean nothing to root, so this runs as another user then.
func TestReadOnlySQLite(t *testing.T) {
	if os.Geteuid() == 0 {
		runAsNobody(t)
		return
	}
	file := os.Getenv("ALWRITY_TEST_READ_ONLY_DIR")
	if file == "" {
		file = t.TempDir()
	}
	for _, dirToo := range []bool{false, true} {
		dir, err := os.MkdirTemp(file, "")
		if err != nil {
			t.Fatal(err)
		}
		target := db.SQLiteFile(filepath.Join(dir, "x.db"))
		d, _, _, err := db.Create(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(target.Path, 0o400); err != nil {
			t.Fatal(err)
		}
		if dirToo {
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
		}
		for how, err := range openErrors(t, target) {
			t.Run(how, func(t *testing.T) { wantFailure(t, err, failure.Unavailable) })
		}
		if err := os.Chmod(target.Path, 0); err != nil {
			t.Fatal(err)
		}
		for how, err := range openErrors(t, target) {
			t.Run(how, func(t *testing.T) { wantFailure(t, err, failure.Unavailable) })
		}
		if dirToo {
			for how, err := range openErrors(t, db.SQLiteFile(filepath.Join(dir, "new.db"))) {
				t.Run(how, func(t *testing.T) { wantFailure(t, err, failure.Unavailable) })
			}
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// runAsNobody runs the same test in a process without root's powers. The binary is
// copied to where that user can reach it.
func runAsNobody(t *testing.T) {
	dir, err := os.MkdirTemp("", "alwrity-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for _, step := range []error{
		os.WriteFile(filepath.Join(dir, "db.test"), binary, 0o755), os.Mkdir(filepath.Join(dir, "data"), 0o700),
		os.Chown(filepath.Join(dir, "data"), nobody, nobody), os.Chmod(dir, 0o755),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	command := exec.Command(filepath.Join(dir, "db.test"), "-test.run=^TestReadOnlySQLite$", "-test.v")
	command.Dir = dir
	command.Env = append(os.Environ(), "ALWRITY_TEST_READ_ONLY_DIR="+filepath.Join(dir, "data"), "GOCOVERDIR=")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS: TestReadOnlySQLite")) {
		t.Errorf("%v\n%s", err, output)
	}
}
