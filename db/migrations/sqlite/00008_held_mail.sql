-- +goose Up
-- Whether a mail is held until a mail server is configured. Before, the wording of last_error told that.
ALTER TABLE outbox_deliveries ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
UPDATE outbox_deliveries SET held = 1
    WHERE status = 'waiting' AND channel = 'email' AND last_error = 'no mail server is configured (SMTP_HOST)';
