-- Logs of a million lines: any line of one host or one step is found without reading those before it.

CREATE INDEX log_lines_of_host ON log_lines (deployment_id, host, seq, step);

-- How many lines of a step are in each whole block of 4096 lines: block 0 is lines 1 to 4096. Written with a block's last line.
CREATE TABLE log_blocks (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    step          BIGINT NOT NULL,
    block         BIGINT NOT NULL,
    lines         BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, step, block)
);
INSERT INTO log_blocks (deployment_id, step, block, lines)
    SELECT l.deployment_id, l.step, (l.seq - 1) / 4096, COUNT(*)
    FROM log_lines l JOIN (SELECT deployment_id AS id, MAX(seq) / 4096 AS whole FROM log_lines GROUP BY deployment_id) d
        ON d.id = l.deployment_id
    WHERE (l.seq - 1) / 4096 < d.whole AND l.deployment_id IN (SELECT id FROM deployments)
    GROUP BY l.deployment_id, l.step, (l.seq - 1) / 4096;
