-- The overview asks for the newest heads of many repositories at once, and what hosts said of what they serve.

CREATE INDEX forge_seen_newest ON forge_seen (forge, repository, reference, at);
CREATE INDEX forge_seen_latest ON forge_seen (forge, repository, at);
CREATE INDEX live_checks_said ON live_checks (app, environment, host, verdict, at);
