// Package store opens a service's own database and brings its schema up to
// date. Each service has one; no service reads another's.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Migrations is a named set of SQL files (goose's format, "00001_name.sql" at
// the root of FS). Each set counts its versions apart, so that a shared set
// and a service's own never collide.
type Migrations struct {
	Name string
	FS   fs.FS
}

// pragmas: WAL lets readers go on beside the one writer; NORMAL survives a
// killed process, and loses at most the last commits when the machine loses
// power; a small cache, since a service's data is small and there are six.
const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
	"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=cache_size(-1000)" +
	"&_txlock=immediate"

// Open opens the SQLite file at path, creating it (mode 0600) and its
// directory (0700) where missing, and applies the migrations that it lacks, in
// the order of sets. A transaction takes the write lock when it begins, so it
// waits at its start and never fails half-way with "database is locked".
// The handle is safe for concurrent use; the caller closes it.
func Open(ctx context.Context, path string, sets ...Migrations) (*sql.DB, error) {
	if err := create(path); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	for _, set := range sets {
		if err := migrate(ctx, db, set); err != nil {
			return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
		}
	}
	return db, nil
}

// create makes the file before SQLite does, since SQLite would give it the
// umask's mode.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func migrate(ctx context.Context, db *sql.DB, set Migrations) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, set.FS,
		goose.WithTableName("migrations_"+set.Name), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations %s: %w", set.Name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations %s: %w", set.Name, err)
	}
	return nil
}

// Tx runs fn in a transaction: committed when fn returns nil, rolled back
// otherwise, and when fn panics.
func Tx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // a no-op after Commit
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// IsDuplicate reports whether err is a violation of a unique or primary key.
func IsDuplicate(err error) bool {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return false
	}
	return se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
