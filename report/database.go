package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Status describes the database.
func Status(s usage.StorageStatus) Document {
	tables := rowsOf(s.Tables, func(t usage.TableStatus) fields {
		return fields{{"name", "TABLE", jsonOnly(t.Name)}, {"table", "", csvOnly(t.Name)}, {"rows", "ROWS", t.Rows}}
	})
	all := fields{
		{"kind", "database", shown(s.Kind, text(s.Kind+" "+s.Version))},
		{"version", "", s.Version},
		{"location", "location", s.Location},
		{"schema_version", "schema", shown(s.SchemaVersion, schemaSpan(s))},
		{"schema_needed", "", s.SchemaNeeded},
		{"size_bytes", "size", shown(s.SizeBytes, text(Size(s.SizeBytes)))},
		{"tables", "", tables},
	}
	return Document{JSON: all, CSV: tables, Text: func(t *Text) {
		t.facts(all.pick(""))
		if len(s.Tables) > 0 {
			t.Gap()
		}
		t.list(tables, "", "no tables")
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

// Backup says where a copy of the database is.
func Backup(file string, bytes int64) Document { return fileDocument("backed up", file, bytes) }

// Written says which file a page was written to, and how large it is.
func Written(file string, bytes int64) Document { return fileDocument("written", file, bytes) }

func fileDocument(done, file string, bytes int64) Document {
	return fields{{"file", "", file}, {"bytes", "", bytes}}.says("%s to %s (%s)", done, file, Size(bytes))
}

// VersionInfo says what this binary is.
type VersionInfo struct {
	Version  string
	Go       string // version of Go that built it
	Platform string // such as linux/amd64
	SQLite   string // version of SQLite in it
}

// Version shows what this binary is.
func Version(v VersionInfo) Document {
	const name = "alwrity-sub"
	return fields{
		{"name", "", name}, {"version", "", v.Version}, {"go", "", v.Go}, {"platform", "", v.Platform}, {"sqlite", "",
			v.SQLite},
	}.says("%s %s (%s, %s, SQLite %s)", name, v.Version, v.Go, v.Platform, v.SQLite)
}

// InitSummary is what init has done.
type InitSummary struct {
	Location                  string // of the database, without a password
	SchemaBefore, SchemaAfter int64
	catalogue.Seeded
}

// Init shows what init has done.
func Init(s InitSummary) Document {
	added := seeded(s.PricesAdded, 0, s.PricesUnchanged, len(s.PricesKept)) + " of " +
		failure.Counted(s.Providers, "provider")
	all := fields{
		{"database", "database", s.Location},
		{"schema", "schema", shown(fields{{"before", "", s.SchemaBefore}, {"after", "", s.SchemaAfter}},
			text(schemaStep(s.SchemaBefore, s.SchemaAfter)))},
		{"plans", "plans", shown(fields{{"added", "", s.PlansAdded}, {"updated", "", s.PlansUpdated},
			{"unchanged", "", s.PlansUnchanged}, {"kept", "", counted(s.PlansKept)}},
			text(seeded(s.PlansAdded, s.PlansUpdated, s.PlansUnchanged, len(s.PlansKept))))},
		{"prices", "prices", shown(fields{{"added", "", s.PricesAdded}, {"unchanged", "", s.PricesUnchanged},
			{"kept", "", counted(s.PricesKept)}}, text(added))},
		{"providers", "", s.Providers},
		{"aliases", "", jsonOnly(fields{{"added", "", s.AliasesAdded}, {"kept", "", counted(s.AliasesKept)}})},
	}
	return all.document(func(t *Text) {
		t.facts(all.pick(""))
		noteKept(t, "plans", s.PlansKept)
		noteKept(t, "prices", s.PricesKept)
		noteKept(t, "aliases", s.AliasesKept)
	})
}

func noteKept(t *Text, kind string, kept []string) {
	if len(kept) > 0 {
		t.Note("these %s differ from the catalogue and stay as they were set: %s", kind, strings.Join(kept, ", "))
	}
}

func schemaStep(before, after int64) string {
	switch before {
	case after:
		return fmt.Sprintf("version %d, up to date", after)
	case 0:
		return fmt.Sprintf("created, version %d", after)
	}
	return fmt.Sprintf("upgraded from version %d to %d", before, after)
}

func seeded(added, updated, unchanged, kept int) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{added, "added"}, {updated, "updated"}, {unchanged, "unchanged"}, {kept, "kept"}} {
		if p.n > 0 {
			parts = append(parts, Count(int64(p.n))+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return Dash
	}
	return strings.Join(parts, ", ")
}
