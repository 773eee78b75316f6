package v1

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// prices lists the prices in force.
func prices(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := catalogue.PriceQuery{Provider: q.Name("provider"), Model: q.Text("model"), At: cmp.Or(q.Time("at"), c.Now)}
	if err := q.Err(); err != nil {
		return err
	}
	found, aliases, err := c.Catalogue.Prices(c.Context(), wanted)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Prices(found, aliases))
}

// models lists the models with a price that the caller may call.
func models(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := catalogue.PriceQuery{Provider: q.Name("provider"), At: c.Now}
	if err := q.Err(); err != nil {
		return err
	}
	found, aliases, err := c.Catalogue.Prices(c.Context(), wanted)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(p pricing.Price) bool {
		return p.Model == pricing.DefaultModel || !c.Who.MayCall(p.Provider, p.Model)
	})
	return c.Document(w, http.StatusOK, report.Models(found, aliases))
}

// quote answers with what a call would cost, part by part.
func quote(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	call := catalogue.Quote{Provider: q.Name("provider"), Model: q.Text("model"), Tier: q.Text("service_tier"),
		At: cmp.Or(q.Time("at"), c.Now), Quantities: q.Quantities()}
	strict := q.Bool("strict")
	if err := q.Err(); err != nil {
		return err
	}
	if call.Provider == "" {
		return failure.Invalidf("provider is empty: it must be given")
	}
	rating, err := c.Catalogue.Quote(c.Context(), call)
	if err != nil && (rating.Basis != pricing.Unpriced || strict) {
		return err
	}
	return c.Document(w, http.StatusOK, report.Quote(call.Provider, call.Model, rating))
}

// priceHistory lists every price that a model has had.
func priceHistory(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	provider, model := q.Name("provider"), cmp.Or(q.Text("model"), pricing.DefaultModel)
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Catalogue.History(c.Context(), provider, model)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.PriceHistory(found))
}

// setPrice sets the price of a model from a moment on. A cost is text, as for pricing set: 0.000001, or 2.5/1M.
func setPrice(w http.ResponseWriter, c *web.Call) error {
	var body map[string]any
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	setting, err := priceSetting(body)
	if err != nil {
		return err
	}
	changes, err := c.Catalogue.SetPrice(c.Context(), c.Audit("pricing set"), setting, c.Configuration.Lookup)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.PriceChanges(catalogue.Changes{Prices: changes}))
}

// priceSetting reads a change of a price, whose costs are called as those in price lists.
func priceSetting(body map[string]any) (s catalogue.PriceSetting, err error) {
	costs := map[string]**pricing.USD{"above_input_token_cost": &s.AboveInputToken,
		"above_output_token_cost": &s.AboveOutputToken}
	for q := range pricing.QuantityCount {
		costs[q.Unit()+"_cost"] = &s.Rates[q]
	}
	for name, value := range body {
		text, isText := value.(string)
		isMeant, isBool := value.(bool)
		cost, isCost := costs[name]
		switch {
		case value == nil:
		case isCost && isText:
			var amount pricing.USD
			amount, err = pricing.ParseUnitPrice(text)
			*cost = &amount
		case name == "provider" && isText:
			s.Provider = strings.ToLower(text)
		case name == "model" && isText:
			s.Model = text
		case name == "effective_from" && isText:
			s.From, err = optionalTime(name, text)
		case name == "above_input_tokens" && isText:
			s.AboveInputTokens, err = pricing.InputTokens.Parse(name, text)
		case name == "force" && isBool:
			s.Force = isMeant
		case isCost || slices.Contains([]string{"provider", "model", "effective_from", "above_input_tokens", "force"}, name):
			err = failure.Invalidf("%s is no text: numbers are given as text too, such as \"0.000001\" or \"2.5/1M\"", name)
		default:
			err = failure.Invalidf("there is no field %q in a price", failure.Shorten(name))
		}
		if err != nil {
			return s, failure.Within(err, "%s", failure.Shorten(name))
		}
	}
	return s, nil
}
