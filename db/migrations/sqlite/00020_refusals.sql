-- +goose Up
-- Calls that were refused, counted by day, user, reason and limit: a refusal is no row of its own. Those of users whom
-- nobody has seen are counted together, without a user.
CREATE TABLE usage_refusals (
    day        INTEGER NOT NULL, -- yyyymmdd, in UTC
    user_id    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    limit_name TEXT NOT NULL,
    calls      INTEGER NOT NULL CHECK (calls > 0),
    PRIMARY KEY (day, user_id, reason, limit_name)
) STRICT, WITHOUT ROWID;

-- A user's log by status: without these, a status that matches nothing is looked for in all of it.
CREATE INDEX api_usage_logs_failed_by_user ON api_usage_logs (user_id, occurred_at) WHERE status_code >= 400;
CREATE INDEX api_usage_logs_unpriced_by_user ON api_usage_logs (user_id, occurred_at) WHERE pricing = 'unpriced';

-- What counts the reservations that hold, whoever's they are. Its condition keeps decisions about one user's calls away
-- from it, which usage_reservations_held is for: calls are never below 0.
CREATE INDEX usage_reservations_expiring ON usage_reservations (expires_at) WHERE status = 'held' AND calls >= 0;
