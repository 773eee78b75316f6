package db

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Two tables sum usage_daily up further, so that the reports that are asked for most
// read as many rows for a large log as for a small one: usage_fleet_daily leaves out
// the users, usage_user_monthly the days, providers and models.

// dollar is one dollar in pico-dollars, for SQL.
const dollar = "1000000000000"

const (
	fleetKeys   = "day, plan_id, provider, vendor, model, slot"
	monthlyKeys = "month, user_id, plan_id"
)

// fleetMoney is a sum of money in usage_fleet_daily, as whole dollars and the rest: it may not fit one integer.
type fleetMoney struct{ dollars, pico string }

// fleetMoneys are all that it has, or those that nearly every call has something in.
func fleetMoneys(rare bool) []fleetMoney {
	all := []fleetMoney{{"cost_dollars", "cost_pico"}}
	if rare {
		all = append(all, fleetMoney{"estimated_dollars", "estimated_cost_pico"})
	}
	return all
}

// eachFleetMoney joins what a function returns for all of them.
func eachFleetMoney(rare bool, text func(m fleetMoney) string) string {
	var texts []string
	for _, m := range fleetMoneys(rare) {
		texts = append(texts, text(m))
	}
	return strings.Join(texts, ", ")
}

// fleetColumns are the columns of usage_fleet_daily.
func fleetColumns(rare bool) string {
	return fleetKeys + ", " + namesOfAmounts(rare) + ", " + moneyColumns(rare) + ", day_parts"
}

func moneyColumns(rare bool) string {
	return eachFleetMoney(rare, func(m fleetMoney) string { return m.dollars + ", " + m.pico })
}

// fleetUpsert returns the statement that adds rows to totals of the fleet.
func fleetUpsert(rare bool, rows string) string {
	return "INSERT INTO usage_fleet_daily AS f (" + fleetColumns(rare) + ") " + rows +
		" ON CONFLICT (" + fleetKeys + ") DO UPDATE SET " + adding(namesOfAmounts(rare), "f") + ", " +
		eachFleetMoney(rare, func(m fleetMoney) string {
			rest := "(" + plus(m.pico, "f", "excluded") + ")"
			return m.dollars + " = " + stored(m.dollars, plus(m.dollars, "f", "excluded")+" + "+rest+" / "+dollar) + ", " +
				m.pico + " = " + stored(m.pico, rest+" % "+dollar)
		}) + ", day_parts = f.day_parts | excluded.day_parts"
}

// monthlyTable is usage_user_monthly as far as rows are added to it.
func monthlyTable() totalsTable { return totalsTable{name: "usage_user_monthly", keys: monthlyKeys} }

// rollup is a row of either table.
type rollup struct {
	key     rollupKey
	amounts usage.Amounts
	// Of the money of a fleet's total the whole dollars; the rest is in amounts.
	dollars, estimated int64
}

// rollupKey names one: a total of the fleet has no user, one of a user no series. The
// day of a user's is a month, yyyymm.
type rollupKey struct {
	user, series, plan uint32
	day                int32
}

// rollupRows are what is pending for both tables, and for tokens if there are any.
func (t *tx) rollupRows(pending *pendingTotals) []rowsInto {
	slot := rand.Int64N(t.slots)
	fleet, monthly := pending.fleet, pending.monthly
	table := monthlyTable()
	addToFleet := func(rows string) string { return fleetUpsert(pending.rare, rows) }
	rows := []rowsInto{
		{name: pending.statement("usage_fleet_daily"), insert: addToFleet, rows: len(fleet),
			put: func(to encode.Sink, n int) {
				r := &fleet[n]
				to.Integer(int64(r.key.day))
				to.Integer(pending.plans.values[r.key.plan])
				putSeries(to, pending.series.values[r.key.series])
				to.Integer(slot)
				r.putAmounts(to, pending.rare)
				to.Integer(pending.parts[dayOfSeries{r.key.day, r.key.series}])
			}},
		{name: pending.statement(table.name), insert: table.upsert(namesOfTotals(pending.rare)), rows: len(monthly),
			put: func(to encode.Sink, n int) {
				r := &monthly[n]
				to.Integer(int64(r.key.day))
				to.Text(pending.users.values[r.key.user])
				to.Integer(pending.plans.values[r.key.plan])
				putTotals(to, &r.amounts, pending.rare)
			}},
	}
	if len(pending.tokens) > 0 {
		rows = append(rows, t.tokenRows(pending, slot))
	}
	return rows
}

// putAmounts puts the amounts of a total of the fleet.
func (r *rollup) putAmounts(to encode.Sink, rare bool) {
	putCounts(to, &r.amounts, rare)
	to.Integer(r.dollars)
	to.Integer(int64(r.amounts.Cost))
	if rare {
		putRare(to, r.estimated)
		putRare(to, int64(r.amounts.EstimatedCost))
	}
}

