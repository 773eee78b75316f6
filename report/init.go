package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
)

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
	}
	return all.document(func(t *Text) {
		t.facts(all.pick(""))
		noteKept(t, "plans", s.PlansKept)
		noteKept(t, "prices", s.PricesKept)
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
