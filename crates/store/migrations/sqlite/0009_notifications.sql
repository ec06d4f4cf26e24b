-- Where notices go and where people sign in, as it is declared.
-- Times are milliseconds since 1970 (UTC).

CREATE TABLE channels (
    id       TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

CREATE TABLE identity_providers (
    id       TEXT   PRIMARY KEY,
    position BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

-- target: whom the call goes to, forge:ID or channel:ID.
ALTER TABLE outbox RENAME COLUMN forge TO target;
UPDATE outbox SET target = 'forge:' || target;

-- What was heard in chats, so that nothing is done twice. A message may have several ids.
CREATE TABLE chat_messages (
    channel TEXT   NOT NULL,
    id      TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (channel, id)
);
