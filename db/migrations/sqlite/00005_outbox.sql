-- +goose Up
-- The ways of a message to those who should get it.

-- When the deliveries of a message were made; NULL: not yet.
ALTER TABLE outbox ADD COLUMN expanded_at INTEGER;
CREATE INDEX outbox_unexpanded ON outbox (message_id) WHERE expanded_at IS NULL;

-- A delivery takes one message to one recipient: an address, or the name of an endpoint (not its URL, which may be a
-- secret). Those with the same digest, which is the smallest delivery_id among them, go out as one mail. Who sends claims
-- it for a while. It is 'sending' from just before the other side can take it until that has answered.
CREATE TABLE outbox_deliveries (
    delivery_id     INTEGER PRIMARY KEY,
    message_id      INTEGER NOT NULL REFERENCES outbox (message_id),
    channel         TEXT NOT NULL CHECK (channel IN ('email', 'webhook', 'slack')),
    recipient       TEXT NOT NULL,
    audience        TEXT NOT NULL CHECK (audience IN ('user', 'operators', 'program')),
    urgent          INTEGER NOT NULL,
    status          TEXT NOT NULL
        CHECK (status IN ('waiting', 'sending', 'sent', 'unconfirmed', 'dead', 'skipped')),
    attempts        INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    claimed_by      TEXT NOT NULL,
    claimed_until   INTEGER,
    digest          INTEGER,
    last_error      TEXT NOT NULL,
    changed_at      INTEGER NOT NULL,
    sent_at         INTEGER,
    UNIQUE (message_id, channel, recipient)
) STRICT;
CREATE INDEX outbox_deliveries_due ON outbox_deliveries (channel, urgent, next_attempt_at, delivery_id) WHERE status = 'waiting';
CREATE INDEX outbox_deliveries_sending ON outbox_deliveries (claimed_until) WHERE status = 'sending';
CREATE INDEX outbox_deliveries_troubled ON outbox_deliveries (status, delivery_id) WHERE status IN ('dead', 'unconfirmed');
CREATE INDEX outbox_deliveries_digest ON outbox_deliveries (digest) WHERE digest IS NOT NULL;
