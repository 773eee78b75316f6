-- +goose Up
-- In which parts of the day there are log rows of a daily total of everyone: a bit for each 24 minutes, from the
-- lowest on, so that who looks for a rare model reads little of the log. Of the days before, all may have some. There
-- is no default: a binary that knows nothing of it must not record.
ALTER TABLE usage_fleet_daily ADD COLUMN day_parts BIGINT NOT NULL DEFAULT -1;
ALTER TABLE usage_fleet_daily ALTER COLUMN day_parts DROP DEFAULT;
