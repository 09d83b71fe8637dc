-- +goose Up
CREATE TABLE runtimes (
    project_id    TEXT PRIMARY KEY,
    deployment_id TEXT NOT NULL,
    slug          TEXT NOT NULL UNIQUE,
    port          INTEGER NOT NULL,
    updated_at    TEXT NOT NULL
);
