-- Runs of workflows, what they leave behind, changes and the order they are merged in.
-- Times are milliseconds since 1970 (UTC). Repositories (owner/name) are in lower case: forges don't tell case apart.

-- What is declared about repositories. key: forge/owner/name.
CREATE TABLE repositories (
    key      TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

-- git_ref: in full, such as refs/heads/main. cancel_reason: why somebody wants it ended. event: the payload that jobs
-- see, with the inputs. ended_at is null while the run is open. The large columns are last: lists don't need them.
CREATE TABLE ci_runs (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    forge              TEXT    NOT NULL,
    repository         TEXT    NOT NULL,
    workflow_file      TEXT    NOT NULL,
    workflow           TEXT    NOT NULL,
    title              TEXT    NOT NULL,
    trigger            TEXT    NOT NULL,
    action             TEXT    NOT NULL,
    git_ref            TEXT,
    head_sha           TEXT    NOT NULL,
    base_sha           TEXT,
    change_number      BIGINT,
    from_fork          BOOLEAN NOT NULL,
    by_whom            TEXT    NOT NULL,
    state              TEXT    NOT NULL,
    reason             TEXT,
    cancel_reason      TEXT,
    attempt            BIGINT  NOT NULL DEFAULT 1,
    group_name         TEXT,
    cancel_in_progress BOOLEAN NOT NULL,
    idempotency_key    TEXT    UNIQUE,
    approved_by        TEXT,
    approved_at        BIGINT,
    superseded_by      BIGINT,
    created_at         BIGINT  NOT NULL,
    started_at         BIGINT,
    ended_at           BIGINT,
    plan               TEXT    NOT NULL,
    event              TEXT    NOT NULL
);
CREATE INDEX ci_runs_of_repository ON ci_runs (forge, repository, id);
CREATE INDEX ci_runs_of_ref ON ci_runs (forge, repository, git_ref, id);
CREATE INDEX ci_runs_of_change ON ci_runs (forge, repository, change_number, id) WHERE change_number IS NOT NULL;
CREATE INDEX ci_runs_open ON ci_runs (forge, repository, id) WHERE ended_at IS NULL;
CREATE INDEX ci_runs_of_head ON ci_runs (head_sha, id);
CREATE INDEX ci_runs_unfinished ON ci_runs (id) WHERE ended_at IS NULL;
CREATE INDEX ci_runs_state ON ci_runs (state, id);
CREATE INDEX ci_runs_ended ON ci_runs (forge, repository, ended_at) WHERE ended_at IS NOT NULL;

-- One attempt of one instance of a job; a retry is a new row. queued_at: when it could have begun.
CREATE TABLE ci_jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id        BIGINT NOT NULL REFERENCES ci_runs (id) ON DELETE CASCADE,
    key           TEXT   NOT NULL,
    idx           BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    attempt       BIGINT NOT NULL,
    state         TEXT   NOT NULL,
    reason        TEXT,
    cancel_reason TEXT,
    group_name    TEXT,
    environment   TEXT,
    executor      TEXT   NOT NULL,
    worker        TEXT,
    fence         BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    queued_at     BIGINT,
    started_at    BIGINT,
    ended_at      BIGINT,
    needs         TEXT   NOT NULL,
    outputs       TEXT   NOT NULL,
    instance      TEXT   NOT NULL,
    UNIQUE (run_id, key, idx, attempt)
);
CREATE INDEX ci_jobs_unfinished ON ci_jobs (id) WHERE ended_at IS NULL;
CREATE INDEX ci_jobs_of_group ON ci_jobs (group_name, id) WHERE group_name IS NOT NULL AND ended_at IS NULL;

