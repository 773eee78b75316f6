package db

import (
	"context"
	"encoding/json"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// audit notes a change that an admin makes: what was before and what is after, as
// JSON; nil where there was or is nothing.
func (t *tx) audit(ctx context.Context, audit usage.Audit, subject string, before, after state) error {
	states := [2]any{}
	for i, s := range []state{before, after} {
		if s == nil {
			continue
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		states[i] = string(text)
	}
	return t.do(ctx, `INSERT INTO audit_log (at, actor, action, subject, before_state, after_state)
		VALUES ($1, $2, $3, $4, $5, $6)`, audit.At, audit.Actor, audit.Action, subject, states[0], states[1])
}

// Audit implements usage.ListStore.
func (d *DB) Audit(ctx context.Context, before int64, limit int) ([]usage.AuditEntry, error) {
	return inView(ctx, d, func(t *tx) ([]usage.AuditEntry, error) {
		return selectRows(ctx, t, func(row scanner) (e usage.AuditEntry, err error) {
			err = row.Scan(&e.ID, moment{&e.At}, &e.Actor, &e.Action, &e.Subject, &e.Before, &e.After)
			return e, err
		}, `SELECT audit_id, at, actor, action, subject, COALESCE(CAST(before_state AS TEXT), ''),
				COALESCE(CAST(after_state AS TEXT), '') FROM audit_log
			WHERE audit_id < $1 OR $1 = 0 ORDER BY audit_id DESC LIMIT $2`, before, limit)
	})
}

// state is what the audit log keeps of a thing: names and texts that people read
// and that do not change when the code does.
type state map[string]any

func planState(p plan.Plan) state {
	limits := map[string]string{}
	for _, l := range p.Limits {
		limits[l.Name] = l.MaxText() + " (" + string(l.Action) + ")"
	}
	rates := map[string]string{}
	for _, r := range p.Rates.List() {
		rates[r.Name] = r.MaxText()
	}
	return state{
		"name": p.Name, "tier": p.Tier, "monthly": p.Monthly, "yearly": p.Yearly, "description": p.Description,
		"features": append([]string{}, p.Features...), "overage": p.Overage.String(), "overage_markup": p.MarkupText(),
		"rates": rates, "limits": limits, "source": p.Source,
	}
}

func priceState(p pricing.Price) state {
	s := state{"effective_from": p.EffectiveFrom, "source": p.Source}
	for q := range pricing.QuantityCount {
		if p.Gives(q) {
			s[q.Unit()+"_cost"] = p.Rates[q]
		}
	}
	if terms := p.Terms(); terms != "" {
		s["terms"] = json.RawMessage(terms)
	}
	if p.Above != nil {
		s["above_input_tokens"] = p.Above.OverInputTokens
		s["above_input_token_cost"], s["above_output_token_cost"] = p.Above.InputToken, p.Above.OutputToken
	}
	return s
}

func providerState(p pricing.Provider) state {
	models := map[string]string{}
	for _, r := range p.VendorRules {
		models[r.Contains] = r.Vendor
	}
	return state{"vendor": p.Vendor, "models": models, "characters_are_input_tokens": p.CharactersAreInputTokens,
		"fine_tuned_as_base": p.FineTunedAsBase, "cost_reported": p.CostReported}
}

func aliasState(a pricing.Alias) state {
	return state{"model": a.Model, "effective_from": a.EffectiveFrom, "source": a.Source}
}
