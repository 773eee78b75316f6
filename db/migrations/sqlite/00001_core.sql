-- +goose Up
-- Times are microseconds since 1970 in UTC, amounts of money pico-dollars (1e-12 USD), booleans 0 and 1.

-- Users as they are first seen: by a subscription, an event or a reservation. A row is what decisions about its user lock.
CREATE TABLE users (
    user_id    TEXT NOT NULL PRIMARY KEY,
    email      TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subscription_plans (
    plan_id            INTEGER PRIMARY KEY,
    name               TEXT NOT NULL,
    tier               TEXT NOT NULL UNIQUE,
    position           INTEGER NOT NULL,
    monthly_price_pico INTEGER NOT NULL CHECK (monthly_price_pico >= 0),
    yearly_price_pico  INTEGER NOT NULL CHECK (yearly_price_pico >= 0),
    description        TEXT NOT NULL,
    features           TEXT NOT NULL,
    withdrawn          INTEGER NOT NULL,
    source             TEXT NOT NULL CHECK (source IN ('catalogue', 'file', 'admin')),
    updated_at         INTEGER NOT NULL
) STRICT;

-- max_amount is in the meter's unit (calls, tokens, pico-dollars); NULL is unlimited. providers and vendors are names
-- separated by commas; where both are empty the limit counts everything.
CREATE TABLE plan_limits (
    plan_id    INTEGER NOT NULL REFERENCES subscription_plans (plan_id),
    name       TEXT NOT NULL,
    position   INTEGER NOT NULL,
    meter      TEXT NOT NULL CHECK (meter IN ('calls', 'tokens', 'cost')),
    providers  TEXT NOT NULL,
    vendors    TEXT NOT NULL,
    max_amount INTEGER CHECK (max_amount >= 0),
    action     TEXT NOT NULL CHECK (action IN ('block', 'warn')),
    PRIMARY KEY (plan_id, name)
) STRICT;

CREATE TABLE user_subscriptions (
    user_id    TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    plan_id    INTEGER NOT NULL REFERENCES subscription_plans (plan_id),
    cycle      TEXT NOT NULL CHECK (cycle IN ('monthly', 'yearly')),
    anchor     INTEGER NOT NULL,
    paid_until INTEGER NOT NULL,
    auto_renew INTEGER NOT NULL,
    suspended  INTEGER NOT NULL,
    ends_at    INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_subscriptions_by_plan ON user_subscriptions (plan_id);

-- Every row says which plan and anchor hold from effective_at on: together they are the user's past.
CREATE TABLE subscription_history (
    history_id          INTEGER PRIMARY KEY,
    user_id             TEXT NOT NULL REFERENCES users (user_id),
    action              TEXT NOT NULL,
    recorded_at         INTEGER NOT NULL,
    effective_at        INTEGER NOT NULL,
    plan_id_before      INTEGER REFERENCES subscription_plans (plan_id),
    plan_id             INTEGER NOT NULL REFERENCES subscription_plans (plan_id),
    cycle               TEXT NOT NULL,
    anchor              INTEGER NOT NULL,
    period_before_start INTEGER NOT NULL,
    period_before_end   INTEGER NOT NULL,
    period_after_start  INTEGER NOT NULL,
    period_after_end    INTEGER NOT NULL,
    calls_before        INTEGER NOT NULL,
    tokens_before       INTEGER NOT NULL,
    cost_before_pico    INTEGER NOT NULL,
    actor               TEXT NOT NULL
) STRICT;
CREATE INDEX subscription_history_by_user ON subscription_history (user_id, history_id);

-- vendor_rules: [{"contains": "kling", "vendor": "wavespeed"}, ...], the first match wins.
CREATE TABLE api_providers (
    provider                    TEXT NOT NULL PRIMARY KEY,
    vendor                      TEXT NOT NULL,
    vendor_rules                TEXT NOT NULL,
    characters_are_input_tokens INTEGER NOT NULL
) STRICT;

-- A price holds from effective_from until the next one of its provider and model. Rows are added and never changed.
CREATE TABLE api_provider_pricing (
    price_id                INTEGER PRIMARY KEY,
    provider                TEXT NOT NULL REFERENCES api_providers (provider),
    model                   TEXT NOT NULL,
    effective_from          INTEGER NOT NULL,
    request_pico            INTEGER NOT NULL CHECK (request_pico >= 0),
    input_token_pico        INTEGER NOT NULL CHECK (input_token_pico >= 0),
    output_token_pico       INTEGER NOT NULL CHECK (output_token_pico >= 0),
    cached_input_token_pico INTEGER CHECK (cached_input_token_pico >= 0),
    image_pico              INTEGER NOT NULL CHECK (image_pico >= 0),
    search_pico             INTEGER NOT NULL CHECK (search_pico >= 0),
    page_pico               INTEGER NOT NULL CHECK (page_pico >= 0),
    character_pico          INTEGER NOT NULL CHECK (character_pico >= 0),
    second_pico             INTEGER NOT NULL CHECK (second_pico >= 0),
    above_input_tokens      INTEGER CHECK (above_input_tokens > 0),
    above_input_token_pico  INTEGER CHECK (above_input_token_pico >= 0),
    above_output_token_pico INTEGER CHECK (above_output_token_pico >= 0),
    source                  TEXT NOT NULL CHECK (source IN ('catalogue', 'file', 'environment', 'admin')),
    created_at              INTEGER NOT NULL,
    UNIQUE (provider, model, effective_from)
) STRICT;

-- The log: one row for each event, as it was reported, with the price that it was rated with.
CREATE TABLE api_usage_logs (
    event_id            TEXT NOT NULL PRIMARY KEY,
    user_id             TEXT NOT NULL,
    provider            TEXT NOT NULL,
    model               TEXT NOT NULL,
    vendor              TEXT NOT NULL,
    occurred_at         INTEGER NOT NULL,
    period_start        INTEGER NOT NULL,
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
    pricing             TEXT NOT NULL CHECK (pricing IN ('exact', 'default', 'unpriced')),
    price_id            INTEGER,
    endpoint            TEXT NOT NULL,
    method              TEXT NOT NULL,
    status_code         INTEGER NOT NULL,
    response_time_ms    INTEGER NOT NULL,
    error_message       TEXT NOT NULL,
    retry_count         INTEGER NOT NULL,
    billable            INTEGER NOT NULL,
    recorded_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX api_usage_logs_by_user ON api_usage_logs (user_id, occurred_at, event_id);
CREATE INDEX api_usage_logs_by_time ON api_usage_logs (occurred_at, event_id);
CREATE INDEX api_usage_logs_unpriced ON api_usage_logs (provider, model) WHERE pricing = 'unpriced';

-- How a log row was rated before it was rated again.
CREATE TABLE usage_reratings (
    event_id         TEXT NOT NULL,
    rerated_at       INTEGER NOT NULL,
    cost_before_pico INTEGER NOT NULL,
    pricing_before   TEXT NOT NULL,
    price_id_before  INTEGER,
    cost_after_pico  INTEGER NOT NULL,
    pricing_after    TEXT NOT NULL,
    price_id_after   INTEGER,
    PRIMARY KEY (event_id, rerated_at)
) STRICT;

-- Sums of log rows, changed in the transaction that changes the log. calls are the requests that did not fail.
CREATE TABLE usage_summaries (
    user_id             TEXT NOT NULL,
    period_start        INTEGER NOT NULL,
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
    PRIMARY KEY (user_id, period_start, provider, vendor, model)
) STRICT, WITHOUT ROWID;

-- The same sums by UTC day, written as yyyymmdd, and by the plan in force, for reports.
CREATE TABLE usage_daily (
    day                 INTEGER NOT NULL,
    user_id             TEXT NOT NULL,
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
    PRIMARY KEY (day, user_id, plan_id, provider, vendor, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_daily_by_user ON usage_daily (user_id, day);

CREATE TABLE usage_reservations (
    reservation_id TEXT NOT NULL PRIMARY KEY,
    user_id        TEXT NOT NULL REFERENCES users (user_id),
    provider       TEXT NOT NULL,
    vendor         TEXT NOT NULL,
    model          TEXT NOT NULL,
    period_start   INTEGER NOT NULL,
    calls          INTEGER NOT NULL CHECK (calls >= 0),
    tokens         INTEGER NOT NULL CHECK (tokens >= 0),
    cost_pico      INTEGER NOT NULL CHECK (cost_pico >= 0),
    status         TEXT NOT NULL CHECK (status IN ('held', 'settled', 'released')),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    closed_at      INTEGER,
    event_id       TEXT NOT NULL
) STRICT;
CREATE INDEX usage_reservations_held ON usage_reservations (user_id, expires_at) WHERE status = 'held';

CREATE TABLE usage_alerts (
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
    UNIQUE (user_id, period_start, limit_name, threshold)
) STRICT;

CREATE TABLE audit_log (
    audit_id     INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    before_state TEXT,
    after_state  TEXT
) STRICT;
