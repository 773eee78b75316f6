-- +goose Up
-- A price that was wrong stays, marked, and is never used again; another one holds in its place since the same moment.
CREATE TABLE api_provider_pricing_2 (
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
    terms                   TEXT,
    fixed_at                INTEGER,
    fixed_by                TEXT,
    fix_reason              TEXT,
    replaced_by             INTEGER
) STRICT;
INSERT INTO api_provider_pricing_2 (price_id, provider, model, effective_from, request_pico, input_token_pico,
    output_token_pico, cached_input_token_pico, image_pico, search_pico, page_pico, character_pico, second_pico,
    above_input_tokens, above_input_token_pico, above_output_token_pico, source, created_at, terms)
        SELECT price_id, provider, model, effective_from, request_pico, input_token_pico, output_token_pico,
    cached_input_token_pico, image_pico, search_pico, page_pico, character_pico, second_pico, above_input_tokens,
    above_input_token_pico, above_output_token_pico, source, created_at, terms FROM api_provider_pricing;
DROP TABLE api_provider_pricing;
ALTER TABLE api_provider_pricing_2 RENAME TO api_provider_pricing;
CREATE UNIQUE INDEX api_provider_pricing_once ON api_provider_pricing (provider, model, effective_from)
    WHERE fixed_at IS NULL;
