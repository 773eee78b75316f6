-- +goose Up
-- How often a summary was written: each change of what a user has used counts one of them up.
ALTER TABLE usage_summaries ADD COLUMN changes BIGINT NOT NULL DEFAULT 1;
