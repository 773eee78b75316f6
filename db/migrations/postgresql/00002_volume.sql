-- +goose Up
-- The log for many millions of rows: a partition for each month, made when it is first needed. log_id is the order
-- of recording, by which rows of one moment are listed. Columns stand by their size: no bytes are lost between them.
ALTER TABLE api_usage_logs RENAME TO api_usage_logs_1;
ALTER INDEX api_usage_logs_pkey RENAME TO api_usage_logs_1_pkey;
DROP INDEX api_usage_logs_by_user, api_usage_logs_by_time, api_usage_logs_unpriced;
CREATE SEQUENCE api_usage_logs_log_id AS BIGINT;
CREATE TABLE api_usage_logs (
    log_id              BIGINT NOT NULL DEFAULT nextval('api_usage_logs_log_id'),
    occurred_at         TIMESTAMPTZ NOT NULL,
    period_start        TIMESTAMPTZ NOT NULL,
    recorded_at         TIMESTAMPTZ NOT NULL,
    plan_id             BIGINT NOT NULL,
    requests            BIGINT NOT NULL CHECK (requests >= 0),
    input_tokens        BIGINT NOT NULL CHECK (input_tokens >= 0),
    output_tokens       BIGINT NOT NULL CHECK (output_tokens >= 0),
    cached_input_tokens BIGINT NOT NULL CHECK (cached_input_tokens >= 0),
    images              BIGINT NOT NULL CHECK (images >= 0),
    searches            BIGINT NOT NULL CHECK (searches >= 0),
    pages               BIGINT NOT NULL CHECK (pages >= 0),
    characters          BIGINT NOT NULL CHECK (characters >= 0),
    seconds             BIGINT NOT NULL CHECK (seconds >= 0),
    cost_pico           BIGINT NOT NULL CHECK (cost_pico >= 0),
    price_id            BIGINT,
    response_time_ms    BIGINT NOT NULL,
    retry_count         BIGINT NOT NULL,
    status_code         SMALLINT NOT NULL,
    billable            BOOLEAN NOT NULL,
    event_id            TEXT COLLATE "C" NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    vendor              TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    pricing             TEXT COLLATE "C" NOT NULL CHECK (pricing IN ('exact', 'default', 'unpriced')),
    endpoint            TEXT COLLATE "C" NOT NULL,
    method              TEXT COLLATE "C" NOT NULL,
    error_message       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, occurred_at, log_id) -- the log of a user
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE api_usage_logs_log_id OWNED BY api_usage_logs.log_id;
CREATE INDEX api_usage_logs_by_time ON api_usage_logs (occurred_at, log_id); -- the log of everyone, rating again
CREATE INDEX api_usage_logs_failed ON api_usage_logs (occurred_at, log_id) WHERE status_code >= 400;
CREATE INDEX api_usage_logs_unpriced ON api_usage_logs (occurred_at, log_id) WHERE pricing = 'unpriced';

-- Where the event of an id is. No index of a partitioned table can be unique without the partitions' key.
CREATE TABLE usage_event_ids (
    event_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id     TEXT COLLATE "C" NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL
);
INSERT INTO usage_event_ids SELECT event_id, user_id, occurred_at FROM api_usage_logs_1;

-- Two partitions take what is hardly meant, so that strange times do not make thousands of partitions.
CREATE TABLE api_usage_logs_past PARTITION OF api_usage_logs FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00:00+00');
CREATE TABLE api_usage_logs_future PARTITION OF api_usage_logs FOR VALUES FROM ('2100-01-01 00:00:00+00') TO (MAXVALUE);

