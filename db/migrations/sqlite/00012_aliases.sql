-- +goose Up
-- Names that stand for another model of their provider, from a moment until the next of the same name. One that stands
-- for no model any more has an empty one.
CREATE TABLE api_model_aliases (
    provider       TEXT NOT NULL REFERENCES api_providers (provider),
    name           TEXT NOT NULL,
    effective_from INTEGER NOT NULL,
    model          TEXT NOT NULL,
    source         TEXT NOT NULL CHECK (source IN ('catalogue', 'file', 'environment', 'admin')),
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (provider, name, effective_from)
) STRICT;

ALTER TABLE api_providers ADD COLUMN fine_tuned_as_base INTEGER NOT NULL DEFAULT 0;

-- The check of what a price is found by lists more steps. It is rewritten in the schema alone, as SQLite describes under
-- ALTER TABLE: to copy a log of many millions of rows would take long.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '(''exact'', ''default'', ''unpriced'')',
    '(''exact'', ''alias'', ''prefixed'', ''snapshot'', ''fine_tuned'', ''default'', ''reported'', ''unpriced'')')
    WHERE type = 'table' AND name = 'api_usage_logs';
PRAGMA writable_schema = RESET;
