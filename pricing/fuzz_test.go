package pricing_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/pricing"
)

// FuzzNames: a provider or vendor name that is allowed, and any text as a model or a rule, comes back from a price
// file; what is not allowed is refused by its name.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"openai", "image_edit", "null", "1e3", "-", "0x1f", "no", "a.b", "A", "", "gpt-4o: {x}",
		"模型", "a\"b", "a\\nb", "#c", "*x", "\xff", "a\x00b", "\u2028"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c := pricing.Catalogue{Providers: []pricing.Provider{{Name: "openai", Vendor: "openai"}}}
		if err := pricing.ValidateName("provider", name); err != nil {
			wantInvalid(t, err)
			if !strings.HasPrefix(err.Error(), "provider is ") || !utf8.ValidString(err.Error()) {
				t.Errorf("%q is refused with %q", name, err)
			}
		} else {
			c.Providers[0] = pricing.Provider{Name: name, Vendor: name}
			c.Prices = append(c.Prices, pricing.Price{Provider: name, Model: name, EffectiveFrom: pricing.Beginning()})
		}
		if utf8.ValidString(name) && name != "" {
			c.Providers[0].VendorRules = []pricing.VendorRule{{Contains: name, Vendor: "x"}}
			c.Prices = append(c.Prices, pricing.Price{Provider: c.Providers[0].Name, Model: "m-" + name,
				EffectiveFrom: pricing.Beginning()})
		}
		again, err := pricing.ParseCatalogue("export", []byte(c.YAML()))
		if err != nil {
			t.Fatalf("%v\n%s", err, c.YAML())
		}
		sameCatalogue(t, c, again)
	})
}
