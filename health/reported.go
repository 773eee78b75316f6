package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// comparison is what calls of a model have cost by their events and by our own prices.
type comparison struct {
	name          string
	reported, own pricing.Total
}

// reported compares what vendors have reported with our own prices, where both exist. That they differ is for people to
// know, and no fault: a vendor may give a discount. Where nothing can be compared there is no check.
func (s *Service) reported(ctx context.Context, _ time.Time, _ *Configuration) ([]Check, error) {
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[string]*comparison{}
	err = s.Store.ReportedEvents(ctx, func(e *usage.Entry) error {
		call := e.Call()
		call.Reported = pricing.ReportedCost{}
		own, err := book.Charge(&call)
		if err != nil || own.Basis == pricing.Unpriced { // one that can't be rated is compared with nothing
			return nil
		}
		name := strings.TrimSpace(e.Provider + " " + e.Model)
		if sums[name] == nil {
			sums[name] = &comparison{name: name}
		}
		c := sums[name]
		c.reported, c.own = c.reported.Add(pricing.TotalOf(e.Reported.USD)), c.own.Add(pricing.TotalOf(own.Cost))
		return nil
	})
	if err != nil || len(sums) == 0 {
		return nil, err
	}
	var differ []comparison
	for _, c := range sums {
		if c.reported.Cmp(c.own) != 0 {
			differ = append(differ, *c)
		}
	}
	check := Check{Name: "reported costs", OK: true, Detail: "as our own prices say"}
	if len(differ) == 0 {
		return []Check{check}, nil
	}
	slices.SortFunc(differ, func(a, b comparison) int { return cmp.Compare(a.name, b.name) })
	var parts []string
	for _, c := range differ[:min(len(differ), mostModels)] {
		parts = append(parts, fmt.Sprintf("%s: %s reported, %s by our prices", failure.Shorten(c.name), c.reported.Display(),
			c.own.Display()))
	}
	if more := len(differ) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d models more", more))
	}
	check.Detail = "other than our own prices say: " + strings.Join(parts, "; ")
	return []Check{check}, nil
}
