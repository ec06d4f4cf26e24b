-- What the delivery figures are made of. Times are milliseconds since 1970 (UTC).

-- committed_at: the time of the commit, when git could say it. switched_at: when the first host began to switch, or the
-- first action to run: what failed without it has changed nothing.
ALTER TABLE deployments ADD COLUMN committed_at BIGINT;
ALTER TABLE deployments ADD COLUMN switched_at BIGINT;
UPDATE deployments SET switched_at = (SELECT MIN(cells.started_at) FROM cells
    WHERE cells.deployment_id = deployments.id AND cells.step = 5);
CREATE INDEX deployments_ended ON deployments (app, environment, finished_at, state) WHERE finished_at IS NOT NULL;
CREATE INDEX deployments_live ON deployments (app, environment, commit_sha, id) WHERE state = 'succeeded';
