-- +goose Up
-- More that a call may use up. Few calls have any of it: NULL stands for 0, and takes no room. Seconds become
-- milliseconds. An event may carry the cost that its vendor reports, and a service tier.

ALTER TABLE api_usage_logs RENAME COLUMN seconds TO milliseconds;
-- For each column that is added to a STRICT table, SQLite reads all of it (a quick_check). Of the log, which is large,
-- the columns are added to the text of the schema alone, as ADD COLUMN writes them: rows without them have NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = substr(sql, 1, length(sql) - length(') STRICT')) || ', cache_write_tokens INTEGER, ' ||
    'cache_write_1h_tokens INTEGER, audio_input_tokens INTEGER, image_input_tokens INTEGER, ' ||
    'audio_output_tokens INTEGER, reasoning_tokens INTEGER, reported_cost_pico INTEGER, service_tier TEXT) STRICT'
    WHERE type = 'table' AND name = 'api_usage_logs';
PRAGMA writable_schema = RESET;
UPDATE api_usage_logs SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;

ALTER TABLE usage_summaries RENAME COLUMN seconds TO milliseconds;
UPDATE usage_summaries SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
ALTER TABLE usage_summaries ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE usage_summaries ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE usage_summaries ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE usage_summaries ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE usage_summaries ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE usage_summaries ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE usage_daily RENAME COLUMN seconds TO milliseconds;
UPDATE usage_daily SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
ALTER TABLE usage_daily ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE usage_daily ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE usage_daily ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE usage_daily ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE usage_daily ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE usage_daily ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE usage_archived_totals RENAME COLUMN seconds TO milliseconds;
UPDATE usage_archived_totals SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
ALTER TABLE usage_archived_totals ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE usage_fleet_daily RENAME COLUMN seconds TO milliseconds;
UPDATE usage_fleet_daily SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
ALTER TABLE usage_fleet_daily ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE usage_user_monthly RENAME COLUMN seconds TO milliseconds;
UPDATE usage_user_monthly SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
ALTER TABLE usage_user_monthly ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE billing_lines RENAME COLUMN seconds TO milliseconds;
DROP TRIGGER billing_lines_stay;
UPDATE billing_lines SET milliseconds = milliseconds * 1000 WHERE milliseconds <> 0;
-- +goose StatementBegin
CREATE TRIGGER billing_lines_stay BEFORE UPDATE ON billing_lines
BEGIN SELECT RAISE(ABORT, 'a bill is never changed'); END;
-- +goose StatementEnd
ALTER TABLE billing_lines ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE billing_lines ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE billing_lines ADD COLUMN audio_input_tokens INTEGER;
ALTER TABLE billing_lines ADD COLUMN image_input_tokens INTEGER;
ALTER TABLE billing_lines ADD COLUMN audio_output_tokens INTEGER;
ALTER TABLE billing_lines ADD COLUMN reasoning_tokens INTEGER;

-- What a price charges beyond its columns, as JSON: for these quantities, in service tiers, at some times (Terms in
-- pricing/entry.go). NULL is none of it. cost_reported: a call costs what its event reports.
ALTER TABLE api_provider_pricing ADD COLUMN terms TEXT;
ALTER TABLE api_providers ADD COLUMN cost_reported INTEGER NOT NULL DEFAULT 0;
