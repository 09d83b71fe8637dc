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

-- Answers to requests with an Idempotency-Key; at is in Unix milliseconds.
CREATE TABLE requests (
    caller      TEXT NOT NULL,
    request_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    media       TEXT NOT NULL,
    body        BLOB NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (caller, request_key)
);
CREATE INDEX requests_at ON requests (at);

-- JSON Schemas of the data of events, by the events' type.
CREATE TABLE schemas (
    type TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    at   BIGINT NOT NULL
);
