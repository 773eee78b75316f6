package db

import (
	"context"
	"slices"

	"github.com/alwrity/alwrity-sub/usage"
)

// quantityColumns are the columns of the quantities in their order.
const quantityColumns = "requests, input_tokens, output_tokens, cached_input_tokens, images, searches, pages, characters, seconds"

const entryColumns = "event_id, user_id, provider, model, vendor, occurred_at, period_start, plan_id, " + quantityColumns +
	", cost_pico, pricing, price_id, endpoint, method, status_code, response_time_ms, error_message, retry_count, billable, recorded_at"

func scanEntry(row scanner) (usage.Entry, error) {
	var e usage.Entry
	var priceID *int64
	dest := []any{&e.ID, &e.UserID, &e.Provider, &e.Model, &e.Vendor, moment{&e.Time}, moment{&e.PeriodStart}, &e.PlanID}
	for i := range e.Quantities {
		dest = append(dest, &e.Quantities[i])
	}
	dest = append(dest, &e.Cost, &e.Basis, &priceID, &e.Endpoint, &e.Method, &e.StatusCode, &e.ResponseTimeMS, &e.ErrorMessage,
		&e.RetryCount, &e.Billable, moment{&e.RecordedAt})
	if err := row.Scan(dest...); err != nil {
		return e, err
	}
	if priceID != nil {
		e.PriceID = *priceID
	}
	return e, nil
}

// entryValues returns the values of entryColumns.
func entryValues(e usage.Entry) []any {
	values := []any{e.ID, e.UserID, e.Provider, e.Model, e.Vendor, e.Time, e.PeriodStart, e.PlanID}
	for _, n := range e.Quantities {
		values = append(values, n)
	}
	return append(values, int64(e.Cost), string(e.Basis), nullID(e.PriceID), e.Endpoint, e.Method, e.StatusCode, e.ResponseTimeMS,
		e.ErrorMessage, e.RetryCount, e.Billable, e.RecordedAt)
}

func nullID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// Entries implements usage.Reader.
func (t *tx) Entries(ctx context.Context, ids []string) (map[string]usage.Entry, error) {
	entries := make(map[string]usage.Entry)
	for chunk := range slices.Chunk(ids, chunkSize) {
		err := t.query(ctx, func(row scanner) error {
			e, err := scanEntry(row)
			entries[e.ID] = e
			return err
		}, "SELECT "+entryColumns+" FROM api_usage_logs WHERE event_id IN ("+placeholders(1, len(chunk))+")", anys(chunk)...)
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Append implements usage.Tx.
func (t *tx) Append(ctx context.Context, entries []usage.Entry) error {
	for chunk := range slices.Chunk(entries, chunkSize) {
		if err := t.insertEntries(ctx, chunk); err != nil {
			return err
		}
	}
	return t.addToTotals(ctx, entries)
}

func (t *tx) insertEntries(ctx context.Context, entries []usage.Entry) error {
	var args []any
	for _, e := range entries {
		args = append(args, entryValues(e)...)
	}
	result, err := t.exec(ctx, "INSERT INTO api_usage_logs ("+entryColumns+") VALUES "+valueList(len(entries), len(args)/len(entries))+
		" ON CONFLICT (event_id) DO NOTHING", args...)
	if err != nil {
		return err
	}
	inserted, err := result.RowsAffected()
	if err == nil && inserted != int64(len(entries)) {
		return errLostRace
	}
	return err
}
