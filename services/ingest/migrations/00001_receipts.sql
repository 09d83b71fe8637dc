-- +goose Up
-- Where each recent event went, so that one that is sent again is not published
-- again. at is in Unix milliseconds; seq is in the order of at.
CREATE TABLE receipts (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    source    TEXT NOT NULL,
    id        TEXT NOT NULL,
    topic     TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position  BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    UNIQUE (source, id)
);
CREATE INDEX receipts_at ON receipts (at);
