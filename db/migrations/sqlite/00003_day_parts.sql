-- +goose Up
-- In which parts of the day there are log rows of a daily total of everyone: a bit for each 24 minutes, from the
-- lowest on, so that who looks for a rare model reads little of the log. Of the days before, all may have some. There
-- is no default: a binary that knows nothing of it must not record.
CREATE TABLE usage_fleet_daily_3 (
    day                 INTEGER NOT NULL,
    plan_id             INTEGER NOT NULL,
    provider            TEXT NOT NULL,
    vendor              TEXT NOT NULL,
    model               TEXT NOT NULL,
    slot                INTEGER NOT NULL,
    calls               INTEGER NOT NULL,
    errors              INTEGER NOT NULL,
    unpriced_calls      INTEGER NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    images              INTEGER NOT NULL,
    searches            INTEGER NOT NULL,
    pages               INTEGER NOT NULL,
    characters          INTEGER NOT NULL,
    seconds             INTEGER NOT NULL,
    cost_dollars        INTEGER NOT NULL,
    cost_pico           INTEGER NOT NULL,
    day_parts           INTEGER NOT NULL,
    PRIMARY KEY (day, plan_id, provider, vendor, model, slot)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_fleet_daily_3 SELECT *, -1 FROM usage_fleet_daily;
DROP TABLE usage_fleet_daily;
ALTER TABLE usage_fleet_daily_3 RENAME TO usage_fleet_daily;
