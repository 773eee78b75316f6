package report_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// The rules of FOCUS 1.2, as far as they can be checked on a file and apply to who
// sells subscriptions in one currency, without regions, resources, commitments, taxes
// and tags: https://focus.finops.org/focus-specification/v1-2/

// focusColumn is what the specification says about a column by itself.
type focusColumn struct {
	name    string
	format  string // string, decimal, time, unit, details
	null    bool   // may be null in some row
	allowed []string
}

func focusColumns() []focusColumn {
	return []focusColumn{
		// mandatory
		{"BilledCost", "decimal", false, nil},
		{"BillingAccountId", "string", false, nil},
		{"BillingAccountName", "string", true, nil},
		{"BillingCurrency", "string", false, []string{"USD"}},
		{"BillingPeriodEnd", "time", false, nil},
		{"BillingPeriodStart", "time", false, nil},
		{"ChargeCategory", "string", false, []string{"Usage", "Purchase", "Tax", "Credit", "Adjustment"}},
		{"ChargeClass", "string", true, []string{"Correction"}},
		{"ChargeDescription", "string", true, nil},
		{"ChargePeriodEnd", "time", false, nil},
		{"ChargePeriodStart", "time", false, nil},
		{"ContractedCost", "decimal", false, nil},
		{"EffectiveCost", "decimal", false, nil},
		{"InvoiceIssuerName", "string", false, nil},
		{"ListCost", "decimal", false, nil},
		{"PricingQuantity", "decimal", true, nil},
		{"PricingUnit", "unit", true, nil},
		{"ProviderName", "string", false, nil},
		{"PublisherName", "string", false, nil},
		{"ServiceCategory", "string", false, []string{"AI and Machine Learning"}},
		{"ServiceName", "string", false, nil},
		// recommended
		{"ChargeFrequency", "string", false, []string{"One-Time", "Recurring", "Usage-Based"}},
		{"InvoiceId", "string", true, nil},
		{"ServiceSubcategory", "string", false,
			[]string{"AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing",
				"Other (AI and Machine Learning)"}},
		// where usage is measured
		{"ConsumedQuantity", "decimal", true, nil},
		{"ConsumedUnit", "unit", true, nil},
		// where unit prices are published, or agreed upon
		{"ContractedUnitPrice", "decimal", true, nil},
		{"ListUnitPrice", "decimal", true, nil},
		{"PricingCategory", "string", true, []string{"Standard", "Dynamic", "Committed", "Other"}},
		{"SkuId", "string", true, nil},
		{"SkuMeter", "string", true, nil},
		{"SkuPriceDetails", "details", true, nil},
		{"SkuPriceId", "string", true, nil},
		// where there are sub accounts
		{"SubAccountId", "string", true, nil},
		{"SubAccountName", "string", true, nil},
	}
}

// focusFormats are the formats of values. Numbers of ours have no exponent.
func focusFormats() map[string]func(string) bool {
	return map[string]func(string) bool{
		"string":  func(s string) bool { return strings.TrimSpace(s) != "" },
		"decimal": regexp.MustCompile(`^(0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?))$`).MatchString,
		"unit":    regexp.MustCompile(`^([1-9][0-9]* )?[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)?$`).MatchString,
		"time": func(s string) bool {
			_, err := time.Parse("2006-01-02T15:04:05Z", s)
			return err == nil && len(s) == len("2006-01-02T15:04:05Z")
		},
		"details": func(s string) bool {
			var properties map[string]string
			err := json.Unmarshal([]byte(s), &properties)
			for key := range properties {
				if !strings.HasPrefix(key, "x_") {
					return false
				}
			}
			return err == nil
		},
	}
}

// focusRow is a row by the names of its columns; null is "".
type focusRow map[string]string

func (r focusRow) null(column string) bool { return r[column] == "" }
func (r focusRow) correction() bool        { return r["ChargeClass"] == "Correction" }
func (r focusRow) priced() bool {
	return r["ChargeCategory"] == "Usage" || r["ChargeCategory"] == "Purchase"
}
func (r focusRow) number(column string) *big.Rat {
	n, _ := new(big.Rat).SetString(r[column])
	return n
}

