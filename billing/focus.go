package billing

import (
	"cmp"
	"math/big"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// FocusRow is a charge in the terms of FOCUS 1.2, the FinOps Open Cost and Usage Specification: a line of a bill.
// Fields are called as its columns. An empty text and a Decimal without a number are null. Why each is what it is:
// docs/focus.md.
type FocusRow struct {
	BilledCost         pricing.USD
	BillingAccountID   string
	BillingAccountName string
	BillingPeriod      plan.Period
	ChargeCategory     string
	ChargeClass        string
	ChargeDescription  string
	ChargeFrequency    string
	ChargePeriod       plan.Period
	Consumed           pricing.Decimal
	ConsumedUnit       string
	ContractedCost     pricing.Decimal
	ContractedPrice    pricing.Decimal // of one PricingUnit
	InvoiceID          string
	Issuer             string // who sells and sends the bill: InvoiceIssuerName, ProviderName
	ListCost           pricing.Decimal
	ListPrice          pricing.Decimal // of one PricingUnit
	PricingCategory    string
	PricingQuantity    pricing.Decimal
	PricingUnit        string
	PublisherName      string
	ServiceName        string
	ServiceSubcategory string
	Sku                FocusSku

	Bill  *Bill         // that the charge is on
	Line  int           // of it, from 1
	Usage usage.Amounts // of lines of usage and adjustments: overage is of usage that has a line already
}

// FocusSku is what a charge is for. The zero value is null.
type FocusSku struct {
	ID      string
	Meter   string
	PriceID string
	Details *FocusDetails // nil is null
}

// FocusDetails are the properties of a SKU's price, as SkuPriceDetails has them.
type FocusDetails struct {
	Provider string `json:"x_Provider"`
	Model    string `json:"x_Model"`
}

// The values that FOCUS allows, as far as bills have them.
const (
	focusUsage      = "Usage"
	focusPurchase   = "Purchase"
	focusCredit     = "Credit"
	focusAdjustment = "Adjustment"
	focusCorrection = "Correction"
	focusOneTime    = "One-Time"
	focusRecurring  = "Recurring"
	focusUsageBased = "Usage-Based"
	focusStandard   = "Standard"
	focusGenerative = "Generative AI"
	focusOtherAI    = "Other (AI and Machine Learning)"
)

// FocusRows returns the charges of a bill, one for each line. The issuer is the name of who sends it.
func FocusRows(b *Bill, issuer string) []FocusRow {
	rows := make([]FocusRow, len(b.Lines))
	sold := sales(b.Lines)
	for i, line := range b.Lines {
		rows[i] = b.focusRow(i, issuer)
		switch line.Kind {
		case Usage, Overage:
			rows[i].use(b, line, sold[servedBy(line)])
		case Adjustment:
			rows[i].ChargeClass = focusCorrection
			if line.Provider != "" {
				rows[i].use(b, line, sale{usage: line.Usage})
			}
		case Fee, Proration:
			rows[i].buy(b, line)
		case Credit, Carried:
			rows[i].ChargeCategory = focusCredit
		case Rounding: // an adjustment
		}
	}
	return rows
}

// focusRow returns what all lines have in common: a charge that stands for itself, and has no price of its own.
func (b *Bill) focusRow(i int, issuer string) FocusRow {
	line := b.Lines[i]
	row := FocusRow{
		BilledCost: line.Amount, BillingAccountID: b.UserID, BillingAccountName: cmp.Or(b.Contact.Name, b.Email, b.UserID),
		BillingPeriod: b.Period, ChargeCategory: focusAdjustment, ChargeDescription: line.Description,
		ChargeFrequency: focusOneTime, ChargePeriod: cmp.Or(line.Period, b.Period),
		ContractedCost: pricing.DecimalOf(line.Amount), InvoiceID: strconv.FormatInt(b.Number, 10), Issuer: issuer,
		ListCost: pricing.DecimalOf(line.Amount), PublisherName: issuer, ServiceName: "Subscription",
		ServiceSubcategory: focusGenerative, Bill: b, Line: i + 1,
	}
	if b.Kind == CreditNote { // it corrects what was billed before, in the month in which it is issued
		row.ChargeClass, row.BillingPeriod = focusCorrection, b.BookedIn().Period()
	}
	return row
}

// use makes the row a charge for usage. Plans sell usage by what it costs: it is measured in dollars, those that it is
// sold for beyond the plan, so that one has a list price of 1. Within the plan it is contracted at nothing, beyond it
// at the list price. A credit note takes back amounts alone.
func (row *FocusRow) use(b *Bill, line Line, sold sale) {
	row.ChargeCategory, row.ChargeFrequency, row.PricingCategory = focusUsage, focusUsageBased, focusStandard
	row.PublisherName, row.ServiceName = cmp.Or(line.Vendor, line.Provider), line.Provider
	if b.Kind == CreditNote && line.Usage == (usage.Amounts{}) {
		return
	}
	unit := unitOf(sold.usage)
	beyond := sold.beyond(unit.count(sold.usage), b.Terms)
	row.ConsumedUnit, row.PricingUnit, row.ListPrice = unit.name, "Dollars", pricing.WholeDecimal(1)
	if unit.name == "Searches" || unit.name == "Pages" {
		row.ServiceSubcategory = focusOtherAI
	}
	if line.Kind == Overage {
		row.Consumed, row.ContractedPrice = unit.decimal(beyond), pricing.WholeDecimal(1)
		row.PricingQuantity = pricing.DecimalOf(line.Amount)
	} else {
		row.Usage, row.Consumed = line.Usage, unit.decimal(unit.count(line.Usage)-beyond)
		within := b.Terms.withMarkup(line.Usage.Cost)
		row.PricingQuantity = pricing.DollarsOf(within.Sub(within, new(big.Rat).SetInt64(int64(sold.amount))))
		if line.Amount == 0 {
			row.ContractedPrice, row.ContractedCost = pricing.WholeDecimal(0), pricing.WholeDecimal(0)
		}
	}
	row.ListCost = row.PricingQuantity
	id := line.Provider + "/" + line.Model
	row.Sku = FocusSku{ID: id, Meter: unit.name, PriceID: id, Details: &FocusDetails{line.Provider, line.Model}}
}

// buy makes the row a purchase: of a cycle of a plan, or of a part of one. What is taken back is a negative quantity,
// since prices are never negative. In the other months of a year that was paid nothing is bought: a quantity of 0, as
// null is for no purchase.
func (row *FocusRow) buy(b *Bill, line Line) {
	row.ChargeCategory, row.PricingCategory = focusPurchase, focusStandard
	price, count := line.Amount, int64(1)
	switch {
	case b.withinYear(line):
		count = 0
	case price < 0:
		price, count = -price, -1
	}
	row.PricingQuantity, row.PricingUnit = pricing.WholeDecimal(count), "Units"
	row.ListPrice, row.ContractedPrice = pricing.DecimalOf(price), pricing.DecimalOf(price)
	id := "proration"
	if line.Kind == Fee {
		id = line.Description // which names the plan and the cycle: the bill's plan may have come later
		row.ChargeFrequency, row.PricingUnit = focusRecurring, "Months"
		if b.Cycle == plan.Yearly {
			row.PricingUnit = "Years"
		}
	}
	row.Sku = FocusSku{ID: id, Meter: "Subscription", PriceID: id + "@" + price.String()}
}

// served names what a line of usage is about.
type served struct {
	period                  plan.Period
	provider, vendor, model string
}

func servedBy(l Line) served { return served{l.Period, l.Provider, l.Vendor, l.Model} }

// sale is usage, and what of it is billed as overage.
type sale struct {
	usage  usage.Amounts
	amount pricing.USD
}

// sales returns the usage on a bill with its overage.
func sales(lines []Line) map[served]sale {
	all := map[served]sale{}
	for _, l := range lines {
		s := all[servedBy(l)]
		switch l.Kind {
		case Usage:
			s.usage = l.Usage
		case Overage:
			s.amount += l.Amount
		default:
			continue
		}
		all[servedBy(l)] = s
	}
	return all
}

// beyond returns how much of a quantity is overage: a share of usage is billed as such, and this is the same share of
// the quantity, rounded down.
func (s sale) beyond(count int64, terms *Terms) int64 {
	whole := terms.withMarkup(s.usage.Cost)
	if whole.Sign() == 0 {
		return 0
	}
	part := new(big.Rat).SetInt64(int64(s.amount))
	part.Mul(part, new(big.Rat).SetInt64(count)).Quo(part, whole)
	return new(big.Int).Quo(part.Num(), part.Denom()).Int64()
}

// focusUnit is a unit that usage is counted in.
type focusUnit struct {
	name string
	of   []pricing.Quantity
}

// focusUnits returns the units, the one that says most about usage first.
func focusUnits() []focusUnit {
	return []focusUnit{
		{"Tokens", []pricing.Quantity{pricing.InputTokens, pricing.OutputTokens}},
		{"Images", []pricing.Quantity{pricing.Images}},
		{"Searches", []pricing.Quantity{pricing.Searches}},
		{"Pages", []pricing.Quantity{pricing.Pages}},
		{"Characters", []pricing.Quantity{pricing.Characters}},
		{"Seconds", []pricing.Quantity{pricing.Seconds}},
		{"Requests", []pricing.Quantity{pricing.Requests}},
	}
}

// unitOf returns the unit to count some usage in: the first of which there is any.
func unitOf(a usage.Amounts) focusUnit {
	units := focusUnits()
	for _, u := range units {
		if u.count(a) != 0 {
			return u
		}
	}
	return units[len(units)-1]
}

func (u focusUnit) count(a usage.Amounts) (count int64) {
	for _, q := range u.of {
		count += a.Quantities[q]
	}
	return count
}

// decimal returns what was counted as a number of units.
func (u focusUnit) decimal(count int64) pricing.Decimal {
	return pricing.DecimalOfParts(count, u.of[0].PerUnit())
}

// FocusTime writes a moment as FOCUS has it: to the second, in UTC. What has begun within a second counts from it on,
// so that periods that meet still meet.
func FocusTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
