-- +goose Up
-- An alert is written once and waits by itself until it is put into the outbox, where it becomes a message: a large import
-- writes a row with each alert, and not two. What is needed for the message is kept with it. Alerts from before have their
-- messages, or never got one and get none now. told_at is also when it was dropped without being told.
ALTER TABLE usage_alerts ADD COLUMN period_end INTEGER;
ALTER TABLE usage_alerts ADD COLUMN overage INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_alerts ADD COLUMN told_at INTEGER;
UPDATE usage_alerts SET told_at = created_at;
CREATE INDEX usage_alerts_untold ON usage_alerts (alert_id) WHERE told_at IS NULL;
