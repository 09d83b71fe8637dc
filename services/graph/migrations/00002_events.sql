-- +goose Up

-- The write side: which slugs are taken. stem is a slug without its number.
CREATE TABLE slugs (
    slug       TEXT PRIMARY KEY,
    stem       TEXT NOT NULL,
    project_id TEXT NOT NULL
);
CREATE INDEX slugs_stem ON slugs (stem);
CREATE INDEX slugs_project ON slugs (project_id);

-- The read side: all below is made of events alone.
CREATE TABLE read_projects (
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
CREATE INDEX read_projects_user ON read_projects (user_id, id);
INSERT INTO read_projects SELECT id, user_id, name, slug, template, config, 0, created_at, updated_at FROM projects;

CREATE TABLE read_deployments (
    project_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    status     TEXT NOT NULL,
    url        TEXT NOT NULL,
    error      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (project_id, id)
);
INSERT INTO read_deployments
SELECT d.project_id, d.id, d.status, d.url, d.error, coalesce(r.created_at, d.created_at), d.updated_at
FROM deployments d LEFT JOIN requests r ON r.deployment_id = d.id;
INSERT INTO read_deployments
SELECT project_id, deployment_id, 'PENDING', '', '', created_at, created_at FROM requests
WHERE deployment_id NOT IN (SELECT id FROM deployments);

DROP TABLE requests;
DROP TABLE deployments;
DROP TABLE projects;
ALTER TABLE read_projects RENAME TO projects;
ALTER TABLE read_deployments RENAME TO deployments;

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
