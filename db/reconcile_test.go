package db_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
)

// SQLite joins the rows of two queries by looking through one of them for each row of the
// other: with a million totals that would take hours.
func TestReconcileJoinsNothing(t *testing.T) {
	t.Parallel()
	d, _, _, err := db.Create(t.Context(), db.SQLiteFile(filepath.Join(t.TempDir(), "x.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plan, err := d.ExplainReconcile(t.Context())
	if err != nil || len(plan) == 0 {
		t.Fatal(plan, err)
	}
	for _, line := range plan {
		if strings.Contains(line, "JOIN") {
			t.Errorf("it joins: %s", strings.Join(plan, "; "))
		}
	}
}
