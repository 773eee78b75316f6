package db

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// usage_token_totals sums what was used with each API token: by its user's periods or, where several users share it, by
// calendar months. It has what limits count, and nothing more.

const (
	tokenKeys         = "token_id, period_start, provider, vendor"
	tokenTotalColumns = "calls, errors, unpriced_calls, input_tokens, output_tokens, cost_pico"
)

// tokenKey is what totals of tokens are told apart by.
type tokenKey struct {
	token, start     int64
	provider, vendor string
}

// tokenTotal is what is added to one.
type tokenTotal struct {
	tokenKey
	shared  bool // by users
	amounts usage.Amounts
}

// addToken notes an entry that has a token.
func (p *pendingTotals) addToken(e *usage.Entry) {
	p.tokens = append(p.tokens, tokenTotal{
		tokenKey: tokenKey{e.TokenID, e.Token.Start.UnixMicro(), e.Provider, e.Vendor}, shared: e.Token.Shared,
		amounts: e.Amounts(),
	})
}

// sumTokensUp adds up what has one key, in the order of the keys. A sum that does not fit is an invalid failure.
func (p *pendingTotals) sumTokensUp() error {
	slices.SortStableFunc(p.tokens, func(a, b tokenTotal) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.start, b.start),
			strings.Compare(a.provider, b.provider), strings.Compare(a.vendor, b.vendor))
	})
	sums := p.tokens[:0]
	for _, t := range p.tokens {
		last := len(sums) - 1
		if last < 0 || sums[last].tokenKey != t.tokenKey {
			sums = append(sums, t)
			continue
		}
		sum, err := sums[last].amounts.Add(t.amounts)
		if err != nil {
			return err
		}
		sums[last].amounts = sum
	}
	p.tokens = sums
	return nil
}

// tokenRows are what is pending for the table. A token of one user has one row: whoever adds to it has locked the user.
func (t *tx) tokenRows(pending *pendingTotals, slot int64) rowsInto {
	return rowsInto{name: "usage_token_totals", rows: len(pending.tokens), insert: tokenUpsert,
		put: func(to encode.Sink, n int) { putTokenTotal(to, &pending.tokens[n], slot) }}
}

func putTokenTotal(to encode.Sink, total *tokenTotal, slot int64) {
	to.Integer(total.token)
	to.Moment(total.start)
	to.Text(total.provider)
	to.Text(total.vendor)
	if !total.shared {
		slot = 0
	}
	to.Integer(slot)
	a := &total.amounts
	for _, n := range [...]int64{a.Calls, a.Errors, a.Unpriced, a.Quantities[pricing.InputTokens],
		a.Quantities[pricing.OutputTokens], int64(a.Cost)} {
		to.Integer(n)
	}
}

func tokenUpsert(rows string) string {
	return "INSERT INTO usage_token_totals (" + tokenKeys + ", slot, " + tokenTotalColumns + ") " + rows +
		" ON CONFLICT (" + tokenKeys + ", slot) DO UPDATE SET " + adding(tokenTotalColumns, "usage_token_totals")
}

// ofOneUser is the condition that a token t is used for one user alone: usage.TokenTerms.User in SQL.
const ofOneUser = "t.user_id <> '' AND NOT t.act_as AND t.scopes NOT LIKE '%admin%'"

// adjustToken changes the cost and the number of unpriced calls of an entry's token.
func (t *tx) adjustToken(ctx context.Context, e usage.Entry, cost, unpriced int64) error {
	if e.TokenID == 0 {
		return nil
	}
	terms, err := t.TokenTerms(ctx, []int64{e.TokenID})
	if err != nil {
		return err
	}
	of, known := terms[e.TokenID]
	if !known {
		return nil
	}
	total := tokenTotal{shared: of.User == ""}
	total.tokenKey = tokenKey{e.TokenID, of.PeriodOf(e.Time, plan.Period{Start: e.PeriodStart}).Start.UnixMicro(),
		e.Provider, e.Vendor}
	total.amounts.Cost, total.amounts.Unpriced = pricing.USD(cost), unpriced
	row := encode.ValuesOf(func(to encode.Sink) { putTokenTotal(to, &total, 0) })
	return t.do(ctx, tokenUpsert("VALUES "+valueList(1, len(row))), row...)
}

