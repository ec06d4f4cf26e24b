-- How people sign in: sessions that can be told apart, tries that failed, second factors.

-- how: 'password', or the identity provider, 'oidc:ID' or 'ldap:ID'. ip and agent say from where, for the person to know it again.
CREATE TABLE sessions_with_facts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash   TEXT   NOT NULL UNIQUE,
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    how          TEXT   NOT NULL,
    ip           TEXT   NOT NULL,
    agent        TEXT   NOT NULL
);
INSERT INTO sessions_with_facts (token_hash, user_id, created_at, expires_at, last_seen_at, how, ip, agent)
    SELECT token_hash, user_id, created_at, expires_at, created_at, 'password', '', '' FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_with_facts RENAME TO sessions;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- By what was typed as the name, in small letters, whether there is such an account or not. tries: wrong ones in a row.
-- locked_until: no password is right before. told_at: when the feed was told last.
CREATE TABLE sign_in_tries (
    name         TEXT   PRIMARY KEY,
    tries        BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    told_at      BIGINT NOT NULL
);
CREATE INDEX sign_in_tries_last ON sign_in_tries (last_at);

-- Its secret is in secrets, as totp:USER_ID. confirmed_at: since when codes are asked for. last_step: of the last code that was used.
CREATE TABLE second_factors (
    user_id      BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    user_id   BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT   NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
