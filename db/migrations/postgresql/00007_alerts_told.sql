-- +goose Up
-- An alert is written once and waits by itself until it is put into the outbox, where it becomes a message: a large import
-- writes a row with each alert, and not two. What is needed for the message is kept with it. Alerts from before have their
-- messages, or never got one and get none now. told_at is also when it was dropped without being told.
ALTER TABLE usage_alerts ADD COLUMN period_end TIMESTAMPTZ;
ALTER TABLE usage_alerts ADD COLUMN overage BOOLEAN NOT NULL DEFAULT FALSE;
-- All that are there are told: a default writes no row anew, so that nobody waits for long.
ALTER TABLE usage_alerts ADD COLUMN told_at TIMESTAMPTZ DEFAULT 'epoch';
ALTER TABLE usage_alerts ALTER COLUMN told_at DROP DEFAULT;
CREATE INDEX usage_alerts_untold ON usage_alerts (alert_id) WHERE told_at IS NULL;
