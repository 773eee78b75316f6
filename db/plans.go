package db

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// plans returns every plan, also those withdrawn, in their order.
func (t *tx) plans(ctx context.Context) (plan.Plans, error) {
	index := map[int64]int{}
	plans, err := selectRows(ctx, t, func(row scanner) (p plan.Plan, err error) {
		err = row.Scan(&p.ID, &p.Name, &p.Tier, &p.Monthly, &p.Yearly, &p.Description, fromJSON{&p.Features},
			overage{&p.Overage}, &p.MarkupMillionths, rate{&p.Rates.RequestsPerMinute}, rate{&p.Rates.TokensPerMinute},
			rate{&p.Rates.ParallelCalls}, &p.Withdrawn, &p.Source)
		index[p.ID] = len(index)
		return p, err
	}, `SELECT plan_id, name, tier, monthly_price_pico, yearly_price_pico, description, features, overage,
			markup_millionths, `+rateColumns+`, withdrawn, source FROM subscription_plans ORDER BY position, plan_id`)
	if err != nil {
		return nil, err
	}
	err = t.query(ctx, func(row scanner) error {
		var id int64
		l, err := scanLimit(row, &id)
		if i, known := index[id]; err == nil && known { // else its plan was added since the plans were read
			plans[i].Limits = append(plans[i].Limits, l)
		}
		return err
	}, "SELECT plan_id, name, meter, providers, vendors, max_amount, action FROM plan_limits ORDER BY plan_id, position")
	if err != nil {
		return nil, err
	}
	// The past is read last: where plans are changed meanwhile, it has what held until then.
	return plans, t.query(ctx, func(row scanner) error {
		var id int64
		v, err := scanVersion(row, &id)
		if i, known := index[id]; err == nil && known {
			plans[i].Past = append(plans[i].Past, v)
		}
		return err
	}, "SELECT plan_id, held_until, "+versionColumns+" FROM plan_versions ORDER BY plan_id, held_until")
}

func scanLimit(row scanner, id *int64) (l plan.Limit, err error) {
	var providers, vendors string
	var max *int64
	err = row.Scan(id, &l.Name, &l.Meter, &providers, &vendors, &max, &l.Action)
	l.Scope = plan.Scope{Providers: splitNames(providers), Vendors: splitNames(vendors)}
	if l.Unlimited = max == nil; !l.Unlimited {
		l.Max = *max
	}
	return l, err
}

func splitNames(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func onOffer(plans plan.Plans) plan.Plans {
	return slices.DeleteFunc(slices.Clone(plans), func(p plan.Plan) bool { return p.Withdrawn })
}

// Plans returns the plans on offer, and how many users have a subscription to each
// that has not ended at now.
func (d *DB) Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error) {
	err = d.view(ctx, func(t *tx) error {
		if plans, err = t.plans(ctx); err != nil {
			return err
		}
		subscribers, err = t.subscribers(ctx, now, false)
		return err
	})
	return onOffer(plans), subscribers, err
}

// subscribers counts the subscriptions to each plan, on request also those that change to
// it later: it must not be withdrawn either.
func (t *tx) subscribers(ctx context.Context, now time.Time, later bool) (map[int64]int, error) {
	counts := map[int64]int{}
	err := t.query(ctx, func(row scanner) error {
		var s plan.Subscription
		if err := row.Scan(scanSubscription(&s)...); err != nil {
			return err
		}
		if !s.StatusAt(now).Ended() {
			counts[s.PlanIDAt(now)]++
			if later && s.NextPlanID != 0 && s.NextAt.After(now) {
				counts[s.NextPlanID]++
			}
		}
		return nil
	}, "SELECT "+subscriptionColumns+" FROM user_subscriptions s")
	return counts, err
}

