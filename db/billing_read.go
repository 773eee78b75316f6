package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// ViewBilling implements billing.Store.
func (d *DB) ViewBilling(ctx context.Context, fn func(billing.Reader) error) error {
	return d.view(ctx, func(t *tx) error { return fn(t) })
}

const dueUsers = ` FROM users u LEFT JOIN billing_accounts b ON b.user_id = u.user_id
	WHERE (b.closes_at IS NULL OR b.closes_at <= $1)`

// DueUsers implements billing.Store.
func (d *DB) DueUsers(ctx context.Context, now time.Time, after string, limit int) ([]string, error) {
	return d.userList(ctx, "SELECT u.user_id"+dueUsers+" AND u.user_id > $2 ORDER BY u.user_id LIMIT $3",
		now, after, limit)
}

// CountDue implements billing.Store.
func (d *DB) CountDue(ctx context.Context, now time.Time) (due int64, err error) {
	err = d.view(ctx, func(t *tx) error { return t.query(ctx, into(&due), "SELECT COUNT(*)"+dueUsers, now) })
	return due, err
}

// UnpaidUsers implements billing.Store.
func (d *DB) UnpaidUsers(ctx context.Context, due, overdue time.Time, after string, limit int) ([]string, error) {
	return d.userList(ctx, `SELECT DISTINCT user_id FROM billing_history WHERE user_id > $1
		AND (status = 'open' AND due_at <= $2 OR status = 'past_due' AND due_at <= $3)
		ORDER BY user_id LIMIT $4`, after, due, overdue, limit)
}

// Renewing implements billing.Store.
func (d *DB) Renewing(ctx context.Context, from, to time.Time, after string, limit int) ([]string, error) {
	return d.userList(ctx, `SELECT user_id FROM user_subscriptions WHERE user_id > $1 AND auto_renew
		AND paid_until >= $2 AND paid_until <= $3
		ORDER BY user_id LIMIT $4`, after, from, to, limit)
}

func (d *DB) userList(ctx context.Context, query string, args ...any) ([]string, error) {
	return inView(ctx, d, func(t *tx) ([]string, error) { return selectColumn[string](ctx, t, query, args...) })
}

// Credits implements billing.Store.
func (d *DB) Credits(ctx context.Context, q billing.CreditQuery) ([]billing.CreditEntry, error) {
	return inView(ctx, d, func(t *tx) ([]billing.CreditEntry, error) {
		return selectRows(ctx, t, scanCredit, "SELECT "+creditColumns+` FROM billing_credits
			WHERE ($1 = '' OR user_id = $1) AND credit_id > $2 ORDER BY credit_id LIMIT $3`, q.UserID, q.After, q.Limit)
	})
}

const creditColumns = "credit_id, user_id, at, amount_pico, COALESCE(number, 0), reason, actor, " +
	"credit_key, reference"

func scanCredit(row scanner) (c billing.CreditEntry, err error) {
	err = row.Scan(&c.ID, &c.UserID, moment{&c.At}, &c.Amount, &c.Number, &c.Reason, &c.Actor, &c.Key, &c.Reference)
	return c, err
}

// CreditByKey implements billing.Tx.
func (t *tx) CreditByKey(ctx context.Context, key string) (billing.CreditEntry, bool, error) {
	found, err := selectRows(ctx, t, scanCredit,
		"SELECT "+creditColumns+" FROM billing_credits WHERE credit_key = $1", key)
	if err != nil || len(found) == 0 {
		return billing.CreditEntry{}, false, err
	}
	return found[0], true, nil
}

// UpdateBilling implements billing.Store.
func (d *DB) UpdateBilling(ctx context.Context, users []string, now time.Time, fn func(billing.Tx) error) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.Lock(ctx, users, now); err != nil {
			return err
		}
		return fn(t)
	})
}

// BillingAccounts implements billing.Tx.
func (t *tx) BillingAccounts(ctx context.Context, users []string) (map[string]billing.BillingAccount, error) {
	subscribed, err := t.Accounts(ctx, users)
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]billing.BillingAccount, len(users))
	for user, account := range subscribed {
		accounts[user] = billing.BillingAccount{Account: account}
	}
	return accounts, t.send(ctx, t.readClosings(users, accounts), t.readPhases(users, accounts),
		t.readVoided(users, accounts))
}

