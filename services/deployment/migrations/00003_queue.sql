-- +goose Up
-- queued is the order in which deployments were asked for, from 1.
ALTER TABLE deployments ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
-- The instance that works on it, and until when it is taken to be alive (Unix
-- milliseconds).
ALTER TABLE deployments ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;
-- Somebody asked for its cancellation while it was under way.
ALTER TABLE deployments ADD COLUMN cancelling BOOLEAN NOT NULL DEFAULT FALSE;
-- The deployment whose files it puts back, '' for none.
ALTER TABLE deployments ADD COLUMN source TEXT NOT NULL DEFAULT '';
-- W3C traceparent of what asked for it.
ALTER TABLE deployments ADD COLUMN trace TEXT NOT NULL DEFAULT '';
UPDATE deployments SET queued = (SELECT count(*) FROM deployments AS d WHERE d.id <= deployments.id);
CREATE UNIQUE INDEX deployments_queued ON deployments (queued);
CREATE INDEX deployments_due ON deployments (project_id, status) WHERE status IN ('PENDING', 'STARTED');
CREATE INDEX deployments_user ON deployments (user_id, queued);

-- What codegen made of a deployment: its reply as JSON, compressed by gzip.
CREATE TABLE artifacts (
    deployment_id TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL,
    content       BLOB NOT NULL
);
CREATE INDEX artifacts_project ON artifacts (project_id);

CREATE TABLE logs (
    deployment_id TEXT NOT NULL,
    seq           INTEGER NOT NULL, -- from 1
    step          TEXT NOT NULL,    -- '' for the deployment as a whole
    level         TEXT NOT NULL,    -- info, warn or error
    time          TEXT NOT NULL,
    message       TEXT NOT NULL,
    PRIMARY KEY (deployment_id, seq)
);
