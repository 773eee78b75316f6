-- +goose Up
-- Who may call. Tokens, of which nothing is stored but a hash of each secret; one that was rotated has several secrets.
-- Lists of providers and models are JSON, and empty for all.
CREATE TABLE api_tokens (
    token_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    act_as       BOOLEAN NOT NULL,
    scopes       TEXT COLLATE "C" NOT NULL,
    providers    TEXT COLLATE "C" NOT NULL,
    models       TEXT COLLATE "C" NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, token_id);

CREATE TABLE api_token_secrets (
    public_part TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_id    BIGINT NOT NULL REFERENCES api_tokens (token_id),
    hash        TEXT COLLATE "C" NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    valid_until TIMESTAMPTZ
);
CREATE INDEX api_token_secrets_by_token ON api_token_secrets (token_id);

-- The browsers that are signed in, and links with which one may sign in once. An identity is JSON.
CREATE TABLE sessions (
    session_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    identity     TEXT COLLATE "C" NOT NULL,
    token_id     BIGINT REFERENCES api_tokens (token_id),
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE sign_in_links (
    link_hash  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    identity   TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sign_in_links_by_expiry ON sign_in_links (expires_at);

-- Counts the changes of tokens, their secrets and sessions; not when a token was used, nor new sessions. Who keeps
-- something of them, or of the catalogue, is told.
CREATE TABLE access_version (
    version BIGINT NOT NULL
);
INSERT INTO access_version (version) VALUES (1);

-- +goose StatementBegin
CREATE FUNCTION access_changes() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE access_version SET version = version + 1;
    NOTIFY alwrity_sub_changed;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION catalogue_changes() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY alwrity_sub_changed;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER api_tokens_change AFTER INSERT OR DELETE OR UPDATE OF name, user_id, act_as, scopes, providers, models, expires_at, revoked_at
    ON api_tokens FOR EACH STATEMENT EXECUTE FUNCTION access_changes();
CREATE TRIGGER api_token_secrets_change AFTER INSERT OR DELETE OR UPDATE ON api_token_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION access_changes();
CREATE TRIGGER sessions_change AFTER DELETE OR UPDATE ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION access_changes();
CREATE TRIGGER catalogue_version_change AFTER UPDATE ON catalogue_version
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changes();
