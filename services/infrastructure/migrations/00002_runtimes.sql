-- +goose Up
CREATE TABLE runtimes (
    project_id    TEXT PRIMARY KEY,
    deployment_id TEXT NOT NULL,
    slug          TEXT NOT NULL UNIQUE,
    port          INTEGER NOT NULL,
    updated_at    TEXT NOT NULL,
    user_id       TEXT NOT NULL DEFAULT '', -- whose project it is; '' for nobody's
    run           TEXT NOT NULL DEFAULT ''  -- how it runs, as JSON; '' for static files
);