// Customers implements simulate.Store.
func (d *DB) Customers(ctx context.Context, month plan.Month, after string, limit int) ([]simulate.Customer, error) {
	return inView(ctx, d, func(t *tx) ([]simulate.Customer, error) {
		users, err := t.UserIDs(ctx, after, limit)
		if err != nil || len(users) == 0 {
			return nil, err
		}
		used, err := selectColumn[string](ctx, t, `SELECT DISTINCT user_id FROM usage_user_monthly
			WHERE month = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id`, int64(month), after, users[len(users)-1])
		if err != nil {
			return nil, err
		}
		accounts, err := t.BillingAccounts(ctx, users)
		customers := make([]simulate.Customer, len(users))
		for i, user := range users {
			_, isUsed := slices.BinarySearch(used, user)
			customers[i] = simulate.Customer{Account: accounts[user], Used: isUsed}
		}
		return customers, err
	})
}

func (t *tx) readPhases(users []string, accounts map[string]billing.BillingAccount) statement {
	scan := func(row scanner) error {
		var user string
		var price *int64
		var c billing.SubscriptionPhase
		s := &c.Subscription
		err := row.Scan(&user, &c.Action, moment{&c.From}, &s.PlanID, &s.Cycle, moment{&s.Anchor}, &price,
			moment{&s.PaidUntil}, &s.AutoRenew, moment{&s.EndsAt}, &c.Continues)
		if err != nil {
			return err
		}
		f := accounts[user]
		if price != nil {
			c.Price = pricing.USD(*price)
		} else if p, ok := f.Account.Plans.ByID(s.PlanID); ok { // from before prices were noted
			c.Price = p.At(c.From).Price(s.Cycle)
		}
		f.Phases = append(f.Phases, c)
		accounts[user] = f
		return nil
	}
	condition, arg := t.oneOf("user_id", "$1", users)
	return statement{`SELECT user_id, action, effective_at, plan_id, cycle, anchor, price_pico, paid_until,
		auto_renew, ends_at, continues
		FROM subscription_history WHERE ` + condition + " ORDER BY user_id, history_id", []any{arg}, scan}
}

// readClosings reads how far users' periods are closed, their credit, and when they were first seen using anything: one
// entry of the key of the summaries for each.
func (t *tx) readClosings(users []string, accounts map[string]billing.BillingAccount) statement {
	condition, arg := t.oneOf("u.user_id", "$1", users)
	return statement{`SELECT u.user_id, b.closed_until, b.billed_from, b.closes_at, COALESCE(b.suspended_unpaid, FALSE),
			(SELECT MIN(s.period_start) FROM usage_summaries s WHERE s.user_id = u.user_id),
			CAST((SELECT COALESCE(SUM(c.amount_pico), 0) FROM billing_credits c WHERE c.user_id = u.user_id) AS BIGINT)
		FROM users u LEFT JOIN billing_accounts b ON b.user_id = u.user_id WHERE ` + condition, []any{arg},
		func(row scanner) error {
			var user string
			var a billing.BillingAccount
			err := row.Scan(&user, moment{&a.ClosedUntil}, moment{&a.BilledFrom}, moment{&a.ClosesAt},
				&a.SuspendedUnpaid, moment{&a.FirstUse}, &a.Balance)
			a.Account = accounts[user].Account
			accounts[user] = a
			return err
		}}
}

func (t *tx) readVoided(users []string, accounts map[string]billing.BillingAccount) statement {
	condition, arg := t.oneOf("user_id", "$1", users)
	return statement{"SELECT user_id, period_start FROM billing_history WHERE status = 'void' AND " + condition,
		[]any{arg}, func(row scanner) error {
			var user string
			var start time.Time
			if err := row.Scan(&user, moment{&start}); err != nil {
				return err
			}
			kept := accounts[user]
			kept.Voided = append(kept.Voided, start)
			accounts[user] = kept
			return nil
		}}
}

// Used implements billing.Tx.
func (t *tx) Used(ctx context.Context, periods []usage.PeriodKey) (map[usage.PeriodKey][]billing.Series, error) {
	wanted := make(map[usage.PeriodKey][]billing.Series, len(periods))
	var users []string
	var first, last time.Time
	for _, key := range periods {
		wanted[key] = nil
		users = append(users, key.UserID)
		start := time.UnixMicro(key.Start).UTC()
		if first.IsZero() || start.Before(first) {
			first = start
		}
		if start.After(last) {
			last = start
		}
	}
	condition, arg := t.oneOf("user_id", "$1", distinct(users))
	return wanted, t.query(ctx, func(row scanner) error {
		user, start, s, err := scanSeries(row)
		key := usage.NewPeriodKey(user, start)
		// Where all that was used was taken back, nothing was.
		if _, ok := wanted[key]; ok && s.Usage != (usage.Amounts{}) {
			wanted[key] = append(wanted[key], s)
		}
		return err
	}, "SELECT "+seriesColumns+", "+totalColumns+" FROM usage_summaries WHERE "+condition+
		" AND period_start >= $2 AND period_start <= $3", arg, first, last)
}

