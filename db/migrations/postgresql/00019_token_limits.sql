-- +goose Up
-- API tokens have limits (JSON, as plan_versions have them; '' for none) and rates of their own; NULL is no bound.
ALTER TABLE api_tokens ADD COLUMN limits TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN requests_per_minute BIGINT CHECK (requests_per_minute > 0);
ALTER TABLE api_tokens ADD COLUMN tokens_per_minute BIGINT CHECK (tokens_per_minute > 0);
ALTER TABLE api_tokens ADD COLUMN parallel_calls BIGINT CHECK (parallel_calls > 0);

-- With which token a call was made; NULL for none.
ALTER TABLE api_usage_logs ADD COLUMN token_id BIGINT;
ALTER TABLE usage_reservations ADD COLUMN token_id BIGINT;
CREATE INDEX usage_reservations_by_token ON usage_reservations (token_id, expires_at) WHERE status = 'held' AND token_id IS NOT NULL;

-- What has been used with each token: in its user's periods or, of a token that acts for others, by calendar months. A
-- token that acts for others has several parts, so that several transactions can add to them at once.
CREATE TABLE usage_token_totals (
    token_id       BIGINT NOT NULL,
    period_start   TIMESTAMPTZ NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    vendor         TEXT COLLATE "C" NOT NULL,
    slot           BIGINT NOT NULL,
    calls          BIGINT NOT NULL,
    errors         BIGINT NOT NULL,
    unpriced_calls BIGINT NOT NULL,
    input_tokens   BIGINT NOT NULL,
    output_tokens  BIGINT NOT NULL,
    cost_pico      BIGINT NOT NULL,
    PRIMARY KEY (token_id, period_start, provider, vendor, slot)
);

-- The same of archived months.
CREATE TABLE usage_archived_token_totals (
    month          BIGINT NOT NULL,
    token_id       BIGINT NOT NULL,
    period_start   TIMESTAMPTZ NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    vendor         TEXT COLLATE "C" NOT NULL,
    calls          BIGINT NOT NULL,
    errors         BIGINT NOT NULL,
    unpriced_calls BIGINT NOT NULL,
    input_tokens   BIGINT NOT NULL,
    output_tokens  BIGINT NOT NULL,
    cost_pico      BIGINT NOT NULL,
    PRIMARY KEY (month, token_id, period_start, provider, vendor)
);

DROP TRIGGER api_tokens_change ON api_tokens;
CREATE TRIGGER api_tokens_change AFTER INSERT OR DELETE OR UPDATE OF name, user_id, act_as, scopes, providers, models, expires_at, revoked_at, limits,
    requests_per_minute, tokens_per_minute, parallel_calls
    ON api_tokens FOR EACH STATEMENT EXECUTE FUNCTION access_changes();
