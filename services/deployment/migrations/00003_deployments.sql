-- +goose Up
CREATE TABLE deployments (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL,
    template   TEXT NOT NULL,
    config     TEXT NOT NULL,
    status     TEXT NOT NULL, -- PENDING, STARTED, SUCCEEDED, FAILED or CANCELLED
    step       TEXT NOT NULL, -- the last step done, '' for none
    url        TEXT NOT NULL DEFAULT '',
    error      TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    graph      TEXT NOT NULL DEFAULT '',       -- the architecture graph to generate from, as JSON; '' for none
    queued     INTEGER NOT NULL DEFAULT 0,     -- the order in which deployments were requested, from 1
    owner      TEXT NOT NULL DEFAULT '',       -- the instance that works on it
    lease      INTEGER NOT NULL DEFAULT 0,     -- until when the owner counts as alive, in Unix milliseconds
    cancelling BOOLEAN NOT NULL DEFAULT FALSE, -- its cancellation was requested while it was under way
    source     TEXT NOT NULL DEFAULT '',       -- the deployment whose files it puts back, '' for none
    trace      TEXT NOT NULL DEFAULT ''        -- W3C traceparent of the request
);
CREATE INDEX deployments_project ON deployments (project_id, id);
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
