package report

import "github.com/alwrity/alwrity-sub/plan"

// tellsCost names the fields that tell what usage costs the operator, as JSON and CSV call them.
func tellsCost(name string) bool {
	switch name {
	case "cost", "estimated_cost", "reported_cost", "projected_cost", "cost_before", "pricing", "unpriced_calls",
		"unit_prices", "charges":
		return true
	}
	return false
}

// WithoutCost returns the document for programs of those who are not told what usage costs the operator: without the
// fields that tell it, and without the amounts of limits that count cost. How much of these is used stays, in percent.
// What a plan includes is told to everyone. The document has no text.
func (d Document) WithoutCost() Document {
	return Document{JSON: withoutCost(d.JSON), CSV: d.CSV.withoutCost()}
}

// withoutCost takes the cost out of a result, or a part of one.
func withoutCost(result any) any {
	switch of := result.(type) {
	case fields:
		return of.withoutCost()
	case []fields:
		return listOf(of, fields.withoutCost)
	case rows:
		return of.withoutCost()
	}
	return result
}

func (fs fields) withoutCost() fields {
	if fs == nil {
		return nil
	}
	kept := make(fields, 0, len(fs))
	for _, f := range fs {
		if !tellsCost(f.name) {
			kept = append(kept, field{f.name, f.title, valueOf(f.value).withoutCost()})
		}
	}
	return kept
}

func (r rows) withoutCost() rows {
	if r.row == nil {
		return r
	}
	return rows{r.count, func(i int) fields { return r.row(i).withoutCost() }, func() fields {
		return r.shape().withoutCost()
	}}
}

func (v value) withoutCost() value {
	amount, isAmount := v.of.(measure)
	if isAmount && amount.meter == plan.Cost && !v.offered && v.json != nil {
		v.noJSON, v.csv = true, ""
	}
	v.json, v.object = withoutCost(v.json), v.object.withoutCost()
	return v
}
