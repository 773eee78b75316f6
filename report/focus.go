package report

import (
	"bytes"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// focusFields are the columns of a FOCUS export, those of the specification first and in the order of the alphabet.
// Scripts may rely on the order. Of our own columns quantities and the cost of what is no usage are null.
func focusFields(r billing.FocusRow) fields {
	line, used := r.Bill.Lines[r.Line-1], r.Usage != (usage.Amounts{})
	quantity := func(q pricing.Quantity) value { return nullUnless(used, amount(q, r.Usage.Quantities[q])) }
	return fields{
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
		{"x_BillKind", "", r.Bill.Kind}, {"x_BillLine", "", r.Line}, {"x_BillStatus", "", r.Bill.Status},
		{"x_CachedInputTokens", "", quantity(pricing.CachedInputTokens)},
		{"x_Characters", "", quantity(pricing.Characters)}, {"x_Cost", "", nullUnless(used, r.Usage.Cost)},
		{"x_Errors", "", nullUnless(used, r.Usage.Errors)}, {"x_Images", "", quantity(pricing.Images)},
		{"x_InputTokens", "", quantity(pricing.InputTokens)}, {"x_LineKind", "", line.Kind},
		{"x_Model", "", line.Model}, {"x_OutputTokens", "", quantity(pricing.OutputTokens)},
		{"x_Pages", "", quantity(pricing.Pages)}, {"x_PlanName", "", r.Bill.PlanName},
		{"x_Provider", "", line.Provider}, {"x_RefersToInvoiceId", "", orNull(r.Bill.RefersTo)},
		{"x_Requests", "", quantity(pricing.Requests)}, {"x_Searches", "", quantity(pricing.Searches)},
		{"x_Seconds", "", quantity(pricing.Seconds)}, {"x_UnpricedRequests", "", nullUnless(used, r.Usage.Unpriced)},
		{"x_Vendor", "", line.Vendor},
	}
}

// focusDetails writes properties as a JSON object, or nothing where there are none.
func focusDetails(details *billing.FocusDetails) string {
	var out bytes.Buffer
	if details == nil || writeJSON(&out, details) != nil {
		return ""
	}
	return out.String()
}
