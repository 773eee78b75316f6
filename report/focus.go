package report

import (
	"bytes"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// focusFields are the columns of a FOCUS export, those of the specification first and in the order of the alphabet.
// Scripts may rely on the order. Of our own columns quantities and the cost of what is no usage are null.
func focusFields(r billing.FocusRow) fields {
	used := r.Usage != (usage.Amounts{})
	return append(fields{
		{"BilledCost", "", r.BilledCost}, {"BillingAccountId", "", r.BillingAccountID},
		{"BillingAccountName", "", r.BillingAccountName}, {"BillingCurrency", "", "USD"},
		{"BillingPeriodEnd", "", billing.FocusTime(r.BillingPeriod.End)},
		{"BillingPeriodStart", "", billing.FocusTime(r.BillingPeriod.Start)},
		{"ChargeCategory", "", r.ChargeCategory}, {"ChargeClass", "", r.ChargeClass},
		{"ChargeDescription", "", r.ChargeDescription}, {"ChargeFrequency", "", r.ChargeFrequency},
		{"ChargePeriodEnd", "", billing.FocusTime(r.ChargePeriod.End)},
		{"ChargePeriodStart", "", billing.FocusTime(r.ChargePeriod.Start)}, {"ConsumedQuantity", "", r.Consumed},
		{"ConsumedUnit", "", r.ConsumedUnit}, {"ContractedCost", "", r.ContractedCost},
		{"ContractedUnitPrice", "", r.ContractedPrice}, {"EffectiveCost", "", r.BilledCost},
		{"InvoiceId", "", r.InvoiceID}, {"InvoiceIssuerName", "", r.Issuer}, {"ListCost", "", r.ListCost},
		{"ListUnitPrice", "", r.ListPrice}, {"PricingCategory", "", r.PricingCategory},
		{"PricingQuantity", "", r.PricingQuantity}, {"PricingUnit", "", r.PricingUnit},
		{"ProviderName", "", r.Issuer}, {"PublisherName", "", r.PublisherName},
		{"ServiceCategory", "", "AI and Machine Learning"}, {"ServiceName", "", r.ServiceName},
		{"ServiceSubcategory", "", r.ServiceSubcategory}, {"SkuId", "", r.Sku.ID}, {"SkuMeter", "", r.Sku.Meter},
		{"SkuPriceDetails", "", focusDetails(r.Sku.Details)}, {"SkuPriceId", "", r.Sku.PriceID},
		{"SubAccountId", "", r.BillingAccountID}, {"SubAccountName", "", r.BillingAccountName},
	}, slices.Concat(ownFocusFields(r, used), laterFocusFields(r, used))...)
}

// ownFocusFields are the columns of ours, in the order of the alphabet.
func ownFocusFields(r billing.FocusRow, used bool) fields {
	line := r.Bill.Lines[r.Line-1]
	columns := fields{
		{"x_BillKind", "", r.Bill.Kind}, {"x_BillLine", "", r.Line}, {"x_BillStatus", "", r.Bill.Status},
		{"x_Cost", "", nullUnless(used, r.Usage.Cost)}, {"x_Errors", "", nullUnless(used, r.Usage.Errors)},
		{"x_LineKind", "", line.Kind}, {"x_Model", "", line.Model}, {"x_PlanName", "", r.Bill.PlanName},
		{"x_Provider", "", line.Provider}, {"x_RefersToInvoiceId", "", orNull(r.Bill.RefersTo)},
		{"x_UnpricedRequests", "", nullUnless(used, r.Usage.Unpriced)}, {"x_Vendor", "", line.Vendor},
	}
	for q := range pricing.QuantityCount {
		if !q.Rare() {
			columns = append(columns, focusQuantity(r, used, q))
		}
	}
	slices.SortFunc(columns, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return columns
}

func focusQuantity(r billing.FocusRow, used bool, q pricing.Quantity) field {
	return field{focusName(q), "", nullUnless(used, amount(q, r.Usage.Quantities[q]))}
}

// laterFocusFields are columns of ours that came later, and so stand at the end: of all that few calls use, and of what
// was charged otherwise than by the usual prices.
func laterFocusFields(r billing.FocusRow, used bool) (columns fields) {
	for q := range pricing.QuantityCount {
		if q.Rare() {
			columns = append(columns, focusQuantity(r, used, q))
		}
	}
	charges := r.Bill.Lines[r.Line-1].Charges
	var tiers []string
	reported := pricing.USD(0)
	for _, c := range charges {
		if c.Tier != "" && !slices.Contains(tiers, c.Tier) {
			tiers = append(tiers, c.Tier)
		}
		if c.Basis == pricing.Reported {
			reported += c.Cost
		}
	}
	slices.Sort(tiers)
	return append(columns, field{"x_ReportedCost", "", nullUnless(used && charges != nil, reported)},
		field{"x_ServiceTiers", "", strings.Join(tiers, ",")},
		field{"x_EstimatedRequests", "", nullUnless(used, r.Usage.Estimated)},
		field{"x_EstimatedCost", "", nullUnless(used, r.Usage.EstimatedCost)})
}

// focusName is what a quantity is called in a column of ours: x_CacheWriteTokens.
func focusName(q pricing.Quantity) string {
	name := "x_"
	for word := range strings.SplitSeq(q.String(), "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

// focusDetails writes properties as a JSON object, or nothing where there are none.
func focusDetails(details *billing.FocusDetails) string {
	var out bytes.Buffer
	if details == nil || writeJSON(&out, details) != nil {
		return ""
	}
	return out.String()
}
