-- +goose Up
-- Amounts of money are pico-dollars (1e-12 USD). Text is ordered by its bytes, as SQLite orders it.

-- Users as they are first seen: by a subscription, an event or a reservation. A row is what decisions about its user lock.
CREATE TABLE users (
    user_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email      TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE subscription_plans (
    plan_id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name               TEXT COLLATE "C" NOT NULL,
    tier               TEXT COLLATE "C" NOT NULL UNIQUE,
    position           BIGINT NOT NULL,
    monthly_price_pico BIGINT NOT NULL CHECK (monthly_price_pico >= 0),
    yearly_price_pico  BIGINT NOT NULL CHECK (yearly_price_pico >= 0),
    description        TEXT COLLATE "C" NOT NULL,
    features           JSONB NOT NULL,
    withdrawn          BOOLEAN NOT NULL,
    source             TEXT COLLATE "C" NOT NULL CHECK (source IN ('catalogue', 'file', 'admin')),
    updated_at         TIMESTAMPTZ NOT NULL
);

-- max_amount is in the meter's unit (calls, tokens, pico-dollars); NULL is unlimited. providers and vendors are names
-- separated by commas; where both are empty the limit counts everything.
CREATE TABLE plan_limits (
    plan_id    BIGINT NOT NULL REFERENCES subscription_plans (plan_id),
    name       TEXT COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    meter      TEXT COLLATE "C" NOT NULL CHECK (meter IN ('calls', 'tokens', 'cost')),
    providers  TEXT COLLATE "C" NOT NULL,
    vendors    TEXT COLLATE "C" NOT NULL,
    max_amount BIGINT CHECK (max_amount >= 0),
    action     TEXT COLLATE "C" NOT NULL CHECK (action IN ('block', 'warn')),
    PRIMARY KEY (plan_id, name)
);

CREATE TABLE user_subscriptions (
    user_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (user_id),
    plan_id    BIGINT NOT NULL REFERENCES subscription_plans (plan_id),
    cycle      TEXT COLLATE "C" NOT NULL CHECK (cycle IN ('monthly', 'yearly')),
    anchor     TIMESTAMPTZ NOT NULL,
    paid_until TIMESTAMPTZ NOT NULL,
    auto_renew BOOLEAN NOT NULL,
    suspended  BOOLEAN NOT NULL,
    ends_at    TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX user_subscriptions_by_plan ON user_subscriptions (plan_id);

-- Every row says which plan and anchor hold from effective_at on: together they are the user's past.
CREATE TABLE subscription_history (
    history_id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id             TEXT COLLATE "C" NOT NULL REFERENCES users (user_id),
    action              TEXT COLLATE "C" NOT NULL,
    recorded_at         TIMESTAMPTZ NOT NULL,
    effective_at        TIMESTAMPTZ NOT NULL,
    plan_id_before      BIGINT REFERENCES subscription_plans (plan_id),
    plan_id             BIGINT NOT NULL REFERENCES subscription_plans (plan_id),
    cycle               TEXT COLLATE "C" NOT NULL,
    anchor              TIMESTAMPTZ NOT NULL,
    period_before_start TIMESTAMPTZ NOT NULL,
    period_before_end   TIMESTAMPTZ NOT NULL,
    period_after_start  TIMESTAMPTZ NOT NULL,
    period_after_end    TIMESTAMPTZ NOT NULL,
    calls_before        BIGINT NOT NULL,
    tokens_before       BIGINT NOT NULL,
    cost_before_pico    BIGINT NOT NULL,
    actor               TEXT COLLATE "C" NOT NULL
);
CREATE INDEX subscription_history_by_user ON subscription_history (user_id, history_id);

-- vendor_rules: [{"contains": "kling", "vendor": "wavespeed"}, ...], the first match wins.
CREATE TABLE api_providers (
    provider                    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vendor                      TEXT COLLATE "C" NOT NULL,
    vendor_rules                JSONB NOT NULL,
    characters_are_input_tokens BOOLEAN NOT NULL
);

-- A price holds from effective_from until the next one of its provider and model. Rows are added and never changed.
CREATE TABLE api_provider_pricing (
    price_id                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider                TEXT COLLATE "C" NOT NULL REFERENCES api_providers (provider),
    model                   TEXT COLLATE "C" NOT NULL,
    effective_from          TIMESTAMPTZ NOT NULL,
    request_pico            BIGINT NOT NULL CHECK (request_pico >= 0),
    input_token_pico        BIGINT NOT NULL CHECK (input_token_pico >= 0),
    output_token_pico       BIGINT NOT NULL CHECK (output_token_pico >= 0),
    cached_input_token_pico BIGINT CHECK (cached_input_token_pico >= 0),
    image_pico              BIGINT NOT NULL CHECK (image_pico >= 0),
    search_pico             BIGINT NOT NULL CHECK (search_pico >= 0),
    page_pico               BIGINT NOT NULL CHECK (page_pico >= 0),
    character_pico          BIGINT NOT NULL CHECK (character_pico >= 0),
    second_pico             BIGINT NOT NULL CHECK (second_pico >= 0),
    above_input_tokens      BIGINT CHECK (above_input_tokens > 0),
    above_input_token_pico  BIGINT CHECK (above_input_token_pico >= 0),
    above_output_token_pico BIGINT CHECK (above_output_token_pico >= 0),
    source                  TEXT COLLATE "C" NOT NULL CHECK (source IN ('catalogue', 'file', 'environment', 'admin')),
    created_at              TIMESTAMPTZ NOT NULL,
    UNIQUE (provider, model, effective_from)
);

-- The log: one row for each event, as it was reported, with the price that it was rated with.
CREATE TABLE api_usage_logs (
    event_id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id             TEXT COLLATE "C" NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    vendor              TEXT COLLATE "C" NOT NULL,
    occurred_at         TIMESTAMPTZ NOT NULL,
    period_start        TIMESTAMPTZ NOT NULL,
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
    pricing             TEXT COLLATE "C" NOT NULL CHECK (pricing IN ('exact', 'default', 'unpriced')),
    price_id            BIGINT,
    endpoint            TEXT COLLATE "C" NOT NULL,
    method              TEXT COLLATE "C" NOT NULL,
    status_code         BIGINT NOT NULL,
    response_time_ms    BIGINT NOT NULL,
    error_message       TEXT COLLATE "C" NOT NULL,
    retry_count         BIGINT NOT NULL,
    billable            BOOLEAN NOT NULL,
    recorded_at         TIMESTAMPTZ NOT NULL
);
CREATE INDEX api_usage_logs_by_user ON api_usage_logs (user_id, occurred_at, event_id);
CREATE INDEX api_usage_logs_by_time ON api_usage_logs (occurred_at, event_id);
CREATE INDEX api_usage_logs_unpriced ON api_usage_logs (provider, model) WHERE pricing = 'unpriced';

-- How a log row was rated before it was rated again.
CREATE TABLE usage_reratings (
    event_id         TEXT COLLATE "C" NOT NULL,
    rerated_at       TIMESTAMPTZ NOT NULL,
    cost_before_pico BIGINT NOT NULL,
    pricing_before   TEXT COLLATE "C" NOT NULL,
    price_id_before  BIGINT,
    cost_after_pico  BIGINT NOT NULL,
    pricing_after    TEXT COLLATE "C" NOT NULL,
    price_id_after   BIGINT,
    PRIMARY KEY (event_id, rerated_at)
);

-- Sums of log rows, changed in the transaction that changes the log. calls are the requests that did not fail.
CREATE TABLE usage_summaries (
    user_id             TEXT COLLATE "C" NOT NULL,
    period_start        TIMESTAMPTZ NOT NULL,
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
    PRIMARY KEY (user_id, period_start, provider, vendor, model)
);

-- The same sums by UTC day, written as yyyymmdd, and by the plan in force, for reports.
CREATE TABLE usage_daily (
    day                 BIGINT NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
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
    PRIMARY KEY (day, user_id, plan_id, provider, vendor, model)
);
CREATE INDEX usage_daily_by_user ON usage_daily (user_id, day);

CREATE TABLE usage_reservations (
    reservation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id        TEXT COLLATE "C" NOT NULL REFERENCES users (user_id),
    provider       TEXT COLLATE "C" NOT NULL,
    vendor         TEXT COLLATE "C" NOT NULL,
    model          TEXT COLLATE "C" NOT NULL,
    period_start   TIMESTAMPTZ NOT NULL,
    calls          BIGINT NOT NULL CHECK (calls >= 0),
    tokens         BIGINT NOT NULL CHECK (tokens >= 0),
    cost_pico      BIGINT NOT NULL CHECK (cost_pico >= 0),
    status         TEXT COLLATE "C" NOT NULL CHECK (status IN ('held', 'settled', 'released')),
    created_at     TIMESTAMPTZ NOT NULL,
    expires_at     TIMESTAMPTZ NOT NULL,
    closed_at      TIMESTAMPTZ,
    event_id       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX usage_reservations_held ON usage_reservations (user_id, expires_at) WHERE status = 'held';

CREATE TABLE usage_alerts (
    alert_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (user_id),
    period_start TIMESTAMPTZ NOT NULL,
    limit_name   TEXT COLLATE "C" NOT NULL,
    meter        TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    threshold    BIGINT NOT NULL,
    used_amount  BIGINT NOT NULL,
    max_amount   BIGINT NOT NULL,
    event_id     TEXT COLLATE "C" NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    read_at      TIMESTAMPTZ,
    UNIQUE (user_id, period_start, limit_name, threshold)
);

CREATE TABLE audit_log (
    audit_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           TIMESTAMPTZ NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    before_state JSONB,
    after_state  JSONB
);
