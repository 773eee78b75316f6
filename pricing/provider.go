package pricing

import (
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/alwrity/alwrity-sub/failure"
)

// Provider is the kind of API that a call is billed under. Providers are data:
// the list grows by catalogue, not by code.
type Provider struct {
	Name string
	// Vendor is who serves its calls where no VendorRule says otherwise.
	Vendor string
	// VendorRules are tried in order; the first that matches the model wins.
	VendorRules []VendorRule
	// CharactersAreInputTokens says that an event that gives characters and no
	// input tokens is charged one input token for each character.
	CharactersAreInputTokens bool
}

// VendorRule names the vendor of the models whose name contains a text, upper
// and lower case alike.
type VendorRule struct {
	Contains string
	Vendor   string
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

// Find returns the provider of a name, or an invalid failure that names the
// nearest one that there is.
func (ps Providers) Find(name string) (Provider, error) {
	if p, ok := ps[name]; ok {
		return p, nil
	}
	if len(ps) == 0 {
		return Provider{}, failure.Unavailablef("there are no providers: prices have not been seeded").WithHint("run: alwrity-sub init")
	}
	names := make([]string, 0, len(ps))
	for known := range ps {
		names = append(names, known)
	}
	return Provider{}, UnknownName(failure.Invalid, "provider", name, names)
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

// UnknownName makes the failure for a name that is not among the known ones: it
// suggests the nearest, else lists them all.
func UnknownName(code failure.Code, kind, name string, known []string) *failure.Error {
	err := failure.New(code, "there is no %s %q", kind, Shorten(name))
	if near := Nearest(name, known); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	if len(known) == 0 {
		return err
	}
	return err.WithHint("known are: %s", strings.Join(sorted(known), ", "))
}

// Nearest returns the known name that is most like name, or "" where none is
// like it: more than a third of its letters would have to change.
func Nearest(name string, known []string) string {
	best, bestDistance := "", len(name)
	for _, candidate := range sorted(known) {
		d := levenshtein.ComputeDistance(strings.ToLower(Shorten(name)), strings.ToLower(candidate))
		if d <= (len(candidate)+2)/3 && d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// Shorten cuts a text that is too long to be shown in a message.
func Shorten(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
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
