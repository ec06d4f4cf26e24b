-- What people do with release requests. version: grows with every edit, and approvals are of one version. held: why the
-- schedule has not let it go out yet. approvals_expire_at: when the first of its approvals stops to count.
CREATE TABLE request_batches (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    environment     TEXT   NOT NULL,
    title           TEXT   NOT NULL,
    description     TEXT   NOT NULL,
    created_by      TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    idempotency_key TEXT UNIQUE
);

ALTER TABLE requests ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE requests ADD COLUMN updated_at BIGINT;
ALTER TABLE requests ADD COLUMN editors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE requests ADD COLUMN scheduled_at BIGINT;
ALTER TABLE requests ADD COLUMN scheduled_by TEXT;
ALTER TABLE requests ADD COLUMN held TEXT;
ALTER TABLE requests ADD COLUMN approvals_expire_at BIGINT;
ALTER TABLE requests ADD COLUMN batch_id BIGINT REFERENCES request_batches (id);
ALTER TABLE requests ADD COLUMN cloned_from BIGINT REFERENCES requests (id);
CREATE INDEX requests_of_place ON requests (app, environment, id);
CREATE INDEX requests_scheduled ON requests (scheduled_at) WHERE scheduled_at IS NOT NULL AND state = 'awaiting_release';
CREATE INDEX requests_expiring ON requests (approvals_expire_at) WHERE approvals_expire_at IS NOT NULL;
CREATE INDEX requests_of_batch ON requests (batch_id) WHERE batch_id IS NOT NULL;

-- Every word of a reviewer. void_at: when an edit or the rule's time made it count no more.
CREATE TABLE request_reviews (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id BIGINT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    user_name  TEXT   NOT NULL,
    verdict    TEXT   NOT NULL,
    reason     TEXT,
    at         BIGINT NOT NULL,
    void_at    BIGINT
);
CREATE INDEX request_reviews_of_request ON request_reviews (request_id, id);
