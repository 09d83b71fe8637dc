package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"
)

// maxConns of one service's process: six of them leave room below
// PostgreSQL's default of 100 for a second set.
const maxConns = 8

// session bounds how long a process that is stopped, or whose machine is gone, holds
// its transaction and its locks.
var session = map[string]string{
	"idle_in_transaction_session_timeout": "60s",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
	"application_name":                    "axion",
}

// URLError says that a database cannot be used as its URL says. Its text never
// holds the URL's password.
type URLError struct {
	Err  error
	hint string
}

// Error names the flag.
func (e *URLError) Error() string { return "--database: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *URLError) Unwrap() error { return e.Err }

// Hint is the hint shown with the error.
func (e *URLError) Hint() string { return e.hint }

const urlForm = "give it as postgres://USER:PASSWORD@HOST:5432/DATABASE, with reserved characters in the password " +
	"percent-encoded; or leave the password out, and set PGPASSWORD"

// CheckURL reports what is wrong with the URL of a PostgreSQL database, as a
// [*URLError]. It does not connect.
func CheckURL(text string) error {
	_, err := parseURL(text)
	return err
}

// parseURL returns no parser's error: they quote what they could not read, and that may
// be the password.
func parseURL(text string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, &URLError{errors.New("not a URL"), urlForm}
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return nil, &URLError{errors.New("only PostgreSQL is possible, by a URL that begins with postgres://"), urlForm}
	case strings.Trim(u.Path, "/") == "":
		return nil, &URLError{errors.New("the URL names no database"), urlForm}
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, &URLError{errors.New("the URL's settings cannot be read"), urlForm}
	}
	return config, nil
}

// Connect opens the schema of a service in the PostgreSQL database at a URL, as
// [Open] opens a file: made where it is missing, and migrated. The service's name
// is the schema's, with _ for -. Any number of processes may have it open. A URL
// that cannot be used is a [*URLError]. The caller closes the handle.
func Connect(ctx context.Context, databaseURL, service string, sets ...Migrations) (*sql.DB, error) {
	config, err := parseURL(databaseURL)
	if err != nil {
		return nil, err
	}
	p := &postgres{Driver: stdlib.GetDefaultDriver(), schema: strings.ReplaceAll(service, "-", "_")}
	p.table = probeTable(sets)
	for name, value := range session {
		config.RuntimeParams[name] = value
	}
	config.RuntimeParams["search_path"] = p.schema
	p.spans = newSpans("postgresql", p.schema)
	db := sql.OpenDB(connector{stdlib.GetConnector(*config), p})
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns / 2)
	if err := db.PingContext(ctx); err != nil {
		fix := "is PostgreSQL running there, and may this user use it?"
		return nil, errors.Join(&URLError{fmt.Errorf("connect: %w", err), fix}, db.Close())
	}
	err = p.createSchema(ctx, db)
	if err == nil {
		err = migrate(ctx, db, goose.DialectPostgres, "schema "+p.schema, sets)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database schema %s: %w", p.schema, err), db.Close())
	}
	return db, nil
}

// createSchema makes the schema where it is missing: to try where it is not
// would need the right to.
func (p *postgres) createSchema(ctx context.Context, db *sql.DB) error {
	unlock, err := Lock(ctx, db, "schema")
	if err != nil {
		return err
	}
	defer unlock()
	var exists bool
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, p.schema).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE SCHEMA `+pgx.Identifier{p.schema}.Sanitize())
	return err
}

// postgres marks the handles of PostgreSQL databases.
type postgres struct {
	driver.Driver
	schema string
	spans  *spans
	diskFailures
}

// key is the number of an advisory lock, of which a database has one space.
func (p *postgres) key(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("axion/" + p.schema + "/" + name)) // never fails
	return int64(h.Sum64())
}

type connector struct {
	driver.Connector
	driver *postgres
}

func (c connector) Driver() driver.Driver { return c.driver }

// Connect has the statements of the connection traced, and its end noticed.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pg, ok := made.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("unexpected connection %T", made)
	}
	return conn{pg, c.driver.spans}, nil
}

type conn struct {
	*stdlib.Conn
	spans *spans
}

func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.Conn.PrepareContext(ctx, query)
	return s, c.interrupted(err)
}

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	span := c.start(ctx, query)
	result, err := c.Conn.ExecContext(ctx, query, args)
	endSpan(span, err)
	return result, c.interrupted(err)
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	span := c.start(ctx, query)
	found, err := c.Conn.QueryContext(ctx, query, args)
	endSpan(span, err)
	if err != nil {
		return nil, c.interrupted(err)
	}
	return rows{found.(*stdlib.Rows), c}, nil
}

// rows are those of one query.
type rows struct {
	*stdlib.Rows
	conn conn
}

// Next implements [driver.Rows].
func (r rows) Next(to []driver.Value) error { return r.conn.interrupted(r.Rows.Next(to)) }

// interrupted marks err as a [*interruptedError] where the connection is gone, and not since the
// context of who asks has ended.
func (c conn) interrupted(err error) error {
	if err == nil || !c.Conn.Conn().IsClosed() || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &interruptedError{err}
}

// start begins a statement's span, nil outside of a recorded trace.
func (c conn) start(ctx context.Context, query string) trace.Span {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return nil
	}
	return c.spans.describe(query).start(ctx)
}

// BeginTx has the commit traced.
func (c conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, options)
	if err != nil {
		return nil, c.interrupted(err)
	}
	return connTx{tracedTx{tx, ctx, c.spans}, c}, nil
}

// connTx is a transaction of a connection's.
type connTx struct {
	tracedTx
	conn conn
}

// Commit implements [driver.Tx].
func (t connTx) Commit() error { return t.conn.interrupted(t.tracedTx.Commit()) }
