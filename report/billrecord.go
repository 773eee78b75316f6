package report

import (
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
)

// billRecord is a bill in an export: what billView shows, and all else that is known of it.
type billRecord struct {
	billTitles
	PlanID int64 `json:"plan_id"`
	billFacts
	Currency string `json:"currency"`
	billSums
	Terms *termsRecord `json:"terms"`
	Lines []lineRecord `json:"lines"`
}

type termsRecord struct {
	Limits           []limitRecord `json:"limits"`
	MarkupMillionths int64         `json:"markup_millionths"`
}

type limitRecord struct {
	Name      string      `json:"name"`
	Meter     plan.Meter  `json:"meter"`
	Providers []string    `json:"providers"`
	Vendors   []string    `json:"vendors"`
	Max       *string     `json:"max"` // in the meter's unit; null is unlimited
	Action    plan.Action `json:"action"`
}

type lineRecord struct {
	Line    int                   `json:"line"`
	Kind    billing.LineKind      `json:"kind"`
	Account billing.LedgerAccount `json:"account"`
	lineFacts
}

func recordBill(b billing.Bill) billRecord {
	v := viewBill(b)
	r := billRecord{v.billTitles, b.PlanID, v.billFacts, "USD", v.billSums, nil, []lineRecord{}}
	for i, l := range v.Lines {
		r.Lines = append(r.Lines, lineRecord{i + 1, l.Kind, l.Kind.LedgerAccount(), l.lineFacts})
	}
	if t := b.Terms; t != nil {
		r.Terms = &termsRecord{listOf(t.Limits, recordLimit), t.MarkupMillionths}
	}
	return r
}

func recordLimit(l plan.Limit) limitRecord {
	return limitRecord{l.Name, l.Meter, append([]string{}, l.Scope.Providers...), append([]string{}, l.Scope.Vendors...), orNull(maximumCell(l)), l.Action}
}
