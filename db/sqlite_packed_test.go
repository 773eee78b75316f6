package db_test

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
)

// unpacked returns the rows that packed_rows makes of bytes.
func unpacked(t *testing.T, d *db.DB, packed []byte) ([]string, error) {
	t.Helper()
	rows, err := d.Pool().QueryContext(t.Context(), "SELECT c1, c2, c3 FROM packed_rows(?)", packed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var row [3]any
		if err := rows.Scan(&row[0], &row[1], &row[2]); err != nil {
			return nil, err
		}
		found = append(found, fmt.Sprint(row[:]...))
	}
	return found, rows.Err()
}

// Of bytes that end too early, or that name a length beyond their end, nothing is read
// that is not there.
func TestPackedRows(t *testing.T) {
	d, _, _, err := db.Create(t.Context(), db.SQLiteFile(filepath.Join(t.TempDir(), "x.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	native := binary.NativeEndian
	row := native.AppendUint64([]byte{1}, 42)                         // an integer
	row = append(native.AppendUint32(append(row, 2), 2), "hé"[:2]...) // a text
	row = append(row, 0)                                              // NULL
	packed := append(append(native.AppendUint32(nil, 3), row...), row...)
	if got, err := unpacked(t, d, packed); err != nil || len(got) != 2 || got[0] != got[1] {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := unpacked(t, d, packed[:4]); err != nil || len(got) != 0 {
		t.Errorf("without rows: %q, %v", got, err)
	}
	for length := range packed {
		whole := length == 4 || length == 4+len(row)
		if got, err := unpacked(t, d, packed[:length]); (err == nil) != whole {
			t.Errorf("%d of %d bytes: %q, %v", length, len(packed), got, err)
		}
	}
	for _, columns := range []uint32{0, 33, 1 << 31} {
		if _, err := unpacked(t, d, append(native.AppendUint32(nil, columns), row...)); err == nil {
			t.Errorf("%d columns are taken", columns)
		}
	}
	long := append(native.AppendUint32(native.AppendUint32(nil, 1), 0), 2)
	if _, err := unpacked(t, d, native.AppendUint32(long, 1<<31)); err == nil {
		t.Error("a text that is longer than the rows is taken")
	}
	var text sql.NullString
	if err := d.Pool().QueryRowContext(t.Context(), "SELECT c1 FROM packed_rows").Scan(&text); err == nil {
		t.Error("there are rows without bytes")
	}
}
