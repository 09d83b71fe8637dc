-- +goose Up
CREATE TABLE generations (
    template TEXT PRIMARY KEY,
    uses     INTEGER NOT NULL,
    last_at  TEXT NOT NULL
);
