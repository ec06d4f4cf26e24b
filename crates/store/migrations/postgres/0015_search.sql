-- Requests and deployments are found by the beginning of a commit.

CREATE INDEX requests_of_commit ON requests (commit_sha);
CREATE INDEX deployments_of_commit ON deployments (commit_sha);
