-- +goose Up
-- The log for many millions of rows. log_id is the order of recording, by which rows of one moment are listed.
-- event_key is six bytes that event_key() makes of event_id: an index of the ids themselves would be three times
-- as large. It is not unique: who records looks for the id behind the key first, while nobody else can write.
CREATE TABLE api_usage_logs_2 (
    log_id              INTEGER PRIMARY KEY,
    event_key           INTEGER NOT NULL,
    occurred_at         INTEGER NOT NULL,
    period_start        INTEGER NOT NULL,
    recorded_at         INTEGER NOT NULL,
    plan_id             INTEGER NOT NULL,
    requests            INTEGER NOT NULL CHECK (requests >= 0),
    input_tokens        INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens       INTEGER NOT NULL CHECK (output_tokens >= 0),
    cached_input_tokens INTEGER NOT NULL CHECK (cached_input_tokens >= 0),
    images              INTEGER NOT NULL CHECK (images >= 0),
    searches            INTEGER NOT NULL CHECK (searches >= 0),
    pages               INTEGER NOT NULL CHECK (pages >= 0),
    characters          INTEGER NOT NULL CHECK (characters >= 0),
    seconds             INTEGER NOT NULL CHECK (seconds >= 0),
    cost_pico           INTEGER NOT NULL CHECK (cost_pico >= 0),
    price_id            INTEGER,
    response_time_ms    INTEGER NOT NULL,
    retry_count         INTEGER NOT NULL,
    status_code         INTEGER NOT NULL,
    billable            INTEGER NOT NULL,
    event_id            TEXT NOT NULL,
    user_id             TEXT NOT NULL,
    provider            TEXT NOT NULL,
    vendor              TEXT NOT NULL,
    model               TEXT NOT NULL,
    pricing             TEXT NOT NULL CHECK (pricing IN ('exact', 'default', 'unpriced')),
    endpoint            TEXT NOT NULL,
    method              TEXT NOT NULL,
    error_message       TEXT NOT NULL
) STRICT;
INSERT INTO api_usage_logs_2 (
    event_key,
    occurred_at, period_start, recorded_at, plan_id, requests, input_tokens, output_tokens, cached_input_tokens,
    images, searches, pages, characters, seconds, cost_pico, price_id, response_time_ms, retry_count, status_code,
    billable, event_id, user_id, provider, vendor, model, pricing, endpoint, method, error_message
)
SELECT
    event_key(event_id),
    occurred_at, period_start, recorded_at, plan_id, requests, input_tokens, output_tokens, cached_input_tokens,
    images, searches, pages, characters, seconds, cost_pico, price_id, response_time_ms, retry_count, status_code,
    billable, event_id, user_id, provider, vendor, model, pricing, endpoint, method, error_message
FROM api_usage_logs ORDER BY recorded_at, occurred_at, event_id;
DROP TABLE api_usage_logs;
ALTER TABLE api_usage_logs_2 RENAME TO api_usage_logs;
CREATE INDEX api_usage_logs_by_key ON api_usage_logs (event_key); -- one event, a retry
CREATE INDEX api_usage_logs_by_user ON api_usage_logs (user_id, occurred_at); -- the log of a user
CREATE INDEX api_usage_logs_by_time ON api_usage_logs (occurred_at); -- the log of everyone, rating again, archiving
CREATE INDEX api_usage_logs_failed ON api_usage_logs (occurred_at) WHERE status_code >= 400;
CREATE INDEX api_usage_logs_unpriced ON api_usage_logs (occurred_at) WHERE pricing = 'unpriced';

-- A user's days are found through the primary key, day by day.
DROP INDEX usage_daily_by_user;

