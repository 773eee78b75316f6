package pricing

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Provider is the kind of API that a call is billed under. Providers are data: the list grows by catalogue, not by
// code.
type Provider struct {
	Name string
	// Vendor is who serves its calls where no VendorRule says otherwise.
	Vendor string
	// VendorRules are tried in order; the first that matches the model wins.
	VendorRules []VendorRule
	// CharactersAreInputTokens says that an event that gives characters and no input tokens is charged one input token for
	// each character.
	CharactersAreInputTokens bool
	// FineTunedAsBase says that a fine-tuned model without a price of its own costs what the model costs that was tuned.
	FineTunedAsBase bool
	// CostReported says that a call costs what its event reports, whatever prices there are.
	CostReported bool
}

// VendorRule names the vendor of the models whose name contains a text, upper and lower case alike.
type VendorRule struct {
	Contains string `json:"contains"` // as the column vendor_rules has it
	Vendor   string `json:"vendor"`
}

// Same tells whether two providers are alike in everything.
func (p Provider) Same(q Provider) bool {
	rules := slices.Equal(p.VendorRules, q.VendorRules)
	p.VendorRules, q.VendorRules = nil, nil
	return rules && reflect.DeepEqual(p, q)
}

// VendorOf returns who serves a model of the provider.
func (p Provider) VendorOf(model string) string {
	model = strings.ToLower(model)
	for _, rule := range p.VendorRules {
		if strings.Contains(model, strings.ToLower(rule.Contains)) {
			return rule.Vendor
		}
	}
	return p.Vendor
}

// Providers is every known provider by name.
type Providers map[string]Provider

// Find returns the provider of a name, or an invalid failure that names the nearest known one.
func (ps Providers) Find(name string) (Provider, error) {
	if p, ok := ps[name]; ok {
		return p, nil
	}
	if len(ps) == 0 {
		return Provider{}, failure.Unavailablef("there are no providers: prices have not been seeded").
			WithReason("not_initialized")
	}
	return Provider{}, failure.UnknownName(failure.Invalid, "provider", name, slices.Collect(maps.Keys(ps)))
}

// With returns the providers with others added, or put in place of those of the same name.
func (ps Providers) With(others []Provider) Providers {
	all := make(Providers, len(ps)+len(others))
	maps.Copy(all, ps)
	for _, p := range others {
		all[p.Name] = p
	}
	return all
}

// Sorted returns the providers by name.
func (ps Providers) Sorted() []Provider {
	list := make([]Provider, 0, len(ps))
	for _, p := range ps {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Provider) int { return strings.Compare(a.Name, b.Name) })
	return list
}
