package store

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
)

// maxCachedStatements is how many statements a connection keeps prepared: more than a service has.
const maxCachedStatements = 64

// fileConn is a connection to an SQLite file that keeps its statements prepared, those
// used last of them. Connections are used by one goroutine at a time, as database/sql
// promises.
type fileConn struct {
	driver.Conn
	file   *file
	writes bool                     // it is the one that writes
	cached map[string]*list.Element // of *statement
	order  *list.List               // by use, the latest first
	inTx   bool
}

var (
	_ driver.ConnBeginTx        = (*fileConn)(nil)
	_ driver.ConnPrepareContext = (*fileConn)(nil)
	_ driver.ExecerContext      = (*fileConn)(nil)
	_ driver.QueryerContext     = (*fileConn)(nil)
	_ driver.Pinger             = (*fileConn)(nil)
	_ driver.SessionResetter    = (*fileConn)(nil)
	_ driver.Validator          = (*fileConn)(nil)
)

// statement is a prepared one.
type statement struct {
	driver.Stmt
	query string
	about *description
	busy  bool // its rows are being read
}

// acquireStatement returns a prepared statement, which the caller releases.
func (c *fileConn) acquireStatement(ctx context.Context, query string) (*statement, error) {
	if e := c.cached[query]; e != nil {
		if s := e.Value.(*statement); !s.busy {
			c.order.MoveToFront(e)
			s.busy = true
			return s, nil
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: made, query: query, about: c.file.spans.describe(query), busy: true}
	if c.cached[query] == nil {
		c.cached[query] = c.order.PushFront(s)
	}
	return s, nil
}

// releaseStatement ends the use of a statement, and closes the one that was used least lately
// where there are too many.
func (c *fileConn) releaseStatement(s *statement) error {
	s.busy = false
	if e := c.cached[s.query]; e == nil || e.Value.(*statement) != s {
		return s.Close() // a second one of a text whose first was in use
	}
	if c.order.Len() <= maxCachedStatements {
		return nil
	}
	oldest := c.order.Back()
	old := oldest.Value.(*statement)
	if old.busy {
		return nil
	}
	c.order.Remove(oldest)
	delete(c.cached, old.query)
	return old.Close()
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *fileConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

// ExecContext implements [driver.ExecerContext]. Outside of a transaction, the writer executes
// what writes, when it is its turn.
func (c *fileConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.inTx && !c.writes && writes(query) {
		return c.file.exec(ctx, query, args)
	}
	until, err := c.withTimeout(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.acquireStatement(until, query)
	if err != nil {
		return nil, err
	}
	span := s.about.start(ctx)
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(until, args)
	endSpan(span, err)
	return result, errors.Join(err, c.releaseStatement(s))
}

// QueryContext implements [driver.QueryerContext].
func (c *fileConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	until, err := c.withTimeout(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.acquireStatement(until, query)
	if err != nil {
		return nil, err
	}
	span := s.about.start(ctx)
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(until, args)
	endSpan(span, err)
	if err != nil {
		return nil, errors.Join(err, c.releaseStatement(s))
	}
	return &cachedRows{rows, c, s}, nil
}

// withTimeout is the context of a statement of ctx's. In a transaction it does not end: the
// statement waits for nobody, and the driver would have a goroutine watch over each.
func (c *fileConn) withTimeout(ctx context.Context) (context.Context, error) {
	if c.inTx && ctx.Err() == nil {
		return context.Background(), nil
	}
	return ctx, ctx.Err()
}

// writes reports whether a statement changes rows.
func writes(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return slices.ContainsFunc([]string{"INSERT", "UPDATE", "DELETE", "REPLACE"}, func(w string) bool { return strings.EqualFold(w, verb) })
}

// exec has the writer execute a statement.
func (f *file) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	done, err := f.acquireWriter(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	return f.writer.ExecContext(ctx, query, values...)
}

// Ping implements [driver.Pinger].
func (c *fileConn) Ping(ctx context.Context) error { return c.Conn.(driver.Pinger).Ping(ctx) }

// ResetSession implements [driver.SessionResetter].
func (c *fileConn) ResetSession(ctx context.Context) error {
	return c.Conn.(driver.SessionResetter).ResetSession(ctx)
}

// IsValid implements [driver.Validator].
func (c *fileConn) IsValid() bool { return c.Conn.(driver.Validator).IsValid() }

// Close implements [driver.Conn].
func (c *fileConn) Close() error {
	var errs []error
	for e := c.order.Front(); e != nil; e = e.Next() {
		errs = append(errs, e.Value.(*statement).Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// BeginTx implements [driver.ConnBeginTx]. The transaction takes the write lock at once,
// and waits for other processes that have it until ctx ends, or as long as busyTimeout.
func (c *fileConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN IMMEDIATE"
	if options.ReadOnly {
		begin = "BEGIN"
	}
	if err := c.run(ctx, begin); err != nil {
		_ = c.run(context.WithoutCancel(ctx), "ROLLBACK") // it may have begun before ctx ended
		return nil, err
	}
	c.inTx = true
	return tracedTx{fileTx{c}, ctx, c.file.spans}, nil
}

// run executes a statement without arguments, without waiting for the writer.
func (c *fileConn) run(ctx context.Context, query string) error {
	s, err := c.acquireStatement(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
	return errors.Join(err, c.releaseStatement(s))
}

// fileTx is the transaction of a connection.
type fileTx struct{ c *fileConn }

// Commit implements [driver.Tx]. One that fails is rolled back: the connection is free.
func (t fileTx) Commit() error {
	t.c.inTx = false
	err := t.c.run(context.Background(), "COMMIT")
	if err != nil {
		_ = t.c.run(context.Background(), "ROLLBACK") // an error where SQLite has done so
	}
	return err
}

// Rollback implements [driver.Tx].
func (t fileTx) Rollback() error {
	t.c.inTx = false
	return t.c.run(context.Background(), "ROLLBACK")
}

// cachedRows releases its statement when it is closed.
type cachedRows struct {
	driver.Rows
	c *fileConn
	s *statement
}

// Close implements [driver.Rows].
func (r *cachedRows) Close() error {
	return errors.Join(r.Rows.Close(), r.c.releaseStatement(r.s))
}
