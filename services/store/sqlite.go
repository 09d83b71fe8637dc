package store

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// pragmas: WAL lets readers go on beside the one writer; NORMAL survives a
// killed process, since a commit is with the system before it is acknowledged, and
// loses at most the last commits when the machine loses power; a small cache, since a service's data is small and there are six.
const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
	"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=cache_size(-1000)"

// maxReaders are the connections that read beside the one that writes.
const maxReaders = 3

// file is what the connections of a handle have in common, and marks the handles of
// SQLite databases.
type file struct {
	driver.Driver
	turn  *turn
	spans *spans
	// writer has one connection, for transactions and for whatever else writes. SQLite
	// drops what a connection has cached of a file when another one has written to it.
	writer *sql.DB
	waited atomic.Int64 // nanoseconds, for turns
}

func newFile(made driver.Connector, path string) *file {
	f := &file{Driver: made.Driver(), turn: turnOf(path), spans: newSpans("sqlite", filepath.Base(path))}
	f.writer = sql.OpenDB(fileConnector{made, f, true})
	f.writer.SetMaxOpenConns(1)
	return f
}

// take waits for the handle's turn to write, which the caller ends by done.
func (f *file) take(ctx context.Context) (done func(), err error) {
	began := time.Now()
	defer func() { f.waited.Add(int64(time.Since(began))) }()
	return f.turn.take(ctx)
}

// Stats are the statistics of a handle's connections, those that only this package knows
// of too. WaitDuration has the waits for a turn to write in it.
func Stats(db *sql.DB) sql.DBStats {
	stats := db.Stats()
	if f, ok := db.Driver().(*file); ok {
		writer := f.writer.Stats()
		stats.MaxOpenConnections += writer.MaxOpenConnections
		stats.OpenConnections += writer.OpenConnections
		stats.InUse += writer.InUse
		stats.Idle += writer.Idle
		stats.WaitCount += writer.WaitCount
		stats.WaitDuration += writer.WaitDuration + time.Duration(f.waited.Load())
	}
	return stats
}

// fileConnector makes the connections of a handle.
type fileConnector struct {
	driver.Connector
	file   *file
	writes bool // it is the writer's
}

// Driver implements [driver.Connector].
func (c fileConnector) Driver() driver.Driver { return c.file }

// Connect implements [driver.Connector].
func (c fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &fileConn{Conn: made, file: c.file, writes: c.writes, kept: map[string]*list.Element{}, order: list.New()}, nil
}

// Close closes the writer with the handle, as [sql.DB.Close] promises to.
func (c fileConnector) Close() error {
	if c.writes {
		return nil
	}
	return c.file.writer.Close()
}

// Open opens the SQLite file at path, creating it (mode 0600) and its
// directory (0700) where missing, and applies the migrations that it lacks, in
// the order of sets. A transaction takes the write lock when it begins, so it
// waits at its start and never fails half-way with "database is locked".
// The handle is safe for concurrent use; the caller closes it.
func Open(ctx context.Context, path string, sets ...Migrations) (*sql.DB, error) {
	if err := create(path); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	made, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := sql.OpenDB(fileConnector{made, newFile(made, path), false})
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders) // each has its statements, and the schema, read
	if err := migrate(ctx, db, goose.DialectSQLite3, sets); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
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
