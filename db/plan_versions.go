package db

import (
	"context"
	"encoding/json"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

const versionColumns = "monthly_price_pico, yearly_price_pico, overage, markup_millionths, limits"

func scanVersion(row scanner, id *int64) (plan.Version, error) {
	var v plan.Version
	var overage, limits string
	err := row.Scan(id, moment{&v.Until}, &v.Monthly, &v.Yearly, &overage, &v.MarkupMillionths, &limits)
	if err != nil {
		return v, err
	}
	if v.Overage, err = plan.ParseOverage(overage); err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(limits), &v.Limits)
}

// addVersion keeps what a plan cost and gave before a change at a moment. Where a clock
// was ahead, what was to hold from later on never did.
func (t *tx) addVersion(ctx context.Context, before plan.Plan, at time.Time) error {
	v := before.VersionAt(at)
	limits, err := json.Marshal(v.Limits)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM plan_versions WHERE plan_id = $1 AND held_until > $2", before.ID, at)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "INSERT INTO plan_versions (plan_id, held_until, "+versionColumns+") VALUES "+valueList(1, 7)+
		" ON CONFLICT DO NOTHING", // held for no time
		before.ID, at, int64(v.Monthly), int64(v.Yearly), v.Overage.String(), v.MarkupMillionths, string(limits))
	return err
}
