-- +goose Up
-- What a plan cost and gave until a moment, from the end of the version before it on, or always. limits are JSON, as in
-- billing_history.terms. The figures that hold now are in subscription_plans and plan_limits.
CREATE TABLE plan_versions (
    plan_id            BIGINT NOT NULL REFERENCES subscription_plans (plan_id),
    held_until         TIMESTAMPTZ NOT NULL,
    monthly_price_pico BIGINT NOT NULL CHECK (monthly_price_pico >= 0),
    yearly_price_pico  BIGINT NOT NULL CHECK (yearly_price_pico >= 0),
    overage            TEXT COLLATE "C" NOT NULL CHECK (overage IN ('block', 'allow')),
    markup_millionths  BIGINT NOT NULL CHECK (markup_millionths >= 0),
    limits             TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan_id, held_until)
);
