package report

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/usage"
)

type statusView struct {
	Kind          string      `json:"kind"`
	Version       string      `json:"version"`
	Location      string      `json:"location"`
	SchemaVersion int64       `json:"schema_version"`
	SchemaNeeded  int64       `json:"schema_needed"`
	SizeBytes     int64       `json:"size_bytes"`
	Tables        []tableView `json:"tables"`
}

type tableView struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Status describes the database.
func Status(s usage.StorageStatus) Document {
	view := statusView{s.Kind, s.Version, s.Location, s.SchemaVersion, s.SchemaNeeded, s.SizeBytes,
		listOf(s.Tables, func(t usage.TableStatus) tableView { return tableView(t) })}
	grid := gridOf([]string{"table", "rows"}, s.Tables, func(t usage.TableStatus) []Cell {
		return []Cell{TextCell(t.Name), NumberCell(t.Rows)}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.facts(
			factOf("database", s.Kind+" "+s.Version),
			factOf("location", s.Location),
			fact{"schema", schemaSpan(s)},
			factOf("size", size(s.SizeBytes)),
		)
		if len(s.Tables) == 0 {
			t.Note("no tables")
			return nil
		}
		t.Gap()
		return t.table(tableOf([]column{{"TABLE", words}, {"ROWS", number}}, s.Tables, func(t usage.TableStatus) []span {
			return []span{text(t.Name), text(Count(t.Rows))}
		}))
	}}
}

func schemaSpan(s usage.StorageStatus) span {
	switch {
	case s.SchemaVersion == s.SchemaNeeded:
		return good.of(fmt.Sprintf("version %d, up to date", s.SchemaVersion))
	case s.SchemaVersion == 0:
		return bad.of("not created yet")
	case s.SchemaVersion < s.SchemaNeeded:
		return bad.of(fmt.Sprintf("version %d, this program needs %d", s.SchemaVersion, s.SchemaNeeded))
	}
	return bad.of(fmt.Sprintf("version %d, newer than this program's %d", s.SchemaVersion, s.SchemaNeeded))
}

// size writes a number of bytes for people.
func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

type backupView struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// Backup says where a copy of the database is.
func Backup(file string, bytes int64) Document {
	grid := Grid{[]string{"file", "bytes"}, [][]Cell{{TextCell(file), NumberCell(bytes)}}}
	return Document{JSON: backupView{file, bytes}, CSV: grid, Text: func(t *Text) error {
		t.Line("backed up to %s (%s)", file, size(bytes))
		return nil
	}}
}
