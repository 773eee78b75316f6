-- +goose Up
-- How it is known what a call used: NULL where its vendor said so, else 'estimated'. Totals and bills have the share of
-- their calls and of their cost that was estimated, NULL for 0. And what the caller's own program calls a call, if it
-- says so.

-- As in 00013: the columns are added to the text of the schema alone, or SQLite would read all of the log.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = substr(sql, 1, length(sql) - length(') STRICT')) || ', measured TEXT, client_request_id TEXT) STRICT'
    WHERE type = 'table' AND name = 'api_usage_logs';
PRAGMA writable_schema = RESET;

ALTER TABLE usage_summaries ADD COLUMN estimated_calls INTEGER;
ALTER TABLE usage_summaries ADD COLUMN estimated_cost_pico INTEGER;
ALTER TABLE usage_daily ADD COLUMN estimated_calls INTEGER;
ALTER TABLE usage_daily ADD COLUMN estimated_cost_pico INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN estimated_calls INTEGER;
ALTER TABLE usage_archived_totals ADD COLUMN estimated_cost_pico INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_calls INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_dollars INTEGER;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_cost_pico INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN estimated_calls INTEGER;
ALTER TABLE usage_user_monthly ADD COLUMN estimated_cost_pico INTEGER;
ALTER TABLE billing_lines ADD COLUMN estimated_calls INTEGER;
ALTER TABLE billing_lines ADD COLUMN estimated_cost_pico INTEGER;
