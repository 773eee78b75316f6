package report

import (
	"path/filepath"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type archivedView struct {
	Months []archivedMonthView `json:"months"`
}

type archivedMonthView struct {
	Month  string        `json:"month"`
	Rows   int64         `json:"rows"`
	Cost   pricing.Total `json:"cost"`
	File   string        `json:"file"`
	SHA256 *string       `json:"sha256"`
}

// Archived shows the months that were moved to files in a directory.
func Archived(archives []usage.Archive, dir string) Document {
	return archivedDocument(listOf(archives, func(a usage.Archive) archivedMonthView {
		return archivedMonthView{a.Month.String(), a.Rows, a.Cost, filepath.Join(dir, a.File), orNull(a.SHA256)}
	}), "archived")
}

// Archivable shows the months that would be moved to files in a directory.
func Archivable(months []usage.LogMonth, dir string) Document {
	return archivedDocument(listOf(months, func(m usage.LogMonth) archivedMonthView {
		return archivedMonthView{m.Month.String(), m.Rows, m.Cost, filepath.Join(dir, m.Month.FileName()), nil}
	}), "would be archived; nothing was changed")
}

func archivedDocument(months []archivedMonthView, what string) Document {
	grid := gridOf([]string{"month", "rows", "cost", "file", "sha256"}, months, func(m archivedMonthView) []Cell {
		sum := ""
		if m.SHA256 != nil {
			sum = *m.SHA256
		}
		return []Cell{TextCell(m.Month), NumberCell(m.Rows), MoneyCell(m.Cost), TextCell(m.File), TextCell(sum)}
	})
	return Document{JSON: archivedView{months}, CSV: grid, Text: func(t *Text) error {
		if len(months) == 0 {
			t.Note("nothing to archive: no month that is over has log rows before then")
			return nil
		}
		err := t.table(tableOf([]column{{"MONTH", words}, {"ROWS", number}, {"COST", money}, {"FILE", words}}, months, func(m archivedMonthView) []span {
			return []span{text(m.Month), text(Count(m.Rows)), text(m.Cost.Display()), text(m.File)}
		}))
		t.Note("%s %s", Counted(int64(len(months)), "month"), what)
		return err
	}}
}

type archiveView struct {
	Month      string        `json:"month"`
	Rows       int64         `json:"rows"`
	Cost       pricing.Total `json:"cost"`
	File       string        `json:"file"`
	SHA256     string        `json:"sha256"`
	ArchivedAt moment        `json:"archived_at"`
}

func viewArchive(a usage.Archive) archiveView {
	return archiveView{a.Month.String(), a.Rows, a.Cost, a.File, a.SHA256, moment(a.At)}
}

func (v archiveView) cells() []Cell {
	return []Cell{TextCell(v.Month), NumberCell(v.Rows), MoneyCell(v.Cost), TextCell(v.File), TextCell(v.SHA256), Cell(v.ArchivedAt.String())}
}

func archiveHeader() []string {
	return []string{"month", "rows", "cost", "file", "sha256", "archived_at"}
}

// Archives lists the months that were moved to files.
func Archives(archives []usage.Archive) Document {
	views := listOf(archives, viewArchive)
	return listDocument(views, gridOf(archiveHeader(), views, archiveView.cells), func(t *Text) error {
		if len(archives) == 0 {
			t.Note("no month is archived")
			return nil
		}
		columns := []column{{"MONTH", words}, {"ROWS", number}, {"COST", money}, {"FILE", words}, {"ARCHIVED", words}, {"SHA-256", words}}
		return t.table(tableOf(columns, archives, func(a usage.Archive) []span {
			return []span{text(a.Month.String()), text(Count(a.Rows)), text(a.Cost.Display()), text(a.File), text(Time(a.At)), dim.of(a.SHA256)}
		}))
	})
}

// Restored says that an archived month is in the log again.
func Restored(a usage.Archive) Document {
	view := viewArchive(a)
	return Document{JSON: view, CSV: Grid{archiveHeader(), [][]Cell{view.cells()}}, Text: func(t *Text) error {
		t.Line("%s is in the log again: %s, %s", a.Month, Counted(a.Rows, "row"), a.Cost.Display())
		return nil
	}}
}
