-- +goose Up
-- What each price of a line came to, as JSON (Charge in billing/charges.go); '' where that is not known.
ALTER TABLE billing_lines ADD COLUMN charges TEXT NOT NULL DEFAULT '';
