-- +goose Up
-- Reservations of the gateway's calls (origin 'gateway') are recorded once they expire, for their process was killed:
-- then nobody knows what became of the call (outcome 'unknown').
ALTER TABLE usage_reservations ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE usage_reservations ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
CREATE INDEX usage_reservations_unsettled ON usage_reservations (expires_at) WHERE status = 'held' AND origin = 'gateway';
CREATE INDEX usage_reservations_unknown ON usage_reservations (closed_at) WHERE outcome = 'unknown';

-- Jobs that a vendor works on after its answer. event is what is recorded if nobody asks for the job any more, ask what
-- its request asked for.
CREATE TABLE gateway_jobs (
    job_id         TEXT NOT NULL PRIMARY KEY,
    reservation_id TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    event          TEXT NOT NULL,
    ask            TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    ended_at       INTEGER
) STRICT;
CREATE INDEX gateway_jobs_by_reservation ON gateway_jobs (reservation_id);
