-- +goose Up
-- An event that was recorded wrongly is taken back by a counter-entry: one more row of the log, the same with the signs
-- turned round, so that every sum of the log is right by itself. A column of the log may be negative for that. A partition
-- has the checks as its own, too.
-- +goose StatementBegin
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'api_usage_logs'::regclass AND contype = 'c'
        AND pg_get_constraintdef(oid) LIKE '%>= 0%' LOOP
        EXECUTE format('ALTER TABLE api_usage_logs DROP CONSTRAINT %I', c.conname);
    END LOOP;
    FOR c IN SELECT i.inhrelid::regclass AS part, k.conname FROM pg_inherits i JOIN pg_constraint k ON k.conrelid = i.inhrelid
        WHERE i.inhparent = 'api_usage_logs'::regclass AND k.contype = 'c' AND pg_get_constraintdef(k.oid) LIKE '%>= 0%' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.part, c.conname);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Which event was taken back, by which counter-entry, and what was recorded in its place, if anything was. The counter-
-- entry has the time of the event.
CREATE TABLE usage_voids (
    event_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    counter_id     TEXT COLLATE "C" NOT NULL UNIQUE,
    replaced_by    TEXT COLLATE "C" UNIQUE,
    occurred_at    TIMESTAMPTZ NOT NULL,
    replacement_at TIMESTAMPTZ,
    voided_at      TIMESTAMPTZ NOT NULL,
    actor          TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL
);
CREATE INDEX usage_voids_by_time ON usage_voids (occurred_at);
CREATE INDEX usage_voids_by_replacement ON usage_voids (replacement_at) WHERE replacement_at IS NOT NULL;

-- An alert whose threshold is no longer reached, since usage was taken back, is withdrawn. The same threshold may be
-- reached once more after that.
ALTER TABLE usage_alerts ADD COLUMN withdrawn_at TIMESTAMPTZ;
CREATE UNIQUE INDEX usage_alerts_once ON usage_alerts (user_id, period_start, limit_name, threshold)
    WHERE withdrawn_at IS NULL;
-- +goose StatementBegin
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'usage_alerts'::regclass AND contype = 'u' LOOP
        EXECUTE format('ALTER TABLE usage_alerts DROP CONSTRAINT %I', c.conname);
    END LOOP;
END
$$;
-- +goose StatementEnd
CREATE INDEX usage_alerts_withdrawn ON usage_alerts (user_id, period_start) WHERE withdrawn_at IS NOT NULL;
