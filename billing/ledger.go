package billing

// LedgerAccount is the account in a ledger that a line belongs to. What the customer owes (receivable) is the sum of a
// bill's lines, whatever their account.
type LedgerAccount string

// The accounts.
const (
	FeeRevenue        LedgerAccount = "fees"           // revenue, also of prorations
	IncludedUsage     LedgerAccount = "included_usage" // billed 0: its cost is what the plan cost us
	OverageRevenue    LedgerAccount = "overage"        // revenue
	AdjustmentRevenue LedgerAccount = "adjustments"    // revenue of closed periods
	CustomerBalances  LedgerAccount = "credits"        // what we owe to customers
	RoundingDiffers   LedgerAccount = "rounding"       // gain or loss
)

// LedgerAccount returns the account of a line of this kind.
func (k LineKind) LedgerAccount() LedgerAccount {
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