// product tells whether a unit price times the pricing quantity is a cost, where there
// are both.
func (r focusRow) product(price, cost string) bool {
	if r.correction() || r.null(price) || r.null("PricingQuantity") {
		return true
	}
	return new(big.Rat).Mul(r.number(price), r.number("PricingQuantity")).Cmp(r.number(cost)) == 0
}

// ownCost tells whether a cost is the billed one where nothing has a unit price.
func (r focusRow) ownCost(price, cost string) bool {
	return !r.null(price) || r[cost] == r["BilledCost"]
}

// focusRules are what has to hold of a row. Each is named after the column that the
// specification states it for.
func focusRules() map[string]func(focusRow) bool {
	needed := func(column string) func(focusRow) bool {
		return func(r focusRow) bool {
			return !(r.priced() && !r.correction() && r.null(column)) && (r["ChargeCategory"] != "Tax" || r.null(column))
		}
	}
	notNegative := func(column string) func(focusRow) bool {
		return func(r focusRow) bool { return r.null(column) || r.number(column).Sign() >= 0 }
	}
	follows := func(column, other string) func(focusRow) bool {
		return func(r focusRow) bool { return r.null(column) == r.null(other) }
	}
	return map[string]func(focusRow) bool{
		"BillingPeriodEnd after BillingPeriodStart": func(r focusRow) bool {
			return r["BillingPeriodEnd"] > r["BillingPeriodStart"]
		},
		"ChargePeriodEnd after ChargePeriodStart": func(r focusRow) bool {
			return r["ChargePeriodEnd"] > r["ChargePeriodStart"]
		},
		"ChargeFrequency of a purchase": func(r focusRow) bool {
			return r["ChargeCategory"] != "Purchase" || r["ChargeFrequency"] != "Usage-Based"
		},
		"ConsumedQuantity null unless usage": func(r focusRow) bool {
			return r["ChargeCategory"] == "Usage" ||
				r.null("ConsumedQuantity")
		},
		"ConsumedQuantity of usage": func(r focusRow) bool {
			return r["ChargeCategory"] != "Usage" || r.correction() || !r.null("ConsumedQuantity")
		},
		"ConsumedUnit with ConsumedQuantity": follows("ConsumedUnit", "ConsumedQuantity"),
		"ContractedCost without ContractedUnitPrice": func(r focusRow) bool {
			return r.ownCost("ContractedUnitPrice", "ContractedCost")
		},
		"ContractedUnitPrice":              needed("ContractedUnitPrice"),
		"ContractedUnitPrice not negative": notNegative("ContractedUnitPrice"),
		"ContractedUnitPrice x PricingQuantity": func(r focusRow) bool {
			return r.product("ContractedUnitPrice", "ContractedCost")
		},
		"EffectiveCost of what is neither usage nor a purchase": func(r focusRow) bool {
			return r.priced() ||
				r["EffectiveCost"] == r["BilledCost"]
		},
		"InvoiceId of what was billed": func(r focusRow) bool { return !r.null("InvoiceId") },
		"ListCost without ListUnitPrice": func(r focusRow) bool {
			return r.ownCost("ListUnitPrice",
				"ListCost")
		},
		"ListUnitPrice":              needed("ListUnitPrice"),
		"ListUnitPrice not negative": notNegative("ListUnitPrice"),
		"ListUnitPrice x PricingQuantity": func(r focusRow) bool {
			return r.product("ListUnitPrice",
				"ListCost")
		},
		"PricingCategory":                  needed("PricingCategory"),
		"PricingQuantity":                  needed("PricingQuantity"),
		"PricingUnit":                      needed("PricingUnit"),
		"PricingUnit with PricingQuantity": follows("PricingUnit", "PricingQuantity"),
		"SkuId":                            needed("SkuId"),
		"SkuMeter with SkuId":              follows("SkuMeter", "SkuId"),
		"SkuPriceId":                       needed("SkuPriceId"),
		"SkuPriceDetails without SkuPriceId": func(r focusRow) bool {
			return !r.null("SkuPriceId") ||
				r.null("SkuPriceDetails")
		},
		"SubAccountName with SubAccountId": follows("SubAccountName", "SubAccountId"),
	}
}

