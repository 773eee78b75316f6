package db

import "strings"

// unbilled is the SELECT of some keys and of the sums of totalColumns that differ between the usage of closed periods
// and what bills have of it, where a condition holds for x.
func unbilled(keys, condition string) string {
	var used, billed, sums, differ []string
	for column := range strings.SplitSeq(totalColumns, ", ") {
		used = append(used, "x."+column)
		billed = append(billed, "-x."+column)
		sum := "SUM(" + column + ")"
		sums = append(sums, "CAST("+sum+" AS BIGINT)")
		differ = append(differ, sum+" <> 0")
	}
	series := "x.user_id, x.period_start, x.provider, x.vendor, x.model, "
	return "WITH sides (user_id, period_start, provider, vendor, model, " + totalColumns + ") AS (" +
		"SELECT " + series + strings.Join(used, ", ") + ` FROM usage_summaries x
			JOIN billing_accounts b ON b.user_id = x.user_id
			WHERE x.period_start < b.closed_until AND x.period_start >= b.billed_from AND ` + condition +
		" UNION ALL SELECT " + series + strings.Join(billed, ", ") +
		" FROM billing_lines x WHERE x.kind IN ('usage', 'adjustment') AND " + condition + ")" +
		" SELECT " + keys + ", " + strings.Join(sums, ", ") +
		" FROM sides GROUP BY " + keys + " HAVING " + strings.Join(differ, " OR ")
}
