-- +goose Up
-- API tokens have limits (JSON, as plan_versions have them; '' for none) and rates of their own; NULL is no bound.
ALTER TABLE api_tokens ADD COLUMN limits TEXT NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute > 0);
ALTER TABLE api_tokens ADD COLUMN tokens_per_minute INTEGER CHECK (tokens_per_minute > 0);
ALTER TABLE api_tokens ADD COLUMN parallel_calls INTEGER CHECK (parallel_calls > 0);

-- With which token a call was made; NULL for none.
ALTER TABLE api_usage_logs ADD COLUMN token_id INTEGER;
ALTER TABLE usage_reservations ADD COLUMN token_id INTEGER;
CREATE INDEX usage_reservations_by_token ON usage_reservations (token_id, expires_at) WHERE status = 'held' AND token_id IS NOT NULL;

-- What has been used with each token: in its user's periods or, of a token that acts for others, by calendar months. A
-- token that acts for others has several parts, so that several transactions can add to them at once.
CREATE TABLE usage_token_totals (
    token_id       INTEGER NOT NULL,
    period_start   INTEGER NOT NULL,
    provider       TEXT NOT NULL,
    vendor         TEXT NOT NULL,
    slot           INTEGER NOT NULL,
    calls          INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    unpriced_calls INTEGER NOT NULL,
    input_tokens   INTEGER NOT NULL,
    output_tokens  INTEGER NOT NULL,
    cost_pico      INTEGER NOT NULL,
    PRIMARY KEY (token_id, period_start, provider, vendor, slot)
) STRICT, WITHOUT ROWID;

-- The same of archived months.
CREATE TABLE usage_archived_token_totals (
    month          INTEGER NOT NULL,
    token_id       INTEGER NOT NULL,
    period_start   INTEGER NOT NULL,
    provider       TEXT NOT NULL,
    vendor         TEXT NOT NULL,
    calls          INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    unpriced_calls INTEGER NOT NULL,
    input_tokens   INTEGER NOT NULL,
    output_tokens  INTEGER NOT NULL,
    cost_pico      INTEGER NOT NULL,
    PRIMARY KEY (month, token_id, period_start, provider, vendor)
) STRICT, WITHOUT ROWID;

DROP TRIGGER api_tokens_change;
-- +goose StatementBegin
CREATE TRIGGER api_tokens_change AFTER UPDATE OF name, user_id, act_as, scopes, providers, models, expires_at, revoked_at, limits,
    requests_per_minute, tokens_per_minute, parallel_calls ON api_tokens
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
