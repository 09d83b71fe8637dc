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

// known is the highest version of a set.
func (m Migrations) known() (version int64, err error) {
	names, err := fs.Glob(m.FS, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("migrations %s: %w", m.Name, err)
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migrations %s: %w", m.Name, err)
		}
		version = max(version, n)
	}
	return version, nil
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
	goose.DialectSQLite3:  `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)`,
	goose.DialectPostgres: `SELECT to_regclass(?) IS NOT NULL`,
}

// refuseNewer fails with a [*NewerSchemaError] where one of the sets has versions in
// the database that this program does not know. It only reads.
func refuseNewer(ctx context.Context, db *sql.DB, dialect goose.Dialect, name string, sets []Migrations) error {
	for _, set := range sets {
		known, err := set.known()
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
		newest := `SELECT coalesce(max(version_id), 0) FROM ` + set.table() + ` WHERE is_applied`
		if err := db.QueryRowContext(ctx, newest).Scan(&version); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if version > known {
			return &NewerSchemaError{Database: name, Set: set.Name, Version: version, Known: known}
		}
	}
	return nil
}
