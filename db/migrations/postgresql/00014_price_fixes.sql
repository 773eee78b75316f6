-- +goose Up
-- A price that was wrong stays, marked, and is never used again; another one holds in its place since the same moment.
ALTER TABLE api_provider_pricing ADD COLUMN fixed_at TIMESTAMPTZ;
ALTER TABLE api_provider_pricing ADD COLUMN fixed_by TEXT COLLATE "C";
ALTER TABLE api_provider_pricing ADD COLUMN fix_reason TEXT COLLATE "C";
ALTER TABLE api_provider_pricing ADD COLUMN replaced_by BIGINT;
CREATE UNIQUE INDEX api_provider_pricing_once ON api_provider_pricing (provider, model, effective_from)
    WHERE fixed_at IS NULL;
-- +goose StatementBegin
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'api_provider_pricing'::regclass AND contype = 'u' LOOP
        EXECUTE format('ALTER TABLE api_provider_pricing DROP CONSTRAINT %I', c.conname);
    END LOOP;
END
$$;
-- +goose StatementEnd
