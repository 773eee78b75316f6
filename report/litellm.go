package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// LiteLLMImport shows what importing LiteLLM's price file has done, or would do.
func LiteLLMImport(r catalogue.LiteLLMImport, dryRun bool) Document {
	changes := rowsOf(allChanges(r.Changes), priceChange)
	skipped := rowsOf(r.Skipped, func(s pricing.SkippedModel) fields {
		return fields{{"provider", "PROVIDER", s.Provider}, {"model", "NOT IMPORTED", name(s.Model)},
			{"reason", "WHY", s.Reason}}
	})
	leftOut := rowsOf(counts(r.LeftOut), func(c counting) fields {
		return fields{{"key", "LEFT OUT", c.name}, {"models", "MODELS", c.count}}
	})
	others := rowsOf(counts(r.Others), func(c counting) fields {
		return fields{{"provider", "", c.name}, {"models", "", c.count}}
	})
	all := fields{{"applied", "", !dryRun}, {"unchanged", "", r.Unchanged}, {"changes", "", changes},
		{"skipped", "", skipped}, {"left_out", "", leftOut}, {"other_providers", "", others}}
	return Document{JSON: all, CSV: changes, Text: func(t *Text) {
		for _, c := range r.Changes.Prices {
			t.priceChange(c)
		}
		for _, list := range []rows{skipped, leftOut} {
			if list.count > 0 {
				t.table(list.table(""))
				t.Gap()
			}
		}
		if len(r.Others) > 0 {
			models := 0
			for _, n := range r.Others {
				models += n
			}
			t.Note("%s of providers that are not known here: %s", failure.Counted(models, "model"),
				strings.Join(slices.Sorted(maps.Keys(r.Others)), ", "))
		}
		done := "%s added, %s unchanged, %s not imported"
		if dryRun {
			done = "%s to be added, %s unchanged, %s not imported; nothing applied"
		}
		t.Note(done, failure.Counted(len(r.Changes.Prices), "price"), Count(int64(r.Unchanged)), Count(int64(len(r.Skipped))))
	}}
}

// counting is a name that occurs so many times.
type counting struct {
	name  string
	count int
}

// counts returns how often names occur, the most frequent first.
func counts(names map[string]int) []counting {
	var all []counting
	for name, n := range names {
		all = append(all, counting{name, n})
	}
	slices.SortFunc(all, func(a, b counting) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.name, b.name))
	})
	return all
}