// UsedByPlan implements billing.Tx.
func (t *tx) UsedByPlan(ctx context.Context, user string, p plan.Period) (billing.ByPlan, error) {
	used := billing.ByPlan{}
	const keys = "plan_id, " + seriesColumns
	table := totalsTable{keys: keys, ofLog: keys}
	const ofPeriod = "user_id = $1 AND period_start = $2 AND "
	return used, t.query(ctx, func(row scanner) error {
		var id int64
		_, _, s, err := scanSeries(moreColumns{row, []any{&id}})
		used[id] = append(used[id], s)
		return err
	}, table.sums(ofPeriod+"occurred_at >= $2 AND occurred_at < $3", ofPeriod+"month <= $4"),
		user, p.Start, p.End, int64(plan.MonthOf(p.End)))
}

// scanSeries scans seriesColumns and totalColumns.
func scanSeries(row scanner) (user string, start time.Time, s billing.Series, err error) {
	dest := []any{&user, moment{&start}, &s.Provider, &s.Vendor, &s.Model}
	err = row.Scan(append(dest, scanAmounts(&s.Usage)...)...)
	s.Usage.Quantities[pricing.Requests] = s.Usage.Calls
	return user, start, s, err
}

// scanAmounts returns where to scan totalColumns to.
func scanAmounts(a *usage.Amounts) []any {
	dest := []any{&a.Calls, &a.Errors, &a.Unpriced}
	for q := pricing.InputTokens; q < pricing.QuantityCount; q++ {
		if q.Rare() {
			dest = append(dest, rare(&a.Quantities[q]))
		} else {
			dest = append(dest, &a.Quantities[q])
		}
	}
	return append(dest, rare(&a.Estimated), rare((*int64)(&a.EstimatedCost)), &a.Cost)
}

// Unbilled implements billing.Tx. What was used of closed periods and what bills have of it, taken off, are summed up
// together: what is left differs.
func (t *tx) Unbilled(ctx context.Context, users []string) (map[string][]billing.Difference, error) {
	found := map[string][]billing.Difference{}
	condition, arg := t.oneOf("x.user_id", "$1", users)
	return found, t.query(ctx, func(row scanner) error {
		user, start, s, err := scanSeries(row)
		found[user] = append(found[user], billing.Difference{Period: plan.Period{Start: start}, Series: s})
		return err
	}, unbilled(condition), arg)
}

// seriesColumns are what scanSeries reads before the totals.
const seriesColumns = "user_id, period_start, provider, vendor, model"

// unbilled is the SELECT of seriesColumns and of the sums of totalColumns that differ between the usage of closed
// periods and what bills have of it, where a condition holds for x.
func unbilled(condition string) string {
	var used, billed, sums, differ []string
	for column := range strings.SplitSeq(totalColumns, ", ") {
		used = append(used, "x."+column)
		billed = append(billed, "-x."+column)
		sum := "SUM(" + column + ")"
		sums = append(sums, "CAST("+sum+" AS BIGINT)")
		differ = append(differ, sum+" <> 0")
	}
	series := prefixed("x", seriesColumns) + ", "
	return "WITH sides (" + seriesColumns + ", " + totalColumns + ") AS (" +
		"SELECT " + series + strings.Join(used, ", ") + ` FROM usage_summaries x
			JOIN billing_accounts b ON b.user_id = x.user_id
			WHERE x.period_start < b.closed_until AND x.period_start >= b.billed_from AND ` + condition +
		" UNION ALL SELECT " + series + strings.Join(billed, ", ") +
		" FROM billing_lines x WHERE x.kind IN ('usage', 'adjustment') AND " + condition + ")" +
		" SELECT " + seriesColumns + ", " + strings.Join(sums, ", ") +
		" FROM sides GROUP BY " + seriesColumns + " HAVING " + strings.Join(differ, " OR ")
}

var _ billing.Store = (*DB)(nil)
var _ billing.Tx = (*tx)(nil)
