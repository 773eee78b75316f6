package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
)

// InitSummary is what init has done.
type InitSummary struct {
	Location                  string // of the database, without a password
	SchemaBefore, SchemaAfter int64
	catalogue.Seeded
}

type initView struct {
	Database string         `json:"database"`
	Schema   schemaView     `json:"schema"`
	Plans    plansSeedView  `json:"plans"`
	Prices   pricesSeedView `json:"prices"`
	Provider int            `json:"providers"`
}

type schemaView struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

type plansSeedView struct {
	Added     int      `json:"added"`
	Updated   int      `json:"updated"`
	Unchanged int      `json:"unchanged"`
	Kept      []string `json:"kept"`
}

type pricesSeedView struct {
	Added     int      `json:"added"`
	Unchanged int      `json:"unchanged"`
	Kept      []string `json:"kept"`
}

// Init shows what init has done.
func Init(s InitSummary) Document {
	view := initView{s.Location, schemaView{s.SchemaBefore, s.SchemaAfter},
		plansSeedView{s.PlansAdded, s.PlansUpdated, s.PlansUnchanged, append([]string{}, s.PlansKept...)},
		pricesSeedView{s.PricesAdded, s.PricesUnchanged, append([]string{}, s.PricesKept...)}, s.Providers}
	grid := Grid{
		Header: []string{"database", "schema_before", "schema_after", "plans_added", "plans_updated", "plans_unchanged", "plans_kept",
			"prices_added", "prices_unchanged", "prices_kept", "providers"},
		Rows: [][]Cell{{TextCell(s.Location), NumberCell(s.SchemaBefore), NumberCell(s.SchemaAfter), NumberCell(int64(s.PlansAdded)),
			NumberCell(int64(s.PlansUpdated)), NumberCell(int64(s.PlansUnchanged)), NumberCell(int64(len(s.PlansKept))),
			NumberCell(int64(s.PricesAdded)), NumberCell(int64(s.PricesUnchanged)), NumberCell(int64(len(s.PricesKept))), NumberCell(int64(s.Providers))}},
	}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.facts(
			factOf("database", s.Location),
			factOf("schema", schemaStep(s.SchemaBefore, s.SchemaAfter)),
			factOf("plans", seeded(s.PlansAdded, s.PlansUpdated, s.PlansUnchanged, len(s.PlansKept))),
			factOf("prices", seeded(s.PricesAdded, 0, s.PricesUnchanged, len(s.PricesKept))+" of "+Counted(s.Providers, "provider")),
		)
		noteKept(t, "plans", s.PlansKept)
		noteKept(t, "prices", s.PricesKept)
		return nil
	}}
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
