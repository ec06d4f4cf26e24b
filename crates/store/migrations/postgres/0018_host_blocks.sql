-- As log_blocks, for the lines of one host: which of its lines are in a block is known without counting those before.

-- host '' is the server.
CREATE TABLE log_host_blocks (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host          TEXT   NOT NULL,
    block         BIGINT NOT NULL,
    step          BIGINT NOT NULL,
    lines         BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, host, block, step)
);
INSERT INTO log_host_blocks (deployment_id, host, block, step, lines)
    SELECT l.deployment_id, COALESCE(l.host, ''), (l.seq - 1) / 4096, l.step, COUNT(*)
    FROM log_lines l JOIN (SELECT deployment_id AS id, MAX(seq) / 4096 AS whole FROM log_lines GROUP BY deployment_id) d
        ON d.id = l.deployment_id
    WHERE (l.seq - 1) / 4096 < d.whole AND l.deployment_id IN (SELECT id FROM deployments)
    GROUP BY l.deployment_id, COALESCE(l.host, ''), (l.seq - 1) / 4096, l.step;
