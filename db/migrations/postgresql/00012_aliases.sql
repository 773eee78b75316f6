-- +goose Up
-- Names that stand for another model of their provider, from a moment until the next of the same name. One that stands
-- for no model any more has an empty one.
CREATE TABLE api_model_aliases (
    provider       TEXT COLLATE "C" NOT NULL REFERENCES api_providers (provider),
    name           TEXT COLLATE "C" NOT NULL,
    effective_from TIMESTAMPTZ NOT NULL,
    model          TEXT COLLATE "C" NOT NULL,
    source         TEXT COLLATE "C" NOT NULL CHECK (source IN ('catalogue', 'file', 'environment', 'admin')),
    created_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (provider, name, effective_from)
);

ALTER TABLE api_providers ADD COLUMN fine_tuned_as_base BOOLEAN NOT NULL DEFAULT FALSE;

-- The check of what a price is found by lists more steps. Rows that are there have passed a stricter one.
ALTER TABLE api_usage_logs DROP CONSTRAINT api_usage_logs_pricing_check1;
ALTER TABLE api_usage_logs ADD CONSTRAINT api_usage_logs_pricing_check1 CHECK (pricing IN
    ('exact', 'alias', 'prefixed', 'snapshot', 'fine_tuned', 'default', 'reported', 'unpriced')) NOT VALID;
