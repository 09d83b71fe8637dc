package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// pragmas: WAL lets readers go on beside the one writer; NORMAL survives a
// killed process, since a commit is with the system before it is acknowledged, and
// loses at most the last commits when the machine loses power; the cache is small, as a
// service's data is, and there are six.
const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
	"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=cache_size(-1000)"

// maxReaders are the connections that read beside the one that writes.
const maxReaders = 3

// acquireWriter waits for the handle's turn to write, which the caller ends by done.
func (f *file) acquireWriter(ctx context.Context) (done func(), err error) {
	began := time.Now()
	defer func() { f.waited.Add(int64(time.Since(began))) }()
	return f.queue.acquire(ctx)
}

// Stats are the statistics of a handle's connections, those to which only this package
// has access too. WaitDuration has the waits for a turn to write in it.
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

// Open opens the SQLite file at path, creating it (mode 0600) and its
// directory (0700) where missing, and applies the migrations that it lacks, in
// the order of sets. A transaction takes the write lock when it begins, so it
// waits at its start and never fails half-way with "database is locked".
// The handle is safe for concurrent use; the caller closes it.
//
// A file that a newer program has migrated is a [*NewerSchemaError], one that has a
// version from before the first of a set an [*OlderSchemaError], one that is damaged a
// [*DamagedError]; none is changed. After a stop that was not clean all pages are
// checked, for [checkTimeout] before Open returns and behind it from then on: see
// [Damage].
func Open(ctx context.Context, path string, sets ...Migrations) (*sql.DB, error) {
	db, err := open(ctx, path, sets)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

func open(ctx context.Context, path string, sets []Migrations) (*sql.DB, error) {
	use := fileUseOf(path)
	use.mu.Lock()
	defer use.mu.Unlock()
	f := &file{path: path, use: use, checkTimeout: checkTimeout}
	f.table = probeTable(sets)
	if use.refs.Load() == 0 { // else it is whole, and reading its file would release its locks
		if err := f.inspect(ctx, sets); err != nil {
			return nil, err
		}
	}
	db, err := f.connect()
	if err != nil {
		f.cancelCheck()
		return nil, err
	}
	if err := migrate(ctx, db, goose.DialectSQLite3, path, sets); err != nil {
		return nil, errors.Join(damagedBy(path, err), db.Close())
	}
	return db, nil
}

// connect opens a handle of the file.
func (f *file) connect() (*sql.DB, error) {
	if err := create(f.path); err != nil {
		return nil, err
	}
	plain, err := sqlite.NewConnector(fileURL(f.path) + "?" + pragmas)
	if err != nil {
		return nil, err
	}
	f.Driver, f.queue, f.spans = plain.Driver(), writerQueueOf(f.path), newSpans("sqlite", filepath.Base(f.path))
	f.writer = sql.OpenDB(fileConnector{plain, f, true})
	f.writer.SetMaxOpenConns(1)
	f.use.refs.Add(1)
	db := sql.OpenDB(fileConnector{plain, f, false})
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders) // each has its statements, and the schema, read
	return db, nil
}

// create makes the file before SQLite does, since SQLite would give it the
// umask's mode. One that is there is not opened: to close it again would release
// SQLite's locks on it in this process.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
