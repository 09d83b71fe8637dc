package store

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// maxKept is how many statements a connection keeps prepared: more than a service has.
const maxKept = 64

// fileConn is a connection to an SQLite file that keeps its statements prepared, those
// used last of them. Connections are used by one goroutine at a time, as database/sql
// promises.
type fileConn struct {
	driver.Conn
	turn  *turn
	spans *spans
	kept  map[string]*list.Element // of *statement
	order *list.List               // by use, the latest first
	inTx  bool
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

// take gives a prepared statement, which the caller gives back.
func (c *fileConn) take(ctx context.Context, query string) (*statement, error) {
	if e := c.kept[query]; e != nil {
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
	s := &statement{Stmt: made, query: query, about: c.spans.describe(query), busy: true}
	if c.kept[query] == nil {
		c.kept[query] = c.order.PushFront(s)
	}
	return s, nil
}

// giveBack ends the use of a statement, and forgets the one that was used least lately
// where there are too many.
func (c *fileConn) giveBack(s *statement) error {
	s.busy = false
	if e := c.kept[s.query]; e == nil || e.Value.(*statement) != s {
		return s.Close() // a second one of a text whose first was in use
	}
	if c.order.Len() <= maxKept {
		return nil
	}
	oldest := c.order.Back()
	old := oldest.Value.(*statement)
	if old.busy {
		return nil
	}
	c.order.Remove(oldest)
	delete(c.kept, old.query)
	return old.Close()
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *fileConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

// ExecContext implements [driver.ExecerContext]. Outside of a transaction, what writes
// waits for its turn.
func (c *fileConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	until, done, err := c.enter(ctx, query)
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := c.take(until, query)
	if err != nil {
		return nil, err
	}
	span := s.about.start(ctx)
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(until, args)
	endSpan(span, err)
	return result, errors.Join(err, c.giveBack(s))
}

// QueryContext implements [driver.QueryerContext]. Outside of a transaction, what writes
// waits for its turn.
func (c *fileConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	until, done, err := c.enter(ctx, query)
	if err != nil {
		return nil, err
	}
	s, err := c.take(until, query)
	if err != nil {
		done()
		return nil, err
	}
	span := s.about.start(ctx)
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(until, args)
	endSpan(span, err)
	if err != nil {
		done()
		return nil, errors.Join(err, c.giveBack(s))
	}
	return &keptRows{rows, c, s, done}, nil
}

// enter begins a statement. In a transaction it has a context that does not end: it
// waits for nobody, and the driver would have a goroutine watch over each.
func (c *fileConn) enter(ctx context.Context, query string) (context.Context, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if c.inTx {
		return context.Background(), func() {}, nil
	}
	if reads(query) {
		return ctx, func() {}, nil
	}
	done, err := c.turn.take(ctx)
	return ctx, done, err
}

// reads reports whether a statement surely changes nothing.
func reads(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return strings.EqualFold(verb, "SELECT") || strings.EqualFold(verb, "PRAGMA")
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
// and waits for other processes that have it until ctx ends, or as long as busyTime.
func (c *fileConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN IMMEDIATE"
	if options.ReadOnly {
		begin = "BEGIN"
	}
	if err := c.run(ctx, begin); err != nil {
		_ = c.run(context.Background(), "ROLLBACK") // it may have begun before ctx ended
		return nil, err
	}
	c.inTx = true
	return tracedTx{fileTx{c}, ctx, c.spans}, nil
}

// run carries out a statement without arguments, whosever turn it is.
func (c *fileConn) run(ctx context.Context, query string) error {
	s, err := c.take(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
	return errors.Join(err, c.giveBack(s))
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

// keptRows gives its statement back when it is closed.
type keptRows struct {
	driver.Rows
	c    *fileConn
	s    *statement
	done func()
}

// Close implements [driver.Rows].
func (r *keptRows) Close() error {
	defer r.done()
	return errors.Join(r.Rows.Close(), r.c.giveBack(r.s))
}
