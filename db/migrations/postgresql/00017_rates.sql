-- +goose Up
-- How fast calls may follow each other on a plan; NULL is no bound.
ALTER TABLE subscription_plans ADD COLUMN requests_per_minute BIGINT CHECK (requests_per_minute > 0);
ALTER TABLE subscription_plans ADD COLUMN tokens_per_minute BIGINT CHECK (tokens_per_minute > 0);
ALTER TABLE subscription_plans ADD COLUMN parallel_calls BIGINT CHECK (parallel_calls > 0);
ALTER TABLE plan_versions ADD COLUMN requests_per_minute BIGINT CHECK (requests_per_minute > 0);
ALTER TABLE plan_versions ADD COLUMN tokens_per_minute BIGINT CHECK (tokens_per_minute > 0);
ALTER TABLE plan_versions ADD COLUMN parallel_calls BIGINT CHECK (parallel_calls > 0);
