-- +goose Up
-- PROVISION requests that nobody waits for any more, and that were not answered. Their
-- answers, should they come, are behind these offsets of the reply topic, as JSON by
-- partition. at is in Unix milliseconds.
CREATE TABLE unanswered (
    request       TEXT PRIMARY KEY, -- its id, as the answer names it
    deployment_id TEXT NOT NULL,
    after         TEXT NOT NULL,
    at            INTEGER NOT NULL
);
-- What the deployment changed is to be undone, though it has ended.
ALTER TABLE deployments ADD COLUMN undo BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX deployments_undo ON deployments (project_id) WHERE undo;
