CREATE TABLE terminals (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    host       TEXT   NOT NULL,
    user_id    BIGINT NOT NULL,
    user_name  TEXT   NOT NULL,
    origin     TEXT,
    cols       BIGINT NOT NULL,
    rows       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    opened_at  BIGINT,
    seen_at    BIGINT,
    closed_at  BIGINT,
    reason     TEXT,
    end_by     TEXT,
    exit_code  BIGINT,
    bytes      BIGINT NOT NULL DEFAULT 0,
    recorded   BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX terminals_open ON terminals (user_id, id) WHERE closed_at IS NULL;
CREATE INDEX terminals_host ON terminals (host, id);
CREATE INDEX terminals_recorded ON terminals (closed_at) WHERE recorded;
