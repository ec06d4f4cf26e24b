-- People: what they are called, what groups they are in, what they are granted where, and by whom they are known.

-- role 'none': nothing but what grants give. source: 'local', or the identity provider that made the account.
ALTER TABLE users ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN source TEXT NOT NULL DEFAULT 'local';
ALTER TABLE users ADD COLUMN last_seen_at BIGINT;

-- Names of accounts that were deleted: the history bears them, so that nobody else gets them by accident.
CREATE TABLE former_users (
    name       TEXT   PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);

CREATE TABLE groups (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

-- source: 'local', or the identity provider whose groups were mapped.
CREATE TABLE group_members (
    group_id BIGINT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id  BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source   TEXT   NOT NULL,
    PRIMARY KEY (group_id, user_id, source)
);
CREATE INDEX group_members_user ON group_members (user_id);

-- Of an account or of a group. scope: all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT, label:WORD.
CREATE TABLE grants (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    BIGINT REFERENCES users (id) ON DELETE CASCADE,
    group_id   BIGINT REFERENCES groups (id) ON DELETE CASCADE,
    role       TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);
CREATE UNIQUE INDEX grants_user ON grants (user_id, scope) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX grants_group ON grants (group_id, scope) WHERE group_id IS NOT NULL;

-- Who somebody is elsewhere. provider: 'oidc:ID', 'ldap:ID', 'forge:ID', 'chat:CHANNEL'.
CREATE TABLE identities (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    provider   TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (provider, subject)
);
CREATE INDEX identities_user ON identities (user_id);

-- A code that somebody sends from elsewhere to say who they are here.
CREATE TABLE link_codes (
    code_hash  TEXT   PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What a token leaves of its account's access. role: at most this one. scopes: a JSON list; null: everywhere.
ALTER TABLE tokens ADD COLUMN expires_at BIGINT;
ALTER TABLE tokens ADD COLUMN role TEXT;
ALTER TABLE tokens ADD COLUMN scopes TEXT;
