-- +goose Up
-- Bills, what they are made of, and messages that wait to be sent. Amounts of money are pico-dollars (1e-12 USD).

-- A change of the plan that is set for later: it holds from next_plan_at on, whether or not it has been noted yet.
ALTER TABLE user_subscriptions ADD COLUMN next_plan_id INTEGER REFERENCES subscription_plans (plan_id);
ALTER TABLE user_subscriptions ADD COLUMN next_plan_at INTEGER;

-- What a change left, as far as bills need it: the price of one paid cycle, and how far it is paid. In rows from before
-- this schema there is no price. A row that continues changes neither plan nor anchor: decisions do not read it.
ALTER TABLE subscription_history ADD COLUMN price_pico INTEGER CHECK (price_pico >= 0);
ALTER TABLE subscription_history ADD COLUMN paid_until INTEGER;
ALTER TABLE subscription_history ADD COLUMN auto_renew INTEGER NOT NULL DEFAULT 1;
ALTER TABLE subscription_history ADD COLUMN continues INTEGER NOT NULL DEFAULT 0;

-- What happens at a limit that blocks: 'block', or 'allow', with a mark-up in millionths of the cost.
ALTER TABLE subscription_plans ADD COLUMN overage TEXT NOT NULL DEFAULT 'block' CHECK (overage IN ('block', 'allow'));
ALTER TABLE subscription_plans ADD COLUMN markup_millionths INTEGER NOT NULL DEFAULT 0 CHECK (markup_millionths >= 0);

-- How far a user's periods are closed, and when the next one ends: NULL where that has to be looked up. What lies before
-- billed_from was left to another system.
CREATE TABLE billing_accounts (
    user_id          TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id),
    closed_until     INTEGER NOT NULL,
    billed_from      INTEGER NOT NULL,
    closes_at        INTEGER,
    suspended_unpaid INTEGER NOT NULL
) STRICT;
CREATE INDEX billing_accounts_due ON billing_accounts (closes_at);

-- The number that was given last. Whoever writes a bill changes it, so numbers have no gaps.
CREATE TABLE billing_numbers (
    series      TEXT NOT NULL PRIMARY KEY,
    last_number INTEGER NOT NULL
) STRICT;
INSERT INTO billing_numbers (series, last_number) VALUES ('bills', 0);

-- Bills, and the credit notes that correct them. What is written stays: only the status and what settled it change.
-- total_pico is in whole cents: the lines, with that of the rounding, sum to it. cost_pico is what the usage cost.
-- terms are the limits and the mark-up as JSON where the plan allowed overage, else empty.
CREATE TABLE billing_history (
    number        INTEGER NOT NULL PRIMARY KEY,
    kind          TEXT NOT NULL CHECK (kind IN ('bill', 'credit_note')),
    refers_to     INTEGER REFERENCES billing_history (number),
    user_id       TEXT NOT NULL REFERENCES users (user_id),
    plan_id       INTEGER NOT NULL REFERENCES subscription_plans (plan_id),
    cycle         TEXT NOT NULL CHECK (cycle IN ('', 'monthly', 'yearly')),
    period_start  INTEGER NOT NULL,
    period_end    INTEGER NOT NULL,
    issued_at     INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('open', 'paid', 'void', 'past_due')),
    subtotal_pico INTEGER NOT NULL,
    rounding_pico INTEGER NOT NULL,
    total_pico    INTEGER NOT NULL,
    cost_pico     INTEGER NOT NULL,
    settled_at    INTEGER,
    reference     TEXT NOT NULL,
    terms         TEXT NOT NULL,
    CHECK (subtotal_pico + rounding_pico = total_pico)
) STRICT;
CREATE UNIQUE INDEX billing_history_by_period ON billing_history (user_id, period_start) WHERE kind = 'bill';
CREATE INDEX billing_history_by_user ON billing_history (user_id, number);
CREATE INDEX billing_history_unpaid ON billing_history (due_at, number) WHERE status IN ('open', 'past_due');
CREATE INDEX billing_history_void ON billing_history (user_id) WHERE status = 'void';
CREATE INDEX billing_history_refers_to ON billing_history (refers_to) WHERE refers_to IS NOT NULL;

-- The lines of bills. period_start and period_end say what a line is for: a usage period, or the time of a fee.
CREATE TABLE billing_lines (
    number              INTEGER NOT NULL REFERENCES billing_history (number),
    line                INTEGER NOT NULL,
    user_id             TEXT NOT NULL,
    kind                TEXT NOT NULL
        CHECK (kind IN ('fee', 'proration', 'usage', 'overage', 'adjustment', 'credit', 'carried', 'rounding')),
    description         TEXT NOT NULL,
    period_start        INTEGER NOT NULL,
    period_end          INTEGER NOT NULL,
    provider            TEXT NOT NULL,
    vendor              TEXT NOT NULL,
    model               TEXT NOT NULL,
    calls               INTEGER NOT NULL,
    errors              INTEGER NOT NULL,
    unpriced_calls      INTEGER NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    images              INTEGER NOT NULL,
    searches            INTEGER NOT NULL,
    pages               INTEGER NOT NULL,
    characters          INTEGER NOT NULL,
    seconds             INTEGER NOT NULL,
    cost_pico           INTEGER NOT NULL,
    amount_pico         INTEGER NOT NULL,
    unit_prices         TEXT NOT NULL,
    PRIMARY KEY (number, line)
) STRICT;
CREATE INDEX billing_lines_of_usage ON billing_lines (user_id, period_start) WHERE kind IN ('usage', 'overage', 'adjustment');

-- Money that users have with us: amounts above 0 were given, those below were taken by the bill that is named.
CREATE TABLE billing_credits (
    credit_id   INTEGER PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (user_id),
    at          INTEGER NOT NULL,
    amount_pico INTEGER NOT NULL CHECK (amount_pico <> 0),
    number      INTEGER REFERENCES billing_history (number),
    reason      TEXT NOT NULL,
    actor       TEXT NOT NULL
) STRICT;
CREATE INDEX billing_credits_by_user ON billing_credits (user_id, credit_id);

-- Messages, written in the transaction of their cause. message_key says what a message is about: it is there once.
CREATE TABLE outbox (
    message_id  INTEGER PRIMARY KEY,
    message_key TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    data        TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- What is written on a bill stays as it is.
-- +goose StatementBegin
CREATE TRIGGER billing_history_stays BEFORE UPDATE OF number, kind, refers_to, user_id, plan_id, cycle, period_start, period_end, issued_at, due_at, subtotal_pico, rounding_pico, total_pico, cost_pico, terms ON billing_history
BEGIN SELECT RAISE(ABORT, 'a bill is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER billing_history_is_kept BEFORE DELETE ON billing_history
BEGIN SELECT RAISE(ABORT, 'a bill is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER billing_lines_stay BEFORE UPDATE ON billing_lines
BEGIN SELECT RAISE(ABORT, 'a bill is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER billing_lines_are_kept BEFORE DELETE ON billing_lines
BEGIN SELECT RAISE(ABORT, 'a bill is never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER billing_credits_stay BEFORE UPDATE ON billing_credits
BEGIN SELECT RAISE(ABORT, 'a credit is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER billing_credits_are_kept BEFORE DELETE ON billing_credits
BEGIN SELECT RAISE(ABORT, 'a credit is never deleted'); END;
-- +goose StatementEnd