// ChangePlans runs fn on the plans on offer under a lock that keeps other changes
// of plans and subscriptions away, then saves the plans that fn returns, in their
// order, and withdraws others. fn may run more than once.
func (d *DB) ChangePlans(
	ctx context.Context, audit usage.Audit,
	fn func(have plan.Plans, subscribers map[int64]int) (plan.Plans, []int64, error),
) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.lock(ctx, "subscription_plans", "SHARE ROW EXCLUSIVE"); err != nil {
			return err
		}
		all, err := t.plans(ctx)
		if err != nil {
			return err
		}
		counts, err := t.subscribers(ctx, audit.At, true)
		if err != nil {
			return err
		}
		save, withdraw, err := fn(onOffer(all), counts)
		if err != nil {
			return err
		}
		if err := t.changeCatalogue(ctx); err != nil {
			return err
		}
		for i, p := range save {
			if err := t.savePlan(ctx, audit, all, p, position(all, save, i)); err != nil {
				return err
			}
		}
		for _, id := range withdraw {
			if err := t.withdrawPlan(ctx, audit, all, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// position returns where the plan save[i] stands in the list: in the order of save
// where that has every plan on offer, else where it stood, or at the end.
func position(all, save plan.Plans, i int) int {
	tier := func(t string) func(plan.Plan) bool { return func(p plan.Plan) bool { return p.Tier == t } }
	for _, offered := range onOffer(all) {
		if !slices.ContainsFunc(save, tier(offered.Tier)) {
			if before := slices.IndexFunc(all, tier(save[i].Tier)); before >= 0 {
				return before
			}
			return len(all) + i
		}
	}
	return i
}

// savePlan adds a plan or takes over its figures. A tier that was withdrawn comes
// back under its old id.
func (t *tx) savePlan(ctx context.Context, audit usage.Audit, all plan.Plans, p plan.Plan, position int) error {
	const columns = "name, tier, position, monthly_price_pico, yearly_price_pico, description, features, overage, " +
		"markup_millionths, " + rateColumns + ", withdrawn, source, updated_at"
	err := t.query(ctx, into(&p.ID), "INSERT INTO subscription_plans ("+columns+") VALUES "+valueList(1, 15)+
		overwrite("tier", columns)+" RETURNING plan_id",
		p.Name, p.Tier, position, int64(p.Monthly), int64(p.Yearly), p.Description,
		jsonText(append([]string{}, p.Features...), false), p.Overage.String(), p.MarkupMillionths,
		rateValue(p.Rates.RequestsPerMinute), rateValue(p.Rates.TokensPerMinute), rateValue(p.Rates.ParallelCalls), false,
		string(p.Source), audit.At)
	if err != nil {
		return err
	}
	old, isKnown := all.ByID(p.ID)
	if isKnown && !old.Figures.Equal(p.Figures) {
		if err := t.addVersion(ctx, old, audit.At); err != nil {
			return err
		}
	}
	if err := t.do(ctx, "DELETE FROM plan_limits WHERE plan_id = $1", p.ID); err != nil {
		return err
	}
	for i, l := range p.Limits {
		if err := t.addLimit(ctx, p.ID, i, l); err != nil {
			return err
		}
	}
	var before state
	if isKnown && !old.Withdrawn {
		if old.Equal(p) {
			return nil
		}
		before = planState(old)
	}
	return t.audit(ctx, audit, "plan "+p.Name, before, planState(p))
}

func (t *tx) addLimit(ctx context.Context, id int64, position int, l plan.Limit) error {
	var max any
	if !l.Unlimited {
		max = l.Max
	}
	return t.do(ctx, `INSERT INTO plan_limits (plan_id, name, position, meter, providers, vendors, max_amount, action)
		VALUES `+valueList(1, 8), id, l.Name, position, string(l.Meter), strings.Join(l.Scope.Providers, ","),
		strings.Join(l.Scope.Vendors, ","), max, string(l.Action))
}

func (t *tx) withdrawPlan(ctx context.Context, audit usage.Audit, all plan.Plans, id int64) error {
	err := t.do(ctx, "UPDATE subscription_plans SET withdrawn = TRUE, updated_at = $1 WHERE plan_id = $2", audit.At, id)
	if err != nil {
		return err
	}
	old, _ := all.ByID(id)
	return t.audit(ctx, audit, "plan "+old.Name, planState(old), nil)
}

const rateColumns = "requests_per_minute, tokens_per_minute, parallel_calls"

const versionColumns = "monthly_price_pico, yearly_price_pico, overage, markup_millionths, limits, " + rateColumns

func scanVersion(row scanner, id *int64) (v plan.Version, err error) {
	err = row.Scan(id, moment{&v.Until}, &v.Monthly, &v.Yearly, overage{&v.Overage}, &v.MarkupMillionths,
		fromJSON{&v.Limits}, rate{&v.Rates.RequestsPerMinute}, rate{&v.Rates.TokensPerMinute},
		rate{&v.Rates.ParallelCalls})
	return v, err
}

// rate scans a rate; NULL is one without a bound.
type rate struct{ to *int64 }

// Scan implements sql.Scanner.
func (r rate) Scan(value any) error {
	var n sql.NullInt64
	err := n.Scan(value)
	*r.to = n.Int64
	return err
}

func rateValue(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// overage scans what happens beyond the limits of a plan.
type overage struct{ to *plan.Overage }

// Scan implements sql.Scanner.
func (o overage) Scan(value any) (err error) {
	var text sql.NullString
	if err = text.Scan(value); err == nil {
		*o.to, err = plan.ParseOverage(text.String)
	}
	return err
}

// addVersion keeps what a plan cost and gave before a change at a moment. Where a clock
// was ahead, what was to hold from later on never did.
func (t *tx) addVersion(ctx context.Context, before plan.Plan, at time.Time) error {
	v := before.At(at)
	err := t.do(ctx, "DELETE FROM plan_versions WHERE plan_id = $1 AND held_until > $2", before.ID, at)
	if err != nil {
		return err
	}
	return t.do(ctx, "INSERT INTO plan_versions (plan_id, held_until, "+versionColumns+") VALUES "+valueList(1, 10)+
		" ON CONFLICT DO NOTHING", // held for no time
		before.ID, at, int64(v.Monthly), int64(v.Yearly), v.Overage.String(), v.MarkupMillionths,
		jsonText(v.Limits, false), rateValue(v.Rates.RequestsPerMinute), rateValue(v.Rates.TokensPerMinute),
		rateValue(v.Rates.ParallelCalls))
}
