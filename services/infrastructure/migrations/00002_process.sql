-- +goose Up
-- Whose project it is; '' for nobody's.
ALTER TABLE runtimes ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
-- How it runs, as JSON; '' for static files.
ALTER TABLE runtimes ADD COLUMN run TEXT NOT NULL DEFAULT '';
