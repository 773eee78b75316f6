package plan_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

func TestParseMarkup(t *testing.T) {
	for text, c := range map[string]struct {
		millionths int64
		written    string
	}{
		"0%": {0, "0%"}, "20%": {200_000, "20%"}, "12.5%": {125_000, "12.5%"}, "020.50%": {205_000, "20.5%"},
		"0.0001%": {1, "0.0001%"},
		"10000%":  {100_000_000, "10000%"}, "9999.9999%": {99_999_999, "9999.9999%"}, "1.00000%": {10_000, "1%"},
		".5%": {5_000, "0.5%"},
	} {
		got, err := plan.ParseMarkup(text)
		if err != nil || got != c.millionths {
			t.Errorf("ParseMarkup(%q) = %d, %v, want %d", text, got, err, c.millionths)
		}
		if written := (plan.Plan{Figures: plan.Figures{MarkupMillionths: got}}).MarkupText(); written != c.written {
			t.Errorf("%s is written as %s, want %s", text, written, c.written)
		}
	}
	for _, text := range []string{"", "%", "20", "0.2", "-1%", "+1%", "1e2%", "1/2%", "0.00001%", "10000.0001%", "1.2.3%",
		"20 %", "20%%", "٢%", "nan%", "0x1%", "1_0%",
		strings.Repeat("0", 100_000) + "%"} {
		_, err := plan.ParseMarkup(text)
		wantFailure(t, err, failure.Invalid)
	}
}

// What is written is exactly so many millionths, and is read back.
func TestMarkupRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		millionths := rapid.Int64Range(0, 100_000_000).Draw(t, "millionths")
		text := plan.Plan{Figures: plan.Figures{MarkupMillionths: millionths}}.MarkupText()
		if got, err := plan.ParseMarkup(text); err != nil || got != millionths {
			t.Fatalf("%d is written as %s and read as %d, %v", millionths, text, got, err)
		}
		percent, _ := new(big.Rat).SetString(strings.TrimSuffix(text, "%"))
		if percent.Cmp(big.NewRat(millionths, 10_000)) != 0 {
			t.Fatalf("%d is written as %s", millionths, text)
		}
	})
}

func TestOverageOfAPlanFile(t *testing.T) {
	for lines, want := range map[string]plan.Plan{
		"":                     {},
		"    overage: block\n": {},
		"    overage: allow\n": {Figures: plan.Figures{Overage: plan.OverageAllow}},
		"    overage: 'allow'\n    overage_markup: \"12.5%\" # a comment\n": {
			Figures: plan.Figures{Overage: plan.OverageAllow, MarkupMillionths: 125_000}},
		"    overage: allow\n    overage_markup: 20%\n": {Figures: plan.Figures{Overage: plan.OverageAllow,
			MarkupMillionths: 200_000}},
	} {
		plans, err := plan.ParseCatalogue("f.yaml", []byte(freePlan+lines), providers(t))
		if err != nil {
			t.Fatalf("%s: %v", lines, err)
		}
		if p := plans[0]; p.Overage != want.Overage || p.MarkupMillionths != want.MarkupMillionths {
			t.Errorf("%s: read as %s %s", lines, p.Overage, p.MarkupText())
		}
	}
}

func TestOverageIsADifference(t *testing.T) {
	have, want := stored(t), stored(t)
	want[1].Overage, want[1].MarkupMillionths = plan.OverageAllow, 200_000
	if have[1].Equal(want[1]) {
		t.Error("plans with and without overage are called the same")
	}
	diffs := plan.Diff(have, want)
	if len(diffs) != 2 || diffs[0] != (plan.Difference{Plan: "Basic", Field: "overage", Before: "block",
		After: "allow"}) ||
		diffs[1] != (plan.Difference{Plan: "Basic", Field: "overage_markup", Before: "0%", After: "20%"}) {
		t.Errorf("the differences are %+v", diffs)
	}
	if seeding := plan.Seed(want, have[1].Source, have); seeding.Unchanged != len(have)-1 {
		t.Errorf("seeding finds %d unchanged", seeding.Unchanged)
	}
}

func TestOnlyWhatBlocksAndIncludesSomethingTakesOverage(t *testing.T) {
	for limit, want := range map[string]bool{"3": true, "0": false, "unlimited": false, "{max: 3, action: warn}": false} {
		plans, err := plan.ParseCatalogue("f.yaml", []byte(limits("texts: "+limit)), providers(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := plans[0].Limits[0].TakesOverage(); got != want {
			t.Errorf("%s: %t", limit, got)
		}
	}
}
