// Package store opens a service's own database and brings its schema up to
// date: an SQLite file, or a schema of its own in a PostgreSQL database that
// several processes share. Each service has one; no service reads another's.
//
// SQL is written once, for both: parameters are $1, $2 and so on, and migrations use
// the types TEXT, INTEGER, BIGINT, BOOLEAN and BLOB.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Migrations is a named set of SQL files (goose's format, "00001_name.sql" at
// the root of FS). Each set counts its versions apart, so that a shared set and
// a service's own never collide. The first file makes all tables that there were
// at its version: the numbers before it are those of earlier programs.
type Migrations struct {
	Name string
	FS   fs.FS
}

// migrate applies what is missing of sets to the database of that name, while no
// other process does.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, name string, sets []Migrations) error {
	unlock, err := Lock(ctx, db, migrationsLock)
	if err != nil {
		return err
	}
	defer unlock()
	if err := checkVersions(ctx, db, dialect, name, sets); err != nil {
		return err
	}
	for _, set := range sets {
		files := set.FS
		if dialect == goose.DialectPostgres {
			files = postgresFiles{set.FS}
		}
		provider, err := goose.NewProvider(dialect, db, files,
			goose.WithTableName(set.table()), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return fmt.Errorf("migrations %s: %w", set.Name, err)
		}
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("migrations %s: %w", set.Name, err)
		}
	}
	return nil
}

// Tx runs fn in a transaction: committed when fn returns nil, rolled back
// otherwise, and when fn panics. A service's transactions run one after the
// other, over all its processes: what fn has read of others stays true until the
// commit, and rows are numbered in the order in which they become visible.
func Tx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) (err error) {
	defer func() { RecordFailure(db, err) }()
	if f, ok := db.Driver().(*file); ok {
		done, err := f.acquireWriter(ctx)
		if err != nil {
			return fmt.Errorf("begin transaction: %w", err)
		}
		defer done()
		db = f.writer
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // a no-op after Commit
	if p, ok := db.Driver().(*postgres); ok {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, p.key("transaction")); err != nil {
			return fmt.Errorf("begin transaction: %w", err)
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// uniqueViolation is PostgreSQL's SQLSTATE.
const uniqueViolation = "23505"

// IsDuplicate reports whether err is a violation of a unique or primary key.
func IsDuplicate(err error) bool {
	var se *sqlite.Error
	if errors.As(err, &se) {
		return se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == uniqueViolation
}
