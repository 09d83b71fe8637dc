-- +goose Up
-- Instances of the service: each holds the lock of its slot while it lives, and has a
-- name of its own each time that it starts.
CREATE TABLE instances (
    slot  INTEGER PRIMARY KEY,
    owner TEXT NOT NULL
);

-- A receipt with an owner is a claim: that instance publishes the event, or has died
-- before it knew that it had. Then position means nothing, and the event is behind
-- these offsets of the topic, as JSON by partition, if it is there.
ALTER TABLE receipts ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN after TEXT NOT NULL DEFAULT '';
CREATE INDEX receipts_owner ON receipts (owner) WHERE owner <> '';

-- A request with an owner is under way there, and has no answer yet.
ALTER TABLE requests ADD COLUMN owner TEXT NOT NULL DEFAULT '';
