-- What davit knows of forges: deployments and checks there, heads it was told about, what a person has to mend.
-- Times are milliseconds since 1970 (UTC). Repositories (owner/name) are in lower case: forges don't tell case apart.

-- forge_deployment: the number at its forge of the deployment that asked for this.
ALTER TABLE requests ADD COLUMN forge_deployment BIGINT;
CREATE INDEX requests_forge_deployment ON requests (forge_deployment) WHERE forge_deployment IS NOT NULL;

-- environment: the forge's name of it. number: the forge's own; null until the forge has said it.
CREATE TABLE forge_deployments (
    deployment_id BIGINT  PRIMARY KEY REFERENCES deployments (id) ON DELETE CASCADE,
    forge         TEXT    NOT NULL,
    repository    TEXT    NOT NULL,
    environment   TEXT    NOT NULL,
    number        BIGINT,
    made_by_davit BOOLEAN NOT NULL
);
CREATE INDEX forge_deployments_number ON forge_deployments (forge, number) WHERE number IS NOT NULL;
CREATE INDEX forge_deployments_telling ON forge_deployments (forge, repository) WHERE number IS NULL;

-- What others say about commits; davit's own statuses are not among them.
CREATE TABLE checks (
    forge       TEXT   NOT NULL,
    repository  TEXT   NOT NULL,
    commit_sha  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    description TEXT   NOT NULL,
    target_url  TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (forge, repository, commit_sha, name)
);

-- Heads that davit was told about. reference: refs/heads/… or refs/tags/…; the row with the latest time is its head.
CREATE TABLE forge_seen (
    forge       TEXT   NOT NULL,
    repository  TEXT   NOT NULL,
    reference   TEXT   NOT NULL,
    commit_sha  TEXT   NOT NULL,
    before_sha  TEXT,
    at          BIGINT NOT NULL,
    delivery_id BIGINT,
    PRIMARY KEY (forge, repository, reference, commit_sha)
);

-- When davit last compared its heads with the remote's, and how far it has read the forge's own list of deliveries.
CREATE TABLE forge_checked (
    forge       TEXT   NOT NULL,
    repository  TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    hook_cursor TEXT,
    PRIMARY KEY (forge, repository)
);

-- What a person has to look at. ended_at is null while it is so.
CREATE TABLE alerts (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    detail   TEXT   NOT NULL,
    since    BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE ended_at IS NULL;

-- is_final: no other state follows by itself. tried_since: since when it is tried, or a person asked for it again.
ALTER TABLE outbox ADD COLUMN is_final BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE outbox ADD COLUMN tried_since BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET tried_since = created_at;

CREATE INDEX deliveries_of_forge ON deliveries (forge, id);
