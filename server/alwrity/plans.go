package alwrity

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
)

type planShape struct {
	ID           int64          `json:"id"`
	Name         string         `json:"name"`
	Tier         string         `json:"tier"`
	PriceMonthly json.Number    `json:"price_monthly"`
	PriceYearly  json.Number    `json:"price_yearly"`
	Description  string         `json:"description"`
	Features     []string       `json:"features"`
	Limits       map[string]any `json:"limits"`
}

// plans answers with the plans on offer, the cheapest first. Of those that are shown with the same tier the client's
// pricing page has the last alone: there, one whose tier it does not know stands before the one that is of that tier.
func plans(w http.ResponseWriter, c *web.Call) error {
	found, _, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return err
	}
	among := slices.Clone(found)
	slices.SortStableFunc(found, func(a, b plan.Plan) int {
		priceA, ownA := placeOf(a, among)
		priceB, ownB := placeOf(b, among)
		return cmp.Or(cmp.Compare(priceA, priceB), cmp.Compare(ownA, ownB), cmp.Compare(a.Monthly, b.Monthly))
	})
	shapes := []planShape{}
	for _, p := range found {
		shapes = append(shapes, planShape{p.ID, p.Name, tierOf(p, among), dollars(p.Monthly), dollars(p.Yearly),
			p.Description, featuresOf(p), explainedLimits(p)})
	}
	return answer(w, map[string]any{"plans": shapes, "total": len(shapes)})
}

// placeOf says where in the list a plan stands: by the price of the plan whose tier it is shown with, and before that
// plan, for which own is 1.
func placeOf(p plan.Plan, among plan.Plans) (price pricing.USD, own int) {
	tier := tierOf(p, among)
	for _, known := range among {
		if !strings.EqualFold(p.Tier, tier) && strings.EqualFold(known.Tier, tier) {
			return known.Monthly, 0
		}
	}
	return p.Monthly, 1
}

type priceShape struct {
	Provider      string      `json:"provider"`
	ModelName     string      `json:"model_name"`
	PerInput      json.Number `json:"cost_per_input_token"`
	PerOutput     json.Number `json:"cost_per_output_token"`
	PerRequest    json.Number `json:"cost_per_request"`
	PerSearch     json.Number `json:"cost_per_search"`
	PerImage      json.Number `json:"cost_per_image"`
	PerPage       json.Number `json:"cost_per_page"`
	Description   string      `json:"description"`
	EffectiveDate string      `json:"effective_date"`
}

// prices answers with what a unit of each model costs now.
func prices(w http.ResponseWriter, c *web.Call) error {
	name := c.URL.Query().Get("provider")
	found, _, err := c.Catalogue.Prices(c.Context(), catalogue.PriceQuery{At: c.Now})
	if err != nil {
		return err
	}
	wanted, known := ours(name), name == ""
	shapes := []priceShape{}
	for _, p := range found {
		if name != "" && !slices.Contains(wanted, p.Provider) {
			continue
		}
		known = true
		rate := func(q pricing.Quantity) json.Number { return dollars(p.Rates[q]) }
		shapes = append(shapes, priceShape{p.Provider, p.Model, rate(pricing.InputTokens), rate(pricing.OutputTokens),
			rate(pricing.Requests), rate(pricing.Searches), rate(pricing.Images), rate(pricing.Pages),
			p.Model + " of " + p.Provider, stamp(p.EffectiveFrom)})
	}
	if !known {
		return refuse(http.StatusBadRequest, "Invalid provider: "+failure.Shorten(name))
	}
	return answer(w, map[string]any{"pricing": shapes, "total": len(shapes)})
}
