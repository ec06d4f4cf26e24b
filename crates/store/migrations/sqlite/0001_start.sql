-- Times are milliseconds since 1970 (UTC). States are the domain's words; *_body columns hold the domain's values as JSON.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    password_hash TEXT,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE,
    created_at    BIGINT  NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT   PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    token_hash   TEXT   NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    UNIQUE (user_id, name)
);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE secrets (
    key        TEXT   PRIMARY KEY,
    sealed     BLOB   NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE forges (
    id       TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

CREATE TABLE environments (
    key      TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

CREATE TABLE hosts (
    name     TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

CREATE TABLE host_checks (
    host        TEXT    PRIMARY KEY REFERENCES hosts (name) ON DELETE CASCADE,
    at          BIGINT  NOT NULL,
    code        TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    fingerprint TEXT
);

CREATE TABLE apps (
    key      TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

-- Every save of a release config is a row and stays; at most one of an (app, environment) is in force.
CREATE TABLE config_revisions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    app         TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    number      BIGINT  NOT NULL,
    position    BIGINT  NOT NULL,
    body        TEXT    NOT NULL,
    saved_by    TEXT    NOT NULL,
    saved_at    BIGINT  NOT NULL,
    in_force    BOOLEAN NOT NULL,
    UNIQUE (app, environment, number)
);
CREATE UNIQUE INDEX config_in_force ON config_revisions (app, environment) WHERE in_force;

-- The large columns are last: SQLite reads a row from its start, and lists don't need them.
CREATE TABLE deliveries (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    forge         TEXT    NOT NULL,
    delivery      TEXT    NOT NULL CHECK (delivery <> ''),
    event         TEXT    NOT NULL,
    received_at   BIGINT  NOT NULL,
    dedupe_key    TEXT,
    verdict       TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    repository    TEXT,
    summary       TEXT    NOT NULL,
    attempts      BIGINT  NOT NULL,
    replay        BOOLEAN NOT NULL DEFAULT FALSE,
    claimed_until BIGINT,
    headers       TEXT    NOT NULL,
    body          BLOB    NOT NULL,
    UNIQUE (forge, delivery)
);
CREATE INDEX deliveries_waiting ON deliveries (id) WHERE verdict = 'received';
CREATE INDEX deliveries_dedupe ON deliveries (dedupe_key) WHERE dedupe_key IS NOT NULL;

CREATE TABLE requests (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    app             TEXT   NOT NULL,
    environment     TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    state           TEXT   NOT NULL,
    state_body      TEXT   NOT NULL,
    commit_sha      TEXT   NOT NULL,
    git_ref         TEXT,
    title           TEXT   NOT NULL,
    revision_id     BIGINT NOT NULL REFERENCES config_revisions (id),
    review_body     TEXT   NOT NULL,
    target_release  TEXT,
    hosts           TEXT,
    created_by      TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    decided_by      TEXT,
    decided_at      BIGINT,
    delivery_id     BIGINT REFERENCES deliveries (id) ON DELETE SET NULL,
    idempotency_key TEXT UNIQUE
);
CREATE INDEX requests_state ON requests (state, id);
CREATE INDEX requests_delivery ON requests (delivery_id);

CREATE TABLE deployments (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id          BIGINT NOT NULL REFERENCES requests (id),
    app                 TEXT   NOT NULL,
    environment         TEXT   NOT NULL,
    kind                TEXT   NOT NULL,
    state               TEXT   NOT NULL,
    state_body          TEXT   NOT NULL,
    attempt             BIGINT NOT NULL,
    release_name        TEXT   NOT NULL,
    commit_sha          TEXT   NOT NULL,
    fence               BIGINT NOT NULL DEFAULT 0,
    cancel_requested_by TEXT,
    created_at          BIGINT NOT NULL,
    started_at          BIGINT,
    finished_at         BIGINT
);
CREATE INDEX deployments_of_app ON deployments (app, environment, id);
CREATE INDEX deployments_unfinished ON deployments (app, environment, id) WHERE finished_at IS NULL;
CREATE INDEX deployments_of_request ON deployments (request_id);

CREATE TABLE host_runs (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host          TEXT   NOT NULL,
    position      BIGINT NOT NULL,
    state         TEXT   NOT NULL,
    state_body    TEXT   NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, host)
);

-- The steps × hosts grid. host '' is the server.
CREATE TABLE cells (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host          TEXT   NOT NULL,
    step          BIGINT NOT NULL,
    state         TEXT   NOT NULL,
    started_at    BIGINT,
    finished_at   BIGINT,
    PRIMARY KEY (deployment_id, host, step)
);

CREATE TABLE log_lines (
    deployment_id BIGINT NOT NULL,
    seq           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    host          TEXT,
    step          BIGINT NOT NULL,
    stream        TEXT   NOT NULL,
    text          TEXT   NOT NULL,
    PRIMARY KEY (deployment_id, seq)
) WITHOUT ROWID;

-- What lies on which host. state: staged, good, removed.
CREATE TABLE releases (
    release_name  TEXT   NOT NULL,
    host          TEXT   NOT NULL,
    app           TEXT   NOT NULL,
    environment   TEXT   NOT NULL,
    deployment_id BIGINT NOT NULL REFERENCES deployments (id),
    commit_sha    TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (release_name, host)
);
CREATE INDEX releases_of_app ON releases (app, environment, state);

-- What each host serves, as davit last saw it.
CREATE TABLE live_releases (
    app           TEXT   NOT NULL,
    environment   TEXT   NOT NULL,
    host          TEXT   NOT NULL,
    release_name  TEXT   NOT NULL,
    deployment_id BIGINT NOT NULL REFERENCES deployments (id),
    at            BIGINT NOT NULL,
    PRIMARY KEY (app, environment, host)
);

-- state: waiting, leased, done, dead, superseded. done_at is null while there is something to do.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT   NOT NULL,
    lane       TEXT   NOT NULL,
    forge      TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    done_at    BIGINT
);
CREATE INDEX outbox_open ON outbox (lane, id) WHERE done_at IS NULL;

CREATE TABLE feed (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    app         TEXT,
    environment TEXT,
    detail      TEXT   NOT NULL
);
