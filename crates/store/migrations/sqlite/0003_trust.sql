-- Deployments in batches that survive everything, kept builds, locks. Times are milliseconds since 1970 (UTC).

-- batch counts from 1; tries grows when a person retries a host, so that its hooks run anew.
ALTER TABLE host_runs ADD COLUMN batch BIGINT NOT NULL DEFAULT 1;
ALTER TABLE host_runs ADD COLUMN tries BIGINT NOT NULL DEFAULT 1;

-- jobs: how many jobs this deployment has had. blocked: the gate that keeps a queued one waiting.
ALTER TABLE deployments ADD COLUMN jobs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN build_digest TEXT;
ALTER TABLE deployments ADD COLUMN blocked TEXT;
ALTER TABLE deployments ADD COLUMN gates_overridden_by TEXT;

-- build_digest: a build that was asked for by name. inputs: values and uploaded files, as JSON.
ALTER TABLE requests ADD COLUMN build_digest TEXT;
ALTER TABLE requests ADD COLUMN inputs TEXT NOT NULL DEFAULT '{}';

-- How much of a detached hook's output is in log_lines. host '' is the server.
CREATE TABLE hook_offsets (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host          TEXT   NOT NULL,
    hook          TEXT   NOT NULL,
    bytes         BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, host, hook)
);

-- What was built once. build_key says from what; several keys may share one digest, whose files lie in the data directory.
CREATE TABLE builds (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    app        TEXT   NOT NULL,
    build_key  TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    commit_sha TEXT   NOT NULL,
    title      TEXT   NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    files      BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    UNIQUE (app, build_key)
);
CREATE INDEX builds_digest ON builds (digest);

-- Files that people uploaded for transfers of custom release configs; their content lies in the data directory.
CREATE TABLE uploads (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    app        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    bytes      BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX uploads_of_app ON uploads (app, name, id);

-- app '': every app of the environment.
CREATE TABLE locks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT   NOT NULL,
    app         TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    ended_at    BIGINT,
    ended_by    TEXT
);
CREATE INDEX locks_held ON locks (environment) WHERE ended_at IS NULL;

-- What a host said when it was asked what it really serves.
CREATE TABLE live_checks (
    app         TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    host        TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    verdict     TEXT   NOT NULL,
    live        TEXT,
    detail      TEXT   NOT NULL,
    PRIMARY KEY (app, environment, host)
);
