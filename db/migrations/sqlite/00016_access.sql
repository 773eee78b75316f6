-- +goose Up
-- Who may call. Tokens, of which nothing is stored but a hash of each secret; one that was rotated has several secrets.
-- Lists of providers and models are JSON, and empty for all.
CREATE TABLE api_tokens (
    token_id     INTEGER PRIMARY KEY AUTOINCREMENT, -- the log and the audit log name it: no number is given twice
    name         TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    act_as       INTEGER NOT NULL,
    scopes       TEXT NOT NULL,
    providers    TEXT NOT NULL,
    models       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, token_id);

CREATE TABLE api_token_secrets (
    public_part TEXT NOT NULL PRIMARY KEY,
    token_id    INTEGER NOT NULL REFERENCES api_tokens (token_id),
    hash        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    valid_until INTEGER
) STRICT;
CREATE INDEX api_token_secrets_by_token ON api_token_secrets (token_id);

-- The browsers that are signed in, and links with which one may sign in once. An identity is JSON.
CREATE TABLE sessions (
    session_hash TEXT NOT NULL PRIMARY KEY,
    identity     TEXT NOT NULL,
    token_id     INTEGER REFERENCES api_tokens (token_id),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE sign_in_links (
    link_hash  TEXT NOT NULL PRIMARY KEY,
    identity   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_links_by_expiry ON sign_in_links (expires_at);

-- Counts the changes of tokens, their secrets and sessions; not when a token was used, nor new sessions. Who keeps
-- something of them looks at it.
CREATE TABLE access_version (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO access_version (version) VALUES (1);

-- +goose StatementBegin
CREATE TRIGGER api_tokens_are_added AFTER INSERT ON api_tokens
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_tokens_change AFTER UPDATE OF name, user_id, act_as, scopes, providers, models, expires_at, revoked_at ON api_tokens
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_tokens_are_removed AFTER DELETE ON api_tokens
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_token_secrets_are_added AFTER INSERT ON api_token_secrets
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_token_secrets_change AFTER UPDATE ON api_token_secrets
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_token_secrets_are_removed AFTER DELETE ON api_token_secrets
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sessions_change AFTER UPDATE ON sessions
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sessions_end AFTER DELETE ON sessions
BEGIN UPDATE access_version SET version = version + 1; END;
-- +goose StatementEnd
