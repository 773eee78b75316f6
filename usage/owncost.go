package usage

import (
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// noteBeyond notes a cost beside the one that is reported. Two names for it must agree.
func (r *eventReader) noteBeyond(cell *cell) error {
	if r.beyond == nil {
		r.beyond = cell
		return nil
	}
	before, err := reportedCost(r.beyond)
	if err != nil {
		return err
	}
	if cost, err := reportedCost(cell); err != nil || cost != before {
		return failure.Invalidf("%s is %q, and %s is %q", r.beyond.column.name, failure.Shorten(string(r.beyond.text)),
			cell.column.name, failure.Shorten(string(cell.text)))
	}
	return nil
}

// addBeyond adds what a call has cost beside what OpenRouter says: of a call with a key of the caller's own that is
// only its fee, and the provider behind it charges the rest. Of another call it is all.
func (r *eventReader) addBeyond() error {
	if r.beyond == nil {
		if r.ownKey == "true" && r.row.Reported.Given {
			return failure.Invalidf("the call was made with a key of your own, and what its provider charged for it is missing")
		}
		return nil
	}
	beyond, err := reportedCost(r.beyond)
	if err != nil {
		return err
	}
	if r.beyond.column.How == ownKeyCost && r.ownKey != "true" {
		if r.ownKey == "" && beyond != 0 && beyond != r.row.Reported.USD {
			return failure.Invalidf("whether %s is within the cost can't be told: is_byok is missing", r.beyond.column.name)
		}
		return nil
	}
	sum, err := r.row.Reported.USD.Add(beyond)
	if err != nil {
		return err
	}
	r.row.Reported = pricing.ReportedCost{USD: sum, Given: true}
	return nil
}

func reportedCost(cell *cell) (pricing.USD, error) {
	text, err := roundMoney(cell.column.name, cell.text)
	if err != nil {
		return 0, err
	}
	cost, err := pricing.ParseReportedCost(string(text))
	return cost.USD, err
}

// setCredits sets the quantity that the credits of a provider stand for. Nobody knows what those of others are.
func (r *eventReader) setCredits() error {
	if r.credits == nil {
		return nil
	}
	provider := r.row.Provider
	if provider == "" {
		provider = r.fallback
	}
	if c := r.credits.column; !strings.EqualFold(provider, c.Only) {
		return failure.Invalidf("%s is known of %s, and the row is of %q", c.name, c.Only, failure.Shorten(provider)).
			WithReason("suspect_fields", "first", c.name, "all", c.name)
	}
	return r.setField(r.credits.column, r.credits.text)
}
