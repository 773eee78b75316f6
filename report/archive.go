package report

import (
	"path/filepath"

	"github.com/alwrity/alwrity-sub/usage"
)

// Archived shows the months that were moved to files in a directory.
func Archived(archives []usage.Archive, dir string) Document {
	return archived(rowsOf(archives, func(a usage.Archive) fields {
		return archivedMonth(a.LogMonth, filepath.Join(dir, a.File), a.SHA256)
	}), "archived")
}

// Archivable shows the months that would be moved to files in a directory.
func Archivable(months []usage.LogMonth, dir string) Document {
	return archived(rowsOf(months, func(m usage.LogMonth) fields {
		return archivedMonth(m, filepath.Join(dir, m.Month.FileName()), "")
	}), "would be archived; nothing was changed")
}

func archivedMonth(m usage.LogMonth, file, sum string) fields {
	return fields{
		{"month", "MONTH", m.Month.String()},
		{"rows", "ROWS", m.Rows},
		{"cost", "COST", m.Cost},
		{"file", "FILE", file},
		{"sha256", "", orNull(sum)},
	}
}

func archived(months rows, what string) Document {
	return Document{JSON: fields{{"months", "", months}}, CSV: months, Text: func(t *Text) {
		t.list(months, "", "nothing to archive: no month that is over has log rows before then")
		if months.count > 0 {
			t.Note("%s %s", Counted(months.count, "month"), what)
		}
	}}
}

func archiveFields(a usage.Archive) fields {
	return fields{
		{"month", "MONTH", a.Month.String()},
		{"rows", "ROWS", a.Rows},
		{"cost", "COST", a.Cost},
		{"file", "FILE", a.File},
		{"sha256", "SHA-256", shown(a.SHA256, dim.of(a.SHA256))},
		{"archived_at", "ARCHIVED", a.At},
	}
}

// Archives lists the months that were moved to files.
func Archives(archives []usage.Archive) Document {
	return rowsOf(archives, archiveFields).document("month rows cost file archived_at sha256", "no month is archived")
}

// Restored says that an archived month is in the log again.
func Restored(a usage.Archive) Document {
	return archiveFields(a).says("%s is in the log again: %s, %s", a.Month, Counted(a.Rows, "row"), a.Cost.Display())
}
