package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// NewerSchemaError says that a newer program has migrated a database, which holds
// what this one would not know of. Nothing was changed.
type NewerSchemaError struct {
	// Database is the SQLite file, or the schema in PostgreSQL.
	Database string
	// Set is whose tables they are; see [Migrations].
	Set string
	// Version is the database's, and Known the last one that this program knows.
	Version, Known int64
}

// Error names the database and both versions.
func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("database %s was written by a newer axion: its schema %q has version %d, and this axion knows %d",
		e.Database, e.Set, e.Version, e.Known)
}

// Hint is the hint shown with the error.
func (e *NewerSchemaError) Hint() string {
	return "nothing was changed: start the axion that wrote it, or a newer one; " +
		"or use another directory by --data DIR, or another database by --database URL"
}

// OlderSchemaError says that a database has not been opened since versions that this
// program no longer migrates from. Nothing was changed.
type OlderSchemaError struct {
	// Database is the SQLite file, or the schema in PostgreSQL.
	Database string
	// Set is whose tables they are; see [Migrations].
	Set string
	// Version is the database's, and Oldest the first that this program migrates from.
	Version, Oldest int64
}

// Error names the database and both versions.
func (e *OlderSchemaError) Error() string {
	return fmt.Sprintf("database %s was written by an older axion: its schema %q has version %d, and this axion migrates from %d on",
		e.Database, e.Set, e.Version, e.Oldest)
}

// Hint is the hint shown with the error.
func (e *OlderSchemaError) Hint() string {
	return "nothing was changed: start axion 0.1.0 on it once, which brings it up to that version; " +
		"or use another directory by --data DIR, or another database by --database URL"
}

// versions are the lowest of a set, at which all its tables are made at once, and the
// highest.
func (m Migrations) versions() (oldest, newest int64, err error) {
	names, err := fs.Glob(m.FS, "*.sql")
	if err != nil {
		return 0, 0, fmt.Errorf("migrations %s: %w", m.Name, err)
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, fmt.Errorf("migrations %s: %w", m.Name, err)
		}
		if oldest == 0 || n < oldest {
			oldest = n
		}
		newest = max(newest, n)
	}
	return oldest, newest, nil
}

// table is where goose counts the versions of a set.
func (m Migrations) table() string { return "migrations_" + m.Name }

// probeTable is one that each database of these sets has, and of whose rows one is
// always there; empty where there are no sets.
func probeTable(sets []Migrations) string {
	if len(sets) == 0 {
		return ""
	}
	return sets[0].table()
}

// tableExists asks each kind of database for a table.
var tableExists = map[goose.Dialect]string{
	goose.DialectSQLite3:  `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)`,
	goose.DialectPostgres: `SELECT to_regclass($1) IS NOT NULL`,
}

// checkVersions fails with a [*NewerSchemaError] or an [*OlderSchemaError] where one of
// the sets has a version in the database that this program does not know, or does not
// migrate from. It only reads.
func checkVersions(ctx context.Context, db *sql.DB, dialect goose.Dialect, name string, sets []Migrations) error {
	for _, set := range sets {
		oldest, newest, err := set.versions()
		if err != nil {
			return err
		}
		var exists bool
		if err := db.QueryRowContext(ctx, tableExists[dialect], set.table()).Scan(&exists); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if !exists {
			continue
		}
		var version int64
		query := `SELECT coalesce(max(version_id), 0) FROM ` + set.table() + ` WHERE is_applied`
		if err := db.QueryRowContext(ctx, query).Scan(&version); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if version > newest {
			return &NewerSchemaError{Database: name, Set: set.Name, Version: version, Known: newest}
		}
		if version > 0 && version < oldest { // 0: nothing was migrated yet
			return &OlderSchemaError{Database: name, Set: set.Name, Version: version, Oldest: oldest}
		}
	}
	return nil
}
