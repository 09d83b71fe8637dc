-- +goose Up

-- The write side.
CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL UNIQUE,
    template   TEXT NOT NULL,
    config     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX projects_user ON projects (user_id, id);

CREATE TABLE requests (
    deployment_id TEXT PRIMARY KEY,
    project_id    TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    created_at    TEXT NOT NULL
);
CREATE INDEX requests_project ON requests (project_id, deployment_id);

-- The read side, projected from DEPLOYMENT_* events alone.
CREATE TABLE deployments (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    status     TEXT NOT NULL,
    url        TEXT NOT NULL,
    error      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX deployments_project ON deployments (project_id, id);

-- What was pushed to each user's WebSockets, for those that come back. at is in
-- nanoseconds since 1970 and never repeats.
CREATE TABLE feed (
    at            INTEGER PRIMARY KEY,
    user_id       TEXT NOT NULL,
    type          TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    data          TEXT NOT NULL
);
CREATE INDEX feed_user ON feed (user_id, at);
