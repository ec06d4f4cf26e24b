-- Whether a deployment has ended since the delivery figures were last worked out.

CREATE INDEX deployments_finished ON deployments (finished_at);
