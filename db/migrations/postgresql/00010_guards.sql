-- +goose Up
-- One row: whether this database is for rehearsals, which alone take a clock that is ahead. It is set before anything is
-- in the database, and stays.
CREATE TABLE database_kind (
    one       SMALLINT NOT NULL PRIMARY KEY CHECK (one = 1),
    rehearsal BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO database_kind (one) VALUES (1);

-- Who a bill is for, as it is written on it; empty where it is not known.
ALTER TABLE users ADD COLUMN name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN address TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN country TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN tax_id TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The ids that callers give credits and payments, each used once, and what the credit is known by.
ALTER TABLE billing_credits ADD COLUMN credit_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE billing_credits ADD COLUMN reference TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE UNIQUE INDEX billing_credits_by_key ON billing_credits (credit_key) WHERE credit_key <> '';
ALTER TABLE billing_history ADD COLUMN payment_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE UNIQUE INDEX billing_history_by_payment ON billing_history (payment_id) WHERE payment_id <> '';