// tokenSums is the SELECT of what log rows that have a token add up to, where a condition holds for each.
func (d *dialect) tokenSums(where string) string {
	sum := func(column, filter string) string {
		return "CAST(COALESCE(SUM(l." + column + ") FILTER (WHERE " + filter + "), 0) AS BIGINT)"
	}
	const counts = "(l.status_code < 400 OR l.billable)"
	return "SELECT l.token_id AS token_id, CASE WHEN " + ofOneUser + " THEN l.period_start ELSE " + d.monthOf +
		" END AS period_start, l.provider AS provider, l.vendor AS vendor, " + strings.Join([]string{
		sum("requests", counts) + " AS calls", sum("requests", "NOT "+counts) + " AS errors",
		sum("requests", counts+" AND l.pricing = 'unpriced'") + " AS unpriced_calls",
		sum("input_tokens", counts) + " AS input_tokens", sum("output_tokens", counts) + " AS output_tokens",
		sum("cost_pico", counts) + " AS cost_pico"}, ", ") +
		" FROM api_usage_logs l JOIN api_tokens t ON t.token_id = l.token_id WHERE l.token_id IS NOT NULL AND " + where +
		" GROUP BY 1, 2, 3, 4"
}

// allTokenSums is the SELECT of what the table has to have: of the log and of what is archived, where a condition holds
// for each row's token t.
func (d *dialect) allTokenSums(where string) string {
	return summedTokens(d.tokenSums(where) + " UNION ALL SELECT " + prefixed("a", tokenKeys+", "+tokenTotalColumns) +
		" FROM usage_archived_token_totals a JOIN api_tokens t ON t.token_id = a.token_id WHERE " + where)
}

// summedTokens is the SELECT that adds rows of totals up by their keys.
func summedTokens(of string) string {
	var sums []string
	for column := range strings.SplitSeq(tokenTotalColumns, ", ") {
		sums = append(sums, "CAST(SUM("+column+") AS BIGINT) AS "+column)
	}
	return "SELECT " + tokenKeys + ", " + strings.Join(sums, ", ") + " FROM (" + of + ") AS x GROUP BY " + tokenKeys
}

// rebuildTokenTotals sums the log of tokens anew.
func (t *tx) rebuildTokenTotals(ctx context.Context) error {
	if err := t.do(ctx, "DELETE FROM usage_token_totals"); err != nil {
		return err
	}
	return t.do(ctx, insertTokenSums(t.allTokenSums("TRUE")))
}

// rebuildTokenTotalsOf sums the log of one user's tokens anew, whose periods have changed. Those of tokens that act for
// others have not.
func (t *tx) rebuildTokenTotalsOf(ctx context.Context, user string) error {
	some := false
	err := t.query(ctx, into(&some), "SELECT EXISTS (SELECT 1 FROM api_tokens t WHERE t.user_id = $1 AND "+ofOneUser+")",
		user)
	if err != nil || !some {
		return err
	}
	err = t.do(ctx, "DELETE FROM usage_token_totals WHERE token_id IN (SELECT t.token_id FROM api_tokens t"+
		" WHERE t.user_id = $1 AND "+ofOneUser+")", user)
	if err != nil {
		return err
	}
	// Of the log's rows too, so that they are found by an index.
	return t.do(ctx, insertTokenSums(strings.Replace(t.allTokenSums("t.user_id = $1 AND "+ofOneUser),
		"l.token_id IS NOT NULL", "l.token_id IS NOT NULL AND l.user_id = $1", 1)), user)
}

func insertTokenSums(sums string) string {
	const columns = tokenKeys + ", " + tokenTotalColumns
	return "INSERT INTO usage_token_totals (" + columns + ", slot) SELECT " + columns + ", 0 FROM (" + sums + ") AS s"
}

