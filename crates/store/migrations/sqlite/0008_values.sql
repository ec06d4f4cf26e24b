-- What hooks find in their environment. scope: all, app:APP or app:APP@ENVIRONMENT. Every save of a scope is a row with
-- everything it then had; the one with the largest number holds. Secret values are in secrets, sealed.
CREATE TABLE value_revisions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    scope    TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    saved_by TEXT   NOT NULL,
    saved_at BIGINT NOT NULL,
    body     TEXT   NOT NULL,
    UNIQUE (scope, number)
);

-- The values that were effective when the request was made; null: made before there were any.
ALTER TABLE requests ADD COLUMN values_body TEXT;
