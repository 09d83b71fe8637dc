-- +goose Up

-- The write side: which slugs are taken. stem is a slug without its number.
CREATE TABLE slugs (
    slug       TEXT PRIMARY KEY,
    stem       TEXT NOT NULL,
    project_id TEXT NOT NULL
);
CREATE INDEX slugs_stem ON slugs (stem);
CREATE INDEX slugs_project ON slugs (project_id);

-- What was sent to each user's WebSockets, for those that come back. at is in
-- nanoseconds since 1970 and never repeats.
CREATE TABLE feed (
    at            INTEGER PRIMARY KEY,
    user_id       TEXT NOT NULL,
    type          TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    data          TEXT NOT NULL
);
CREATE INDEX feed_user ON feed (user_id, at);

-- The read side: all below is made of events alone.
CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    slug       TEXT NOT NULL,
    template   TEXT NOT NULL,
    config     TEXT NOT NULL,
    version    BIGINT NOT NULL, -- how many events it is made of
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX read_projects_user ON projects (user_id, id);

CREATE TABLE deployments (
    project_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    status     TEXT NOT NULL,
    url        TEXT NOT NULL,
    error      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE TABLE graphs (
    project_id TEXT NOT NULL,
    version    BIGINT NOT NULL,
    content    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, version)
);

-- Every event, those of deleted projects too. seq counts a project's from 1.
CREATE TABLE events (
    project_id TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    id         TEXT NOT NULL,
    type       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    time       TEXT NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (project_id, seq),
    UNIQUE (project_id, id)
);