// compareTokens lists where the table is not what the log adds up to.
func (t *tx) compareTokens(ctx context.Context, r *usage.Reconciliation) error {
	return t.compare(ctx, comparison{table: "usage_token_totals", keys: tokenKeys, columns: tokenTotalColumns,
		stored: summedTokens("SELECT * FROM usage_token_totals"), sums: t.allTokenSums("TRUE")}, r)
}

// archiveTokenTotals keeps what the log rows of a month add up to for tokens.
func (t *tx) archiveTokenTotals(ctx context.Context, month plan.Month) error {
	return t.do(ctx, "INSERT INTO usage_archived_token_totals (month, "+tokenKeys+", "+tokenTotalColumns+
		") SELECT CAST($1 AS BIGINT), s.* FROM ("+t.tokenSums("l.occurred_at >= $2 AND l.occurred_at < $3")+") AS s",
		int64(month), month.Start(), month.End())
}

// TokenTotals implements usage.Reader. It asks for all of the tokens in any of the periods at once.
func (t *tx) TokenTotals(
	ctx context.Context, periods []usage.TokenPeriod,
) (map[usage.TokenPeriod][]usage.ProviderUsage, error) {
	totals := make(map[usage.TokenPeriod][]usage.ProviderUsage, len(periods))
	var ids []int64
	starts := map[int64]bool{}
	for _, key := range periods {
		totals[key] = nil
		ids = append(ids, key.TokenID)
		starts[key.Start] = true
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(starts)), chunkSize) {
		condition, arg := t.numbers("token_id", "$1", distinct(ids))
		args := []any{arg}
		for _, start := range chunk {
			args = append(args, time.UnixMicro(start).UTC())
		}
		err := t.query(ctx, func(row scanner) error {
			var key usage.TokenPeriod
			var start time.Time
			var u usage.ProviderUsage
			err := row.Scan(&key.TokenID, moment{&start}, &u.Provider, &u.Vendor, &u.Calls, &u.Errors, &u.Unpriced,
				&u.InputTokens, &u.OutputTokens, &u.Cost)
			key.Start = start.UnixMicro()
			if _, wanted := totals[key]; wanted {
				totals[key] = append(totals[key], u)
			}
			return err
		}, summedTokens("SELECT * FROM usage_token_totals WHERE "+condition+" AND period_start IN ("+
			placeholders(2, len(chunk))+")")+" ORDER BY "+tokenKeys, args...)
		if err != nil {
			return nil, err
		}
	}
	return totals, nil
}

// TokenTerms implements usage.Reader.
func (t *tx) TokenTerms(ctx context.Context, ids []int64) (map[int64]usage.TokenTerms, error) {
	terms := make(map[int64]usage.TokenTerms, len(ids))
	condition, arg := t.numbers("t.token_id", "$1", ids)
	return terms, t.query(ctx, func(row scanner) error {
		found, err := scanToken(row)
		terms[found.ID] = found.Terms()
		return err
	}, "SELECT "+apiTokenColumns+" FROM api_tokens t WHERE "+condition, arg)
}

// LockTokens implements usage.Tx. On SQLite everything is locked already.
func (t *tx) LockTokens(ctx context.Context, ids []int64, skip bool) (busy []int64, err error) {
	if t.lockRows(skip) == "" {
		return nil, nil
	}
	condition, arg := t.numbers("token_id", "$1", ids)
	locked, err := selectColumn[int64](ctx, t,
		"SELECT token_id FROM api_tokens WHERE "+condition+" ORDER BY token_id"+t.lockRows(skip), arg)
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return slices.Contains(locked, id) }), err
}

// HeldByTokens implements usage.Reader.
func (t *tx) HeldByTokens(ctx context.Context, ids []int64, now time.Time) (map[int64][]usage.Reservation, error) {
	condition, arg := t.numbers("token_id", "$2", ids)
	found, err := t.reservations(ctx, " WHERE status = 'held' AND token_id IS NOT NULL AND expires_at > $1 AND "+condition+
		" ORDER BY created_at, reservation_id", now, arg)
	held := map[int64][]usage.Reservation{}
	for _, r := range found {
		held[r.TokenID] = append(held[r.TokenID], r)
	}
	return held, err
}