// split takes the whole dollars out of the money of a total.
func (r *rollup) split() {
	r.dollars, r.amounts.Cost = r.amounts.Cost.Split()
	r.estimated, r.amounts.EstimatedCost = r.amounts.EstimatedCost.Split()
}

// rollups sums the pending daily totals up, in the order of the tables' keys.
func (p *pendingTotals) rollups() (fleet, monthly []rollup, err error) {
	fleetIndex, monthlyIndex := map[rollupKey]int{}, map[rollupKey]int{}
	for n := range p.daily.ends {
		key, amounts, err := p.total(&p.daily, n)
		if err != nil {
			return nil, nil, err
		}
		split := rollup{key: rollupKey{series: key.series, day: key.day, plan: key.plan}, amounts: amounts}
		split.split()
		if fleet, err = addRollup(fleet, fleetIndex, split); err != nil {
			return nil, nil, err
		}
		month := rollup{key: rollupKey{user: key.user, day: key.day / 100, plan: key.plan}, amounts: amounts}
		if monthly, err = addRollup(monthly, monthlyIndex, month); err != nil {
			return nil, nil, err
		}
	}
	compare := func(a, b rollup) int {
		s, u := p.series.values[a.key.series], p.series.values[b.key.series]
		return cmp.Or(cmp.Compare(a.key.day, b.key.day),
			cmp.Compare(p.users.values[a.key.user], p.users.values[b.key.user]),
			cmp.Compare(p.plans.values[a.key.plan], p.plans.values[b.key.plan]), compareSeries(s, u))
	}
	slices.SortFunc(fleet, compare)
	slices.SortFunc(monthly, compare)
	return fleet, monthly, nil
}

func addRollup(rows []rollup, index map[rollupKey]int, r rollup) ([]rollup, error) {
	i, ok := index[r.key]
	if !ok {
		index[r.key] = len(rows)
		return append(rows, r), nil
	}
	sum, err := rows[i].amounts.Add(r.amounts)
	rows[i].amounts = sum
	rows[i].dollars, rows[i].estimated = rows[i].dollars+r.dollars, rows[i].estimated+r.estimated
	return rows, err
}

// adjustRollups adds what a rating has changed to an entry's totals: money, and unpriced calls.
func (t *tx) adjustRollups(ctx context.Context, e usage.Entry, by usage.Amounts) error {
	values := []any{plan.Day(e.Time), e.PlanID, e.Provider, e.Vendor, e.Model, 0}
	change := rollup{amounts: by}
	change.split()
	values = append(values, encode.ValuesOf(func(to encode.Sink) { change.putAmounts(to, true) })...)
	values = append(values, 0)
	if err := t.do(ctx, fleetUpsert(true, "VALUES "+valueList(1, len(values))), values...); err != nil {
		return err
	}
	return t.do(ctx, "UPDATE usage_user_monthly SET "+rated+" WHERE month = $4 AND user_id = $5 AND plan_id = $6",
		int64(by.Cost), by.Unpriced, int64(by.EstimatedCost), plan.Day(e.Time)/100, e.UserID, e.PlanID)
}

// rated is the SET list that adds to a total what a rating has changed: $1 to its cost, $2 to its unpriced calls, $3 to
// the cost of calls that were estimated.
const rated = "cost_pico = cost_pico + $1, unpriced_calls = unpriced_calls + $2, " +
	"estimated_cost_pico = NULLIF(COALESCE(estimated_cost_pico, 0) + $3, 0)"

// dailySums selects sums of usage_daily for the columns of amounts but money.
func dailySums(sign string) string { return sumsOf(amountColumns, sign) }

func sumsOf(columns, sign string) string {
	var sums []string
	for column := range strings.SplitSeq(columns, ", ") {
		sums = append(sums, summed(column, sign+"SUM("+column+")"))
	}
	return strings.Join(sums, ", ")
}

// moneyOver selects the money of many daily totals as dollars and the rest.
func moneyOver() string {
	return eachFleetMoney(true, func(m fleetMoney) string {
		rest := "CAST(SUM(" + m.pico + " % " + dollar + ") AS BIGINT)"
		return stored(m.dollars, "CAST(SUM("+m.pico+" / "+dollar+") AS BIGINT) + "+rest+" / "+dollar) + ", " +
			stored(m.pico, rest+" % "+dollar)
	})
}

// moneyBack selects the money of totals of one user as what takes it out again.
func moneyBack() string {
	return eachFleetMoney(true, func(m fleetMoney) string {
		total := "CAST(SUM(" + m.pico + ") AS BIGINT)"
		rest := total + " % " + dollar
		return stored(m.dollars, "-("+total+" / "+dollar+") - CASE WHEN "+rest+" > 0 THEN 1 ELSE 0 END") + ", " +
			stored(m.pico, "("+dollar+" - "+rest+") % "+dollar)
	})
}

