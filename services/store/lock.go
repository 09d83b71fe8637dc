package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockRetryInterval is how often a lock file that another process holds is tried.
	lockRetryInterval = 5 * time.Millisecond
	// migrationsLock is the lock of those who migrate a database.
	migrationsLock = "migrations"
	// unlockTimeout bounds the release of a lock, which ctx does not.
	unlockTimeout = 2 * time.Second
)

// Lock waits until the lock of that name on the database is free, in this process and
// others, and acquires it. It is released when its holder ends: with its connection to
// PostgreSQL, or its open file beside an SQLite database.
// The caller calls unlock, once. It fails when ctx ends first.
func Lock(ctx context.Context, db *sql.DB, name string) (unlock func(), err error) {
	if p, ok := db.Driver().(*postgres); ok {
		unlock, err = lockSession(ctx, db, p.key(name))
	} else {
		unlock, err = lockFile(ctx, db, name)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return unlock, nil
}

// Hold is a lock that [TryLock] has acquired. Its methods are for one goroutine at a time.
type Hold struct {
	conn *sql.Conn // the session that holds the lock; nil: a file does
	free func()
}

// Unlock releases the lock. Call it once.
func (h *Hold) Unlock() { h.free() }

// Check fails where the lock is lost, since its connection to PostgreSQL is. It sends
// one query.
func (h *Hold) Check(ctx context.Context) error {
	if h.conn == nil {
		return nil
	}
	var one int
	return h.conn.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
}

// TryLock is [Lock] without waiting: it returns nil where the lock is held.
func TryLock(ctx context.Context, db *sql.DB, name string) (*Hold, error) {
	p, ok := db.Driver().(*postgres)
	if !ok {
		lock, err := fileLock(ctx, db, name)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if taken, err := lock.TryLock(); err != nil || !taken {
			return nil, err
		}
		return &Hold{free: func() { _ = lock.Unlock() }}, nil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	var taken bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, p.key(name)).Scan(&taken); err != nil {
		closeBroken(conn)
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if !taken {
		return nil, conn.Close()
	}
	return &Hold{conn: conn, free: unlockSession(ctx, conn, p.key(name))}, nil
}

func lockSession(ctx context.Context, db *sql.DB, key int64) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
		closeBroken(conn)
		return nil, err
	}
	return unlockSession(ctx, conn, key), nil
}

// unlockSession returns what releases a connection's lock, and the connection.
func unlockSession(ctx context.Context, conn *sql.Conn, key int64) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			closeBroken(conn) // the lock ends with it
			return
		}
		_ = conn.Close()
	}
}

// closeBroken closes a connection that must not be used again.
func closeBroken(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// lockPath is the file of a lock on an SQLite database.
func lockPath(database, name string) string { return database + "-" + name + ".lock" }

func lockFile(ctx context.Context, db *sql.DB, name string) (unlock func(), err error) {
	lock, err := fileLock(ctx, db, name)
	if err != nil {
		return nil, err
	}
	if _, err := lock.TryLockContext(ctx, lockRetryInterval); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

// fileLock is the file beside the database that stands for a lock.
func fileLock(ctx context.Context, db *sql.DB, name string) (*flock.Flock, error) {
	var path string
	if err := db.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		return nil, err
	}
	return flock.New(path+"-"+name+".lock", flock.SetPermissions(0o600)), nil
}
