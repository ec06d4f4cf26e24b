-- From where; the writer's proof; the place in the chain and the seal that binds it to all before it.
ALTER TABLE feed ADD COLUMN origin TEXT;
ALTER TABLE feed ADD COLUMN proof BYTEA;
ALTER TABLE feed ADD COLUMN position BIGINT;
ALTER TABLE feed ADD COLUMN seal BYTEA;
CREATE UNIQUE INDEX feed_position ON feed (position);
CREATE UNIQUE INDEX feed_proof ON feed (proof);
CREATE INDEX feed_open ON feed (id) WHERE position IS NULL;
CREATE INDEX feed_actor ON feed (actor, id);
CREATE INDEX feed_action ON feed (action, id);
CREATE INDEX feed_place ON feed (app, environment, id);

-- Where the chain begins, now that what was before is forgotten. One row.
CREATE TABLE feed_anchor (
    name      TEXT   PRIMARY KEY,
    position  BIGINT NOT NULL,
    seal      BYTEA  NOT NULL,
    last_bare BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    proof     BYTEA  NOT NULL
);
