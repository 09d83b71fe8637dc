-- +goose Up
CREATE TABLE deployments (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL,
    template   TEXT NOT NULL,
    config     TEXT NOT NULL,
    status     TEXT NOT NULL, -- STARTED, SUCCEEDED, FAILED or CANCELLED
    step       TEXT NOT NULL, -- the last step done, '' for none
    url        TEXT NOT NULL DEFAULT '',
    error      TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX deployments_project ON deployments (project_id, id);