CREATE TABLE ci_steps (
    job_id     BIGINT NOT NULL REFERENCES ci_jobs (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    exit_code  BIGINT,
    started_at BIGINT,
    ended_at   BIGINT,
    summary    TEXT,
    PRIMARY KEY (job_id, number)
);

CREATE TABLE ci_log_lines (
    job_id BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    step   BIGINT NOT NULL,
    stream TEXT   NOT NULL,
    text   TEXT   NOT NULL,
    PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;

CREATE TABLE ci_annotations (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id   BIGINT NOT NULL REFERENCES ci_runs (id) ON DELETE CASCADE,
    job_id   BIGINT REFERENCES ci_jobs (id) ON DELETE CASCADE,
    level    TEXT   NOT NULL,
    file     TEXT,
    line     BIGINT,
    end_line BIGINT,
    col      BIGINT,
    title    TEXT,
    message  TEXT   NOT NULL
);
CREATE INDEX ci_annotations_of_run ON ci_annotations (run_id, id);
CREATE INDEX ci_annotations_of_job ON ci_annotations (job_id);

-- path: below the data directory. A row is written after its file, and removed before it.
CREATE TABLE ci_artifacts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     BIGINT NOT NULL REFERENCES ci_runs (id) ON DELETE CASCADE,
    job_id     BIGINT NOT NULL REFERENCES ci_jobs (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (run_id, name)
);
CREATE INDEX ci_artifacts_of_job ON ci_artifacts (job_id);
CREATE INDEX ci_artifacts_expiry ON ci_artifacts (expires_at);

CREATE TABLE ci_caches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    forge      TEXT   NOT NULL,
    repository TEXT   NOT NULL,
    git_ref    TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    UNIQUE (forge, repository, git_ref, key, version)
);

-- Pull and merge requests as their forge last told them. asked_*: who wants it merged. holds: what was in the way when
-- it was last judged; null: it never was. judge_at: when to judge it again; null: not before something changes.
CREATE TABLE changes (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    forge             TEXT    NOT NULL,
    repository        TEXT    NOT NULL,
    number            BIGINT  NOT NULL,
    title             TEXT    NOT NULL,
    author            TEXT    NOT NULL,
    url               TEXT    NOT NULL,
    head_sha          TEXT    NOT NULL,
    head_branch       TEXT    NOT NULL,
    base_branch       TEXT    NOT NULL,
    from_fork         BOOLEAN NOT NULL,
    draft             BOOLEAN NOT NULL,
    state             TEXT    NOT NULL,
    labels            TEXT    NOT NULL,
    approvals         BIGINT  NOT NULL,
    changes_requested TEXT    NOT NULL,
    mergeable         TEXT    NOT NULL,
    mergeable_reason  TEXT,
    auto_merge        BOOLEAN NOT NULL,
    asked_how         TEXT,
    asked_by          TEXT,
    asked_head        TEXT,
    asked_at          BIGINT,
    merge_commit      TEXT,
    holds             TEXT,
    judge_at          BIGINT,
    refreshed_at      BIGINT  NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    UNIQUE (forge, repository, number)
);
CREATE INDEX changes_of_head ON changes (forge, repository, head_sha);
CREATE INDEX changes_of_repository ON changes (forge, repository, state, id);
CREATE INDEX changes_state ON changes (state, id);
CREATE INDEX changes_to_judge ON changes (judge_at, id) WHERE judge_at IS NOT NULL;

-- Who is tested and merged after whom. ended_at is null while it waits or is tested.
CREATE TABLE merge_queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    forge       TEXT   NOT NULL,
    repository  TEXT   NOT NULL,
    base_branch TEXT   NOT NULL,
    change_id   BIGINT NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    state       TEXT   NOT NULL,
    head_sha    TEXT   NOT NULL,
    test_sha    TEXT,
    run_ids     TEXT   NOT NULL,
    reason      TEXT,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT
);
CREATE INDEX merge_queue_open ON merge_queue (forge, repository, base_branch, id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX merge_queue_of_change ON merge_queue (change_id) WHERE ended_at IS NULL;
CREATE INDEX merge_queue_changes ON merge_queue (change_id, id);
CREATE INDEX merge_queue_ended ON merge_queue (ended_at) WHERE ended_at IS NOT NULL;

-- timezone '': UTC.
CREATE TABLE ci_schedules (
    forge         TEXT   NOT NULL,
    repository    TEXT   NOT NULL,
    workflow_file TEXT   NOT NULL,
    cron          TEXT   NOT NULL,
    timezone      TEXT   NOT NULL,
    next_at       BIGINT NOT NULL,
    PRIMARY KEY (forge, repository, workflow_file, cron, timezone)
);
CREATE INDEX ci_schedules_due ON ci_schedules (next_at);
