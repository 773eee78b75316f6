-- +goose Up
-- The ways of a message to those who should get it.

-- When the deliveries of a message were made; NULL: not yet.
ALTER TABLE outbox ADD COLUMN expanded_at TIMESTAMPTZ;
CREATE INDEX outbox_unexpanded ON outbox (message_id) WHERE expanded_at IS NULL;

-- A delivery takes one message to one recipient: an address, or the name of an endpoint (not its URL, which may be a
-- secret). Those with the same digest, which is the smallest delivery_id among them, go out as one mail. Who sends claims
-- it for a while. It is 'sending' from just before the other side can take it until that has answered.
CREATE TABLE outbox_deliveries (
    delivery_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      BIGINT NOT NULL REFERENCES outbox (message_id),
    channel         TEXT COLLATE "C" NOT NULL CHECK (channel IN ('email', 'webhook', 'slack')),
    recipient       TEXT COLLATE "C" NOT NULL,
    audience        TEXT COLLATE "C" NOT NULL CHECK (audience IN ('user', 'operators', 'program')),
    urgent          BOOLEAN NOT NULL,
    status          TEXT COLLATE "C" NOT NULL
        CHECK (status IN ('waiting', 'sending', 'sent', 'unconfirmed', 'dead', 'skipped')),
    attempts        BIGINT NOT NULL,
    next_attempt_at TIMESTAMPTZ NOT NULL,
    claimed_by      TEXT COLLATE "C" NOT NULL,
    claimed_until   TIMESTAMPTZ,
    digest          BIGINT,
    last_error      TEXT COLLATE "C" NOT NULL,
    changed_at      TIMESTAMPTZ NOT NULL,
    sent_at         TIMESTAMPTZ,
    UNIQUE (message_id, channel, recipient)
);
CREATE INDEX outbox_deliveries_due ON outbox_deliveries (channel, urgent, next_attempt_at, delivery_id) WHERE status = 'waiting';
CREATE INDEX outbox_deliveries_sending ON outbox_deliveries (claimed_until) WHERE status = 'sending';
CREATE INDEX outbox_deliveries_troubled ON outbox_deliveries (status, delivery_id) WHERE status IN ('dead', 'unconfirmed');
CREATE INDEX outbox_deliveries_digest ON outbox_deliveries (digest) WHERE digest IS NOT NULL;