const (
	fleetGroup   = "day, plan_id, provider, vendor, model"
	monthlyGroup = "day / 100, user_id, plan_id"
)

// rebuildRollups sums usage_daily anew.
func (t *tx) rebuildRollups(ctx context.Context) error {
	for _, statement := range []string{
		"DELETE FROM usage_fleet_daily",
		"INSERT INTO usage_fleet_daily (" + fleetColumns(true) + ") SELECT " + fleetGroup + ", 0, " +
			dailySums("") + ", " + moneyOver() + ", -1 FROM usage_daily GROUP BY " + fleetGroup,
		"DELETE FROM usage_user_monthly",
		monthlyInsert(""),
	} {
		if _, err := t.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// takeOut takes a user's daily totals of some days out of both tables; putIn puts them
// in. Between the two the daily totals may be summed anew.
func (t *tx) takeOut(ctx context.Context, user string, days []int) error {
	if err := t.shiftFleet(ctx, user, days, "-", moneyBack()); err != nil {
		return err
	}
	return t.forDays(ctx, "DELETE FROM usage_user_monthly WHERE user_id = $1 AND month IN {days}",
		user, monthsOfDays(days))
}

func (t *tx) putIn(ctx context.Context, user string, days []int) error {
	if err := t.shiftFleet(ctx, user, days, "", moneyOver()); err != nil {
		return err
	}
	var all []int
	for _, month := range monthsOfDays(days) {
		for day := 1; day <= 31; day++ {
			all = append(all, month*100+day)
		}
	}
	return t.forDays(ctx, monthlyInsert("WHERE user_id = $1 AND day IN {days}"), user, all)
}

func monthsOfDays(days []int) []int {
	var months []int
	for _, day := range days {
		months = append(months, day/100)
	}
	return distinct(months)
}

// shiftFleet leaves the parts of the day to the rows that the usage comes from, which
// stay there: who searches the log looks at all rows of a day, whatever their plans.
func (t *tx) shiftFleet(ctx context.Context, user string, days []int, sign, money string) error {
	return t.forDays(ctx, fleetUpsert(true, "SELECT "+fleetGroup+", 0, "+dailySums(sign)+", "+money+
		", 0 FROM usage_daily WHERE user_id = $1 AND day IN {days} GROUP BY "+fleetGroup), user, days)
}

// monthlyInsert sums some of usage_daily up for the other table.
func monthlyInsert(where string) string {
	return "INSERT INTO usage_user_monthly (" + monthlyKeys + ", " + totalColumns + ") " + monthlySums(where)
}

func monthlySums(where string) string {
	return "SELECT " + monthlyGroup + ", " + sumsOf(totalColumns, "") + " FROM usage_daily " + where +
		" GROUP BY " + monthlyGroup
}

// forDays runs a statement with a user and a list of days or months, for which {days} stands.
func (t *tx) forDays(ctx context.Context, statement, user string, days []int) error {
	list := "(SELECT CAST(d AS BIGINT) FROM " + t.rowsOf("$2", "d") + ")"
	return t.do(ctx, strings.ReplaceAll(statement, "{days}", list), user, t.list(dayTexts(days)))
}

func dayTexts(days []int) []string {
	texts := make([]string, len(days))
	for i, day := range days {
		texts[i] = fmt.Sprint(day)
	}
	return texts
}

// compareRollups lists where the two tables are not the sums of usage_daily.
func (t *tx) compareRollups(ctx context.Context, r *usage.Reconciliation) error {
	err := t.compare(ctx, comparison{
		table: "usage_fleet_daily", keys: fleetGroup, columns: amountColumns + ", " + moneyColumns(true),
		stored: "SELECT " + fleetGroup + ", " + dailySums("") + ", " +
			eachFleetMoney(true, func(m fleetMoney) string {
				rest := "CAST(COALESCE(SUM(" + m.pico + "), 0) AS BIGINT)"
				return "CAST(COALESCE(SUM(" + m.dollars + "), 0) AS BIGINT) + " + rest + " / " + dollar + ", " +
					rest + " % " + dollar
			}) + " FROM usage_fleet_daily GROUP BY " + fleetGroup,
		sums: "SELECT " + fleetGroup + ", " + dailySums("") + ", " + moneyOver() +
			" FROM usage_daily GROUP BY " + fleetGroup,
	}, r)
	if err != nil {
		return err
	}
	return t.compare(ctx, comparison{table: "usage_user_monthly", keys: monthlyKeys, columns: totalColumns,
		stored: "SELECT " + monthlyKeys + ", " + totalColumns + " FROM usage_user_monthly",
		sums:   monthlySums("")}, r)
}

// dayTime returns the beginning of a day that is written yyyymmdd.
func dayTime(day int32) time.Time {
	return time.Date(int(day/10_000), time.Month(day/100%100), int(day%100), 0, 0, 0, 0, time.UTC)
}
