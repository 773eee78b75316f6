package usage

import "context"

// Discrepancy is a total that is not the sum of its log rows, archived or not.
type Discrepancy struct {
	Table  string
	Key    string // which total: user, period or day, provider, vendor, model
	Field  string
	Log    string // what the log adds up to
	Stored string
}

// Reconciliation compares the totals with the log.
type Reconciliation struct {
	LogRows       int64
	ArchivedRows  int64 // whose sums were kept when they were moved to files
	Summaries     int64
	Daily         int64
	FleetDaily    int64
	UserMonthly   int64
	Rollups       bool          // FleetDaily and UserMonthly were compared with Daily
	Discrepancies []Discrepancy // at most MostDiscrepancies of them
	More          bool          // there are more
	Repaired      bool
}

// MostDiscrepancies is how many discrepancies are listed one by one.
const MostDiscrepancies = 100

// Reconciler is the storage that reconciliation needs.
type Reconciler interface {
	// Reconcile compares every total with its log rows; with repair it rebuilds the totals that differ, in the same
	// transaction.
	Reconcile(ctx context.Context, repair bool) (Reconciliation, error)
}
