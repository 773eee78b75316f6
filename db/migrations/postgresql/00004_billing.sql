-- +goose Up
-- Bills, what they are made of, and messages that wait to be sent. Amounts of money are pico-dollars (1e-12 USD).

-- Who records has the rows of users first, and then reads subscriptions: taken the other way round, each would wait for
-- the other.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE subscription_plans, user_subscriptions, subscription_history IN ACCESS EXCLUSIVE MODE;

-- A change of the plan that is set for later: it holds from next_plan_at on, whether or not it has been noted yet.
ALTER TABLE user_subscriptions ADD COLUMN next_plan_id BIGINT REFERENCES subscription_plans (plan_id);
ALTER TABLE user_subscriptions ADD COLUMN next_plan_at TIMESTAMPTZ;

-- What a change left, as far as bills need it: the price of one paid cycle, and how far it is paid. In rows from before
-- this schema there is no price. A row that continues changes neither plan nor anchor: decisions do not read it.
ALTER TABLE subscription_history ADD COLUMN price_pico BIGINT CHECK (price_pico >= 0);
ALTER TABLE subscription_history ADD COLUMN paid_until TIMESTAMPTZ;
ALTER TABLE subscription_history ADD COLUMN auto_renew BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE subscription_history ADD COLUMN continues BOOLEAN NOT NULL DEFAULT FALSE;

-- What happens at a limit that blocks: 'block', or 'allow', with a mark-up in millionths of the cost.
ALTER TABLE subscription_plans ADD COLUMN overage TEXT COLLATE "C" NOT NULL DEFAULT 'block' CHECK (overage IN ('block', 'allow'));
ALTER TABLE subscription_plans ADD COLUMN markup_millionths BIGINT NOT NULL DEFAULT 0 CHECK (markup_millionths >= 0);

-- How far a user's periods are closed, and when the next one ends: NULL where that has to be looked up. What lies before
-- billed_from was left to another system.
CREATE TABLE billing_accounts (
    user_id          TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (user_id),
    closed_until     TIMESTAMPTZ NOT NULL,
    billed_from      TIMESTAMPTZ NOT NULL,
    closes_at        TIMESTAMPTZ,
    suspended_unpaid BOOLEAN NOT NULL
);
CREATE INDEX billing_accounts_due ON billing_accounts (closes_at);

-- The number that was given last. Whoever writes a bill changes it, so numbers have no gaps.
CREATE TABLE billing_numbers (
    series      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_number BIGINT NOT NULL
);
INSERT INTO billing_numbers (series, last_number) VALUES ('bills', 0);

-- Bills, and the credit notes that correct them. What is written stays: only the status and what settled it change.
-- total_pico is in whole cents: the lines, with that of the rounding, sum to it. cost_pico is what the usage cost.
-- terms are the limits and the mark-up as JSON where the plan allowed overage, else empty.
CREATE TABLE billing_history (
    number        BIGINT NOT NULL PRIMARY KEY,
    kind          TEXT COLLATE "C" NOT NULL CHECK (kind IN ('bill', 'credit_note')),
    refers_to     BIGINT REFERENCES billing_history (number),
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES users (user_id),
    plan_id       BIGINT NOT NULL REFERENCES subscription_plans (plan_id),
    cycle         TEXT COLLATE "C" NOT NULL CHECK (cycle IN ('', 'monthly', 'yearly')),
    period_start  TIMESTAMPTZ NOT NULL,
    period_end    TIMESTAMPTZ NOT NULL,
    issued_at     TIMESTAMPTZ NOT NULL,
    due_at        TIMESTAMPTZ NOT NULL,
    status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'paid', 'void', 'past_due')),
    subtotal_pico BIGINT NOT NULL,
    rounding_pico BIGINT NOT NULL,
    total_pico    BIGINT NOT NULL,
    cost_pico     BIGINT NOT NULL,
    settled_at    TIMESTAMPTZ,
    reference     TEXT COLLATE "C" NOT NULL,
    terms         TEXT COLLATE "C" NOT NULL,
    CHECK (subtotal_pico + rounding_pico = total_pico)
);
CREATE UNIQUE INDEX billing_history_by_period ON billing_history (user_id, period_start) WHERE kind = 'bill';
CREATE INDEX billing_history_by_user ON billing_history (user_id, number);
CREATE INDEX billing_history_unpaid ON billing_history (due_at, number) WHERE status IN ('open', 'past_due');
CREATE INDEX billing_history_void ON billing_history (user_id) WHERE status = 'void';
CREATE INDEX billing_history_refers_to ON billing_history (refers_to) WHERE refers_to IS NOT NULL;

-- The lines of bills. period_start and period_end say what a line is for: a usage period, or the time of a fee.
CREATE TABLE billing_lines (
    number              BIGINT NOT NULL REFERENCES billing_history (number),
    line                BIGINT NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    kind                TEXT COLLATE "C" NOT NULL
        CHECK (kind IN ('fee', 'proration', 'usage', 'overage', 'adjustment', 'credit', 'carried', 'rounding')),
    description         TEXT COLLATE "C" NOT NULL,
    period_start        TIMESTAMPTZ NOT NULL,
    period_end          TIMESTAMPTZ NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    vendor              TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    calls               BIGINT NOT NULL,
    errors              BIGINT NOT NULL,
    unpriced_calls      BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    images              BIGINT NOT NULL,
    searches            BIGINT NOT NULL,
    pages               BIGINT NOT NULL,
    characters          BIGINT NOT NULL,
    seconds             BIGINT NOT NULL,
    cost_pico           BIGINT NOT NULL,
    amount_pico         BIGINT NOT NULL,
    unit_prices         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (number, line)
);
CREATE INDEX billing_lines_of_usage ON billing_lines (user_id, period_start) WHERE kind IN ('usage', 'overage', 'adjustment');

-- Money that users have with us: amounts above 0 were given, those below were taken by the bill that is named.
CREATE TABLE billing_credits (
    credit_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (user_id),
    at          TIMESTAMPTZ NOT NULL,
    amount_pico BIGINT NOT NULL CHECK (amount_pico <> 0),
    number      BIGINT REFERENCES billing_history (number),
    reason      TEXT COLLATE "C" NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX billing_credits_by_user ON billing_credits (user_id, credit_id);

-- Messages, written in the transaction of their cause. message_key says what a message is about: it is there once.
CREATE TABLE outbox (
    message_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_key TEXT COLLATE "C" NOT NULL UNIQUE,
    kind        TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    data        TEXT COLLATE "C" NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);

-- What is written on a bill stays as it is.
-- +goose StatementBegin
CREATE FUNCTION billing_keeps() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bills and credits are never changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER billing_history_stays BEFORE UPDATE OF number, kind, refers_to, user_id, plan_id, cycle, period_start, period_end, issued_at, due_at, subtotal_pico, rounding_pico, total_pico, cost_pico, terms
    ON billing_history EXECUTE FUNCTION billing_keeps();
CREATE TRIGGER billing_history_is_kept BEFORE DELETE ON billing_history EXECUTE FUNCTION billing_keeps();
CREATE TRIGGER billing_lines_stay BEFORE UPDATE ON billing_lines EXECUTE FUNCTION billing_keeps();
CREATE TRIGGER billing_lines_are_kept BEFORE DELETE ON billing_lines EXECUTE FUNCTION billing_keeps();
CREATE TRIGGER billing_credits_stay BEFORE UPDATE ON billing_credits EXECUTE FUNCTION billing_keeps();
CREATE TRIGGER billing_credits_are_kept BEFORE DELETE ON billing_credits EXECUTE FUNCTION billing_keeps();
