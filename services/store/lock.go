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
	// lockPace is how often a lock file that another process holds is tried.
	lockPace = 5 * time.Millisecond
	// unlockTime bounds the giving back of a lock that ctx no longer does.
	unlockTime = 2 * time.Second
)

// Lock waits until nobody else holds the lock of that name on the database, in
// this process or another, and takes it. A holder that dies gives it up: by the end
// of its connection to PostgreSQL, or of its open file beside an SQLite database.
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

func lockSession(ctx context.Context, db *sql.DB, key int64) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
		discard(conn)
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTime)
		defer cancel()
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			discard(conn) // the lock ends with it
			return
		}
		_ = conn.Close()
	}, nil
}

// discard closes a connection that must not be used again.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

func lockFile(ctx context.Context, db *sql.DB, name string) (unlock func(), err error) {
	var path string
	if err := db.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		return nil, err
	}
	lock := flock.New(path+"-"+name+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPace); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}
