package store

import (
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// primary is the part of SQLite's result codes that is the kind of an error
// (https://sqlite.org/rescode.html).
const primary = 0xff

// sqliteCode is the kind of an error of SQLite's, 0 for others.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & primary
	}
	return 0
}

// isDamage reports whether SQLite has found a database that is none, or not whole.
func isDamage(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// outages are PostgreSQL's classes of what is not the statement's fault: connection
// exceptions, insufficient resources, operator intervention, system errors; and its
// state read_only_sql_transaction
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var outages = []string{"08", "53", "57", "58"}

// interruptedError is the error of a statement during which the connection to PostgreSQL
// was lost. pgx has no type of its own for it.
type interruptedError struct{ err error }

func (e *interruptedError) Error() string {
	return "connection to the database was lost: " + e.err.Error()
}

func (e *interruptedError) Unwrap() error { return e.err }

const (
	readOnlyTransaction = "25006"
	queryCanceled       = "57014" // a context has ended
)

// IsOutage reports whether err says that a database cannot be used at present, by any
// statement: its disk is full, may not be written to or fails, its file is
// damaged, or its server is away. The same statement may succeed later.
func IsOutage(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return true
	}
	var refused *pgconn.ConnectError
	var cut *interruptedError
	if isDamage(err) || errors.Is(err, driver.ErrBadConn) || errors.As(err, &refused) || errors.As(err, &cut) {
		return true
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code == queryCanceled {
		return false
	}
	return pe.Code == readOnlyTransaction || slices.Contains(outages, pe.Code[:min(2, len(pe.Code))])
}
