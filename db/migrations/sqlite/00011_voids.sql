-- +goose Up
-- An event that was recorded wrongly is taken back by a counter-entry: one more row of the log, the same with the signs
-- turned round, so that every sum of the log is right by itself. A column of the log may be negative for that. The rows
-- stay as they are: taking a check away changes the text of the table alone
-- (https://www.sqlite.org/lang_altertable.html#otheralter).
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(sql,
    ' CHECK (requests >= 0)', ''), ' CHECK (input_tokens >= 0)', ''), ' CHECK (output_tokens >= 0)', ''),
    ' CHECK (cached_input_tokens >= 0)', ''), ' CHECK (images >= 0)', ''), ' CHECK (searches >= 0)', ''),
    ' CHECK (pages >= 0)', ''), ' CHECK (characters >= 0)', ''), ' CHECK (seconds >= 0)', ''),
    ' CHECK (cost_pico >= 0)', '')
    WHERE type = 'table' AND name = 'api_usage_logs';
PRAGMA writable_schema = RESET;

-- Which event was taken back, by which counter-entry, and what was recorded in its place, if anything was. The counter-
-- entry has the time of the event.
CREATE TABLE usage_voids (
    event_id       TEXT NOT NULL PRIMARY KEY,
    counter_id     TEXT NOT NULL UNIQUE,
    replaced_by    TEXT UNIQUE,
    occurred_at    INTEGER NOT NULL,
    replacement_at INTEGER,
    voided_at      INTEGER NOT NULL,
    actor          TEXT NOT NULL,
    reason         TEXT NOT NULL
) STRICT;
CREATE INDEX usage_voids_by_time ON usage_voids (occurred_at);
CREATE INDEX usage_voids_by_replacement ON usage_voids (replacement_at) WHERE replacement_at IS NOT NULL;

-- An alert whose threshold is no longer reached, since usage was taken back, is withdrawn. The same threshold may be
-- reached once more after that.
CREATE TABLE usage_alerts_2 (
    alert_id     INTEGER PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (user_id),
    period_start INTEGER NOT NULL,
    limit_name   TEXT NOT NULL,
    meter        TEXT NOT NULL,
    action       TEXT NOT NULL,
    threshold    INTEGER NOT NULL,
    used_amount  INTEGER NOT NULL,
    max_amount   INTEGER NOT NULL,
    event_id     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    read_at      INTEGER,
    period_end   INTEGER,
    overage      INTEGER NOT NULL DEFAULT 0,
    told_at      INTEGER,
    withdrawn_at INTEGER
) STRICT;
INSERT INTO usage_alerts_2 SELECT *, NULL FROM usage_alerts;
DROP TABLE usage_alerts;
ALTER TABLE usage_alerts_2 RENAME TO usage_alerts;
CREATE INDEX usage_alerts_untold ON usage_alerts (alert_id) WHERE told_at IS NULL;
CREATE UNIQUE INDEX usage_alerts_once ON usage_alerts (user_id, period_start, limit_name, threshold)
    WHERE withdrawn_at IS NULL;
CREATE INDEX usage_alerts_withdrawn ON usage_alerts (user_id, period_start) WHERE withdrawn_at IS NOT NULL;
