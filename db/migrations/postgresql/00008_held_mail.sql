-- +goose Up
-- Whether a mail is held until a mail server is configured. Before, the wording of last_error told that.
ALTER TABLE outbox_deliveries ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE outbox_deliveries SET held = TRUE
    WHERE status = 'waiting' AND channel = 'email' AND last_error = 'no mail server is configured (SMTP_HOST)';
