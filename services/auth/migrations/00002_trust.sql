-- +goose Up
-- signed_digest is the hex SHA-256 of the token's signed form, for those who know no
-- more than that of it; empty for sessions from before.
ALTER TABLE sessions ADD COLUMN signed_digest TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_signed ON sessions (signed_digest);

-- The development user has a password of this database's own, and no hash.
UPDATE users SET password = '' WHERE email = 'dev@axion.localhost';
