-- +goose Up
-- How it is known what a call used: NULL where its vendor said so, else 'estimated'. Totals and bills have the share of
-- their calls and of their cost that was estimated, NULL for 0. And what the caller's own program calls a call, if it
-- says so.
ALTER TABLE api_usage_logs ADD COLUMN measured TEXT COLLATE "C";
ALTER TABLE api_usage_logs ADD COLUMN client_request_id TEXT COLLATE "C";
ALTER TABLE usage_summaries ADD COLUMN estimated_calls BIGINT;
ALTER TABLE usage_summaries ADD COLUMN estimated_cost_pico BIGINT;
ALTER TABLE usage_daily ADD COLUMN estimated_calls BIGINT;
ALTER TABLE usage_daily ADD COLUMN estimated_cost_pico BIGINT;
ALTER TABLE usage_archived_totals ADD COLUMN estimated_calls BIGINT;
ALTER TABLE usage_archived_totals ADD COLUMN estimated_cost_pico BIGINT;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_calls BIGINT;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_dollars BIGINT;
ALTER TABLE usage_fleet_daily ADD COLUMN estimated_cost_pico BIGINT;
ALTER TABLE usage_user_monthly ADD COLUMN estimated_calls BIGINT;
ALTER TABLE usage_user_monthly ADD COLUMN estimated_cost_pico BIGINT;
ALTER TABLE billing_lines ADD COLUMN estimated_calls BIGINT;
ALTER TABLE billing_lines ADD COLUMN estimated_cost_pico BIGINT;
