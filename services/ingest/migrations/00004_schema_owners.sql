-- +goose Up
-- A schema belongs to the user who gave it, and judges that user's events only. Those
-- from before have no owner (''): they are kept, and judge nothing.
ALTER TABLE schemas RENAME TO schemas_before;
CREATE TABLE schemas (
    owner TEXT NOT NULL,
    type  TEXT NOT NULL,
    text  TEXT NOT NULL,
    at    BIGINT NOT NULL,
    PRIMARY KEY (owner, type)
);
INSERT INTO schemas (owner, type, text, at) SELECT '', type, text, at FROM schemas_before;
DROP TABLE schemas_before;
