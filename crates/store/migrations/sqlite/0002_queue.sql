-- The job queue (crates/engine/src/queue). Times are milliseconds since 1970 (UTC).
-- state: waiting, running, done, dead. attempts: started so far; while running it is also the fence of the attempt.
CREATE TABLE queue_jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    attempts     BIGINT  NOT NULL DEFAULT 0,
    max_attempts BIGINT  NOT NULL,
    run_at       BIGINT  NOT NULL,
    worker       TEXT,
    lease_until  BIGINT,
    cancel_asked BOOLEAN NOT NULL DEFAULT FALSE,
    reason       TEXT,
    created_at   BIGINT  NOT NULL,
    ended_at     BIGINT,
    UNIQUE (kind, key)
);
CREATE INDEX queue_jobs_due ON queue_jobs (kind, run_at, id) WHERE state = 'waiting';
CREATE INDEX queue_jobs_leased ON queue_jobs (kind, lease_until) WHERE state = 'running';
CREATE INDEX queue_jobs_ended ON queue_jobs (state, ended_at) WHERE ended_at IS NOT NULL;