-- +goose StatementBegin
DO $$
DECLARE
    month TIMESTAMP;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC') FROM api_usage_logs_1
        WHERE occurred_at >= '2000-01-01 00:00:00+00' AND occurred_at < '2100-01-01 00:00:00+00' LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF api_usage_logs FOR VALUES FROM (%L) TO (%L)',
            'api_usage_logs_' || to_char(month, 'YYYY_MM'), month AT TIME ZONE 'UTC', (month + INTERVAL '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END
$$;
-- +goose StatementEnd

INSERT INTO api_usage_logs (
    occurred_at, period_start, recorded_at, plan_id, requests, input_tokens, output_tokens, cached_input_tokens,
    images, searches, pages, characters, seconds, cost_pico, price_id, response_time_ms, retry_count, status_code,
    billable, event_id, user_id, provider, vendor, model, pricing, endpoint, method, error_message
)
SELECT
    occurred_at, period_start, recorded_at, plan_id, requests, input_tokens, output_tokens, cached_input_tokens,
    images, searches, pages, characters, seconds, cost_pico, price_id, response_time_ms, retry_count, status_code,
    billable, event_id, user_id, provider, vendor, model, pricing, endpoint, method, error_message
FROM api_usage_logs_1 ORDER BY recorded_at, occurred_at, event_id;
DROP TABLE api_usage_logs_1;

-- A user's days are found through the primary key, day by day. Room on the pages lets totals change in place.
DROP INDEX usage_daily_by_user;
ALTER TABLE usage_summaries SET (fillfactor = 80);
ALTER TABLE usage_daily SET (fillfactor = 80);

-- Counts the changes of plans, prices, providers and archived months, so that what was read of them is read
-- again only after a change.
CREATE TABLE catalogue_version (
    version BIGINT NOT NULL
);
INSERT INTO catalogue_version (version) VALUES (1);

-- Months of the log that were moved to files: yyyymm. Nothing more can be recorded in them.
CREATE TABLE usage_archives (
    month       BIGINT NOT NULL PRIMARY KEY,
    file        TEXT COLLATE "C" NOT NULL,
    sha256      TEXT COLLATE "C" NOT NULL,
    row_count   BIGINT NOT NULL,
    cost_usd    TEXT COLLATE "C" NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL
);

-- What the archived log rows add up to, so that the totals can still be compared with the log.
CREATE TABLE usage_archived_totals (
    month               BIGINT NOT NULL,
    day                 BIGINT NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    period_start        TIMESTAMPTZ NOT NULL,
    plan_id             BIGINT NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    vendor              TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    calls               BIGINT NOT NULL,
    errors              BIGINT NOT NULL,
    unpriced_calls      BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    images              BIGINT NOT NULL,
    searches            BIGINT NOT NULL,
    pages               BIGINT NOT NULL,
    characters          BIGINT NOT NULL,
    seconds             BIGINT NOT NULL,
    cost_pico           BIGINT NOT NULL,
    PRIMARY KEY (month, day, user_id, period_start, plan_id, provider, vendor, model)
);

-- When the subscription was to end as each change left it: one that was cancelled before it began never took force.
ALTER TABLE subscription_history ADD COLUMN ends_at TIMESTAMPTZ;
UPDATE subscription_history SET ends_at = (
    SELECT s.ends_at FROM user_subscriptions s WHERE s.user_id = subscription_history.user_id AND s.anchor = subscription_history.anchor
);

-- The daily totals of everyone together: reports without users take as long for many users as for few. Of several slots
-- of one total each has a part, so that those who record at once do not wait for each other. The cost is
-- cost_dollars + cost_pico, since over everyone the one may be too large to be counted in the other.
CREATE TABLE usage_fleet_daily (
    day                 BIGINT NOT NULL,
    plan_id             BIGINT NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    vendor              TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    slot                BIGINT NOT NULL,
    calls               BIGINT NOT NULL,
    errors              BIGINT NOT NULL,
    unpriced_calls      BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    images              BIGINT NOT NULL,
    searches            BIGINT NOT NULL,
    pages               BIGINT NOT NULL,
    characters          BIGINT NOT NULL,
    seconds             BIGINT NOT NULL,
    cost_dollars        BIGINT NOT NULL,
    cost_pico           BIGINT NOT NULL,
    PRIMARY KEY (day, plan_id, provider, vendor, model, slot)
) WITH (fillfactor = 80);

-- The totals of users by calendar month, written as yyyymm.
CREATE TABLE usage_user_monthly (
    month               BIGINT NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    plan_id             BIGINT NOT NULL,
    calls               BIGINT NOT NULL,
    errors              BIGINT NOT NULL,
    unpriced_calls      BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    images              BIGINT NOT NULL,
    searches            BIGINT NOT NULL,
    pages               BIGINT NOT NULL,
    characters          BIGINT NOT NULL,
    seconds             BIGINT NOT NULL,
    cost_pico           BIGINT NOT NULL,
    PRIMARY KEY (month, user_id, plan_id)
) WITH (fillfactor = 80);

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