-- Counts the changes of plans, prices, providers and archived months, so that what was read of them is read
-- again only after a change.
CREATE TABLE catalogue_version (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO catalogue_version (version) VALUES (1);

-- Months of the log that were moved to files: yyyymm. Nothing more can be recorded in them.
CREATE TABLE usage_archives (
    month       INTEGER NOT NULL PRIMARY KEY,
    file        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    row_count   INTEGER NOT NULL,
    cost_usd    TEXT NOT NULL,
    archived_at INTEGER NOT NULL
) STRICT;

-- What the archived log rows add up to, so that the totals can still be compared with the log.
CREATE TABLE usage_archived_totals (
    month               INTEGER NOT NULL,
    day                 INTEGER NOT NULL,
    user_id             TEXT NOT NULL,
    period_start        INTEGER NOT NULL,
    plan_id             INTEGER NOT NULL,
    provider            TEXT NOT NULL,
    vendor              TEXT NOT NULL,
    model               TEXT NOT NULL,
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
    cost_pico           INTEGER NOT NULL,
    PRIMARY KEY (month, day, user_id, period_start, plan_id, provider, vendor, model)
) STRICT, WITHOUT ROWID;

-- When the subscription was to end as each change left it: one that was cancelled before it began never took force.
ALTER TABLE subscription_history ADD COLUMN ends_at INTEGER;
UPDATE subscription_history SET ends_at = (
    SELECT s.ends_at FROM user_subscriptions s WHERE s.user_id = subscription_history.user_id AND s.anchor = subscription_history.anchor
);

-- The daily totals of everyone together: reports without users take as long for many users as for few. Of several slots
-- of one total each has a part, so that those who record at once do not wait for each other. The cost is
-- cost_dollars + cost_pico, since over everyone the one may be too large to be counted in the other.
CREATE TABLE usage_fleet_daily (
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
    PRIMARY KEY (day, plan_id, provider, vendor, model, slot)
) STRICT, WITHOUT ROWID;

-- The totals of users by calendar month, written as yyyymm.
CREATE TABLE usage_user_monthly (
    month               INTEGER NOT NULL,
    user_id             TEXT NOT NULL,
    plan_id             INTEGER NOT NULL,
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
    cost_pico           INTEGER NOT NULL,
    PRIMARY KEY (month, user_id, plan_id)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_fleet_daily SELECT day, plan_id, provider, vendor, model, 0,
    CAST(SUM(calls) AS BIGINT),
    CAST(SUM(errors) AS BIGINT),
    CAST(SUM(unpriced_calls) AS BIGINT),
    CAST(SUM(input_tokens) AS BIGINT),
    CAST(SUM(output_tokens) AS BIGINT),
    CAST(SUM(cached_input_tokens) AS BIGINT),
    CAST(SUM(images) AS BIGINT),
    CAST(SUM(searches) AS BIGINT),
    CAST(SUM(pages) AS BIGINT),
    CAST(SUM(characters) AS BIGINT),
    CAST(SUM(seconds) AS BIGINT),
    CAST(SUM(cost_pico / 1000000000000) AS BIGINT) + CAST(SUM(cost_pico % 1000000000000) AS BIGINT) / 1000000000000,
    CAST(SUM(cost_pico % 1000000000000) AS BIGINT) % 1000000000000
FROM usage_daily GROUP BY day, plan_id, provider, vendor, model;
INSERT INTO usage_user_monthly SELECT day / 100, user_id, plan_id,
    CAST(SUM(calls) AS BIGINT),
    CAST(SUM(errors) AS BIGINT),
    CAST(SUM(unpriced_calls) AS BIGINT),
    CAST(SUM(input_tokens) AS BIGINT),
    CAST(SUM(output_tokens) AS BIGINT),
    CAST(SUM(cached_input_tokens) AS BIGINT),
    CAST(SUM(images) AS BIGINT),
    CAST(SUM(searches) AS BIGINT),
    CAST(SUM(pages) AS BIGINT),
    CAST(SUM(characters) AS BIGINT),
    CAST(SUM(seconds) AS BIGINT),
    CAST(SUM(cost_pico) AS BIGINT)
FROM usage_daily GROUP BY day / 100, user_id, plan_id;
