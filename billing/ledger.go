package billing

// Account is the account in a ledger that a line belongs to. What the customer owes
// (receivable) is the sum of a bill's lines, whatever their account.
type Account string

// The accounts.
const (
	FeeRevenue        Account = "fees"           // revenue, also of prorations
	IncludedUsage     Account = "included_usage" // billed 0: its cost is what the plan cost us
	OverageRevenue    Account = "overage"        // revenue
	AdjustmentRevenue Account = "adjustments"    // revenue of closed periods
	CustomerBalances  Account = "credits"        // what we owe to customers
	RoundingDiffers   Account = "rounding"       // gain or loss
)

// Account returns the account of a line of this kind.
func (k LineKind) Account() Account {
	switch k {
	case Usage:
		return IncludedUsage
	case Overage:
		return OverageRevenue
	case Adjustment:
		return AdjustmentRevenue
	case Credit, Carried:
		return CustomerBalances
	case Rounding:
		return RoundingDiffers
	}
	return FeeRevenue
}
