-- +goose Up
CREATE TABLE outbox (
	seq         INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT NOT NULL,
	type        TEXT NOT NULL,
	topic       TEXT NOT NULL,
	key         TEXT NOT NULL,
	time        TEXT NOT NULL,
	data        BLOB,
	traceparent TEXT NOT NULL,
	tracestate  TEXT NOT NULL
);
CREATE TABLE inbox (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT NOT NULL UNIQUE,
	handled_at TEXT NOT NULL
);
