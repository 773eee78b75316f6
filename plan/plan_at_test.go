package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func TestPlanAt(t *testing.T) {
	first, second := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	limits := func(max int64) []plan.Limit { return []plan.Limit{{Name: "texts", Meter: plan.Calls, Max: max}} }
	p := plan.Plan{ID: 7, Name: "Pro", Tier: "pro", Past: []plan.Version{
		{Until: first, Figures: plan.Figures{Monthly: 10, Yearly: 100, Limits: limits(1), Overage: plan.OverageAllow,
			MarkupMillionths: 5}},
		{Until: second, Figures: plan.Figures{Monthly: 20, Yearly: 200, Limits: limits(2)}},
	}, Figures: plan.Figures{Monthly: 30, Yearly: 300, Limits: limits(3)}}
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "10 100 1 allow 5"},
		{first.Add(-time.Microsecond), "10 100 1 allow 5"},
		{first, "20 200 2 block 0"},
		{second.Add(-time.Microsecond), "20 200 2 block 0"},
		{second, "30 300 3 block 0"},
		{second.AddDate(9, 0, 0), "30 300 3 block 0"},
	} {
		then := p.At(c.at)
		got := fmt.Sprint(int64(then.Monthly), " ", int64(then.Yearly), " ", then.Limits[0].Max, " ", then.Overage, " ",
			then.MarkupMillionths)
		if got != c.want || then.ID != 7 || then.Name != "Pro" {
			t.Errorf("at %s: %s %+v, want %s", c.at, got, then, c.want)
		}
		v := plan.Version{Until: c.at, Figures: then.Figures}
		again := plan.Plan{ID: 7, Name: "Pro", Tier: "pro", Past: []plan.Version{v}}.At(c.at.Add(-1))
		if !v.Until.Equal(c.at) || !again.Equal(then) {
			t.Errorf("the version at %s is %+v", c.at, v)
		}
	}
	if p.Monthly != pricing.USD(30) || len(p.Limits) != 1 || p.Limits[0].Max != 3 {
		t.Errorf("looking back changed the plan: %+v", p)
	}
}
