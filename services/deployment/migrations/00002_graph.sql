-- +goose Up
-- The architecture graph to generate from, as JSON; '' for none.
ALTER TABLE deployments ADD COLUMN graph TEXT NOT NULL DEFAULT '';