// focusParents are columns each value of which has one value of another.
func focusParents() map[string]string {
	return map[string]string{"SkuPriceId": "SkuId", "InvoiceId": "BillingAccountId",
		"ServiceSubcategory": "ServiceCategory", "ServiceName": "ServiceCategory"}
}

// focusFaults returns what is wrong with a file by the rules.
func focusFaults(header []string, records [][]string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	columns := focusColumns()
	for _, c := range columns {
		if !slices.Contains(header, c.name) {
			fault("there is no %s", c.name)
		}
	}
	own := false
	for _, name := range header {
		known := slices.ContainsFunc(columns, func(c focusColumn) bool { return c.name == name })
		if own = own || strings.HasPrefix(name, "x_"); own == known || !regexp.MustCompile(`^(x_)?[A-Z][A-Za-z0-9]+$`).
			MatchString(name) {
			fault("the column %s is out of place", name)
		}
	}
	parents := map[string]string{}
	for _, record := range records {
		r := focusRow{}
		for i, name := range header {
			r[name] = usage.UnprotectCell(record[i])
		}
		faults = append(faults, focusRowFaults(r)...)
		for child, parent := range focusParents() {
			key := child + " " + r[child]
			if before, ok := parents[key]; ok && before != r[parent] && !r.null(child) {
				fault("%s %q is of the %s %q and %q", child, r[child], parent, before, r[parent])
			}
			parents[key] = r[parent]
		}
	}
	return faults
}

func focusRowFaults(r focusRow) (faults []string) {
	formats := focusFormats()
	for _, c := range focusColumns() {
		value := r[c.name]
		switch {
		case value == "":
			if !c.null {
				faults = append(faults, c.name+" is null")
			}
		case !formats[c.format](value), c.allowed != nil && !slices.Contains(c.allowed, value):
			faults = append(faults, fmt.Sprintf("%s is %q", c.name, value))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	for name, holds := range focusRules() {
		if !holds(r) {
			faults = append(faults, fmt.Sprintf("%s does not hold of %v", name, r))
		}
	}
	return faults
}

// The rules find what is wrong.
func TestFocusRulesFindFaults(t *testing.T) {
	header, records := focusOf(t, sampleBills())
	if faults := focusFaults(header, records); len(faults) > 0 {
		t.Fatal(faults)
	}
	at := func(column string) int { return slices.Index(header, column) }
	for _, change := range []struct{ column, value string }{
		{"BilledCost", ""}, {"BilledCost", "1e-06"}, {"BilledCost", "1.50"}, {"BilledCost", "+1"}, {"BillingCurrency", "usd"},
		{"BillingPeriodStart", "2026-11-01"},
		{"BillingPeriodStart", "2026-11-01T00:00:00.5Z"}, {"ChargeCategory", "Fee"}, {"ChargeClass", "None"},
		{"ChargeFrequency", ""}, {"ConsumedUnit", ""},
		{"ConsumedQuantity", ""}, {"ContractedUnitPrice", "-1"}, {"ContractedUnitPrice", "7"}, {"InvoiceId", ""},
		{"ListCost", "9"}, {"ListUnitPrice", ""}, {"ListUnitPrice", "3"}, {"PricingCategory", ""},
		{"PricingQuantity", ""}, {"PricingUnit", "dollars"}, {"ServiceSubcategory", "Web"}, {"SkuId", ""}, {"SkuMeter", ""},
		{"SkuPriceDetails", "{}}"}, {"SkuPriceId", ""}, {"SubAccountName", ""}, {"ChargePeriodEnd", "2020-01-01T00:00:00Z"},
	} {
		wrong := slices.Clone(records[1]) // of usage within the plan
		wrong[at(change.column)] = change.value
		if len(focusFaults(header, [][]string{wrong})) == 0 {
			t.Errorf("%s may be %q", change.column, change.value)
		}
	}
	other := slices.Clone(records[1])
	other[at("BillingAccountId")] = "another"
	if len(focusFaults(header, [][]string{records[1], other})) == 0 {
		t.Error("one invoice may be of two accounts")
	}
	if len(focusFaults(header[1:], nil)) == 0 {
		t.Error("a mandatory column may be left out")
	}
}
