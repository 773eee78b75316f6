package report

import (
	"bytes"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// focusHeader is the columns of a FOCUS export, those of the specification first and
// in the order of the alphabet. Scripts may rely on the order.
func focusHeader() []string {
	return []string{"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
		"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
		"ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName",
		"ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
		"ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
		"x_BillKind", "x_BillLine", "x_BillStatus", "x_CachedInputTokens", "x_Characters", "x_Cost", "x_Errors", "x_Images", "x_InputTokens", "x_LineKind",
		"x_Model", "x_OutputTokens", "x_Pages", "x_PlanName", "x_Provider", "x_RefersToInvoiceId", "x_Requests", "x_Searches", "x_Seconds",
		"x_UnpricedRequests", "x_Vendor"}
}

// focusCells returns a charge in the order of focusHeader.
func focusCells(r billing.FocusRow) ([]Cell, error) {
	details, err := focusDetails(r.Sku.Details)
	if err != nil {
		return nil, err
	}
	account, name := TextCell(r.BillingAccountID), TextCell(r.BillingAccountName)
	billingEnd, billingStart := focusPeriod(r.BillingPeriod)
	chargeEnd, chargeStart := focusPeriod(r.ChargePeriod)
	cells := []Cell{MoneyCell(r.BilledCost), account, name, "USD", billingEnd, billingStart,
		Cell(r.ChargeCategory), Cell(r.ChargeClass), TextCell(r.ChargeDescription), Cell(r.ChargeFrequency), chargeEnd, chargeStart,
		MoneyCell(r.Consumed), Cell(r.ConsumedUnit), MoneyCell(r.ContractedCost), MoneyCell(r.ContractedPrice), MoneyCell(r.BilledCost),
		Cell(r.InvoiceID), TextCell(r.Issuer), MoneyCell(r.ListCost), MoneyCell(r.ListPrice), Cell(r.PricingCategory),
		MoneyCell(r.PricingQuantity), Cell(r.PricingUnit), TextCell(r.Issuer), TextCell(r.PublisherName),
		"AI and Machine Learning", TextCell(r.ServiceName), Cell(r.ServiceSubcategory), TextCell(r.Sku.ID), Cell(r.Sku.Meter), details, TextCell(r.Sku.PriceID),
		account, name}
	return append(cells, focusExtras(r)...), nil
}

// focusExtras returns the columns that are our own. Quantities and the cost of what is
// no usage are null.
func focusExtras(r billing.FocusRow) []Cell {
	line, u := r.Bill.Lines[r.Line-1], r.Usage
	ifUsed := func(c Cell) Cell {
		if u == (usage.Amounts{}) {
			return ""
		}
		return c
	}
	count := func(q pricing.Quantity) Cell { return ifUsed(NumberCell(u.Quantities[q])) }
	return []Cell{Cell(r.Bill.Kind), NumberCell(int64(r.Line)), Cell(r.Bill.Status), count(pricing.CachedInputTokens), count(pricing.Characters), ifUsed(MoneyCell(u.Cost)),
		ifUsed(NumberCell(u.Errors)), count(pricing.Images), count(pricing.InputTokens), Cell(line.Kind), TextCell(line.Model), count(pricing.OutputTokens),
		count(pricing.Pages), TextCell(r.Bill.PlanName), TextCell(line.Provider), numberCellOrNone(r.Bill.RefersTo), count(pricing.Requests),
		count(pricing.Searches), count(pricing.Seconds), ifUsed(NumberCell(u.Unpriced)), TextCell(line.Vendor)}
}

func focusPeriod(p plan.Period) (end, start Cell) {
	return Cell(billing.FocusTime(p.End)), Cell(billing.FocusTime(p.Start))
}

// focusDetails writes properties as a JSON object, or nothing where there are none.
func focusDetails(details *billing.FocusDetails) (Cell, error) {
	if details == nil {
		return "", nil
	}
	var out bytes.Buffer
	err := encode(&out, details, "")
	return Cell(strings.TrimSpace(out.String())), err
}
