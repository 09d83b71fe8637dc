package store

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// fileUses are how often this process has each database open, by its absolute path.
var fileUses sync.Map // *use

// fileUse is that of one file. mu is held while it is opened.
type fileUse struct {
	mu   sync.Mutex
	refs atomic.Int32
}

func fileUseOf(path string) *fileUse {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	u, _ := fileUses.LoadOrStore(path, &fileUse{})
	return u.(*fileUse)
}

// file is the driver of one handle of an SQLite database: what its connections have in
// common, and what is known of its file. It is safe for concurrent use.
type file struct {
	driver.Driver
	path  string
	use   *fileUse
	queue *writerQueue
	spans *spans
	// writer has one connection, for transactions and for whatever else writes. SQLite
	// drops what a connection has cached of a file when another one has written to it.
	writer *sql.DB
	waited atomic.Int64 // nanoseconds, for turns
	diskFailures

	checkTimeout time.Duration      // how long the opening waits for the check
	cancel       context.CancelFunc // of the check; nil where there was none
	checked      chan struct{}      // closed at its end

	mu     sync.Mutex
	lost   *LostError
	broken *DamagedError
}

// fileConnector makes the connections of a handle, and is closed with it.
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
	return &fileConn{Conn: made, file: c.file, writes: c.writes, cached: map[string]*list.Element{}, order: list.New()}, nil
}

// Close closes the writer with the handle, as [sql.DB.Close] promises to.
func (c fileConnector) Close() error {
	if c.writes {
		return nil
	}
	f := c.file
	defer f.use.refs.Add(-1)
	err := f.writer.Close()
	if !f.cancelCheck() || err != nil {
		return err
	}
	// The check was the last to have it open, and may not change it: its stop is not
	// clean until another one is.
	last, err := c.Connect(context.Background())
	if err != nil {
		return err
	}
	return last.Close()
}

// checkTimeout is how long [Open] waits for the check of a database whose last stop was
// not clean. It reads some 300 MB a second.
const checkTimeout = 500 * time.Millisecond

// checkAll looks for damage, and goes on with that behind the opening after checkTimeout.
func (f *file) checkAll(ctx context.Context) error {
	checking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel, f.checked = cancel, make(chan struct{})
	found := make(chan error, 1)
	go func() {
		defer close(f.checked)
		err := check(checking, f.path)
		var damaged *DamagedError
		if errors.As(err, &damaged) {
			f.reportDamage(damaged)
		}
		found <- err
	}()
	timer := time.NewTimer(f.checkTimeout)
	defer timer.Stop()
	select {
	case err := <-found:
		if f.cancelCheck(); err != nil {
			return err
		}
	case <-ctx.Done():
		f.cancelCheck()
		return ctx.Err()
	case <-timer.C:
	}
	return nil
}

// cancelCheck ends the check and waits for its end. It reports whether there was one.
func (f *file) cancelCheck() bool {
	if f.cancel == nil {
		return false
	}
	f.cancel()
	<-f.checked
	return true
}

// reportDamage keeps the first damage that was found.
func (f *file) reportDamage(damaged *DamagedError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken == nil {
		f.broken = damaged
	}
}

// damage is what was found so far.
func (f *file) damage() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []error
	if f.lost != nil {
		all = append(all, f.lost)
	}
	if f.broken != nil {
		all = append(all, f.broken)
	}
	return all
}

// Damage is what was found to be wrong with an SQLite database that is open: a
// [*LostError], which it works without, or a [*DamagedError]. It grows while a large
// one is still being checked.
func Damage(db *sql.DB) []error {
	if f, ok := db.Driver().(*file); ok {
		return f.damage()
	}
	return nil
}

// WaitChecked waits for the end of a check that goes on behind [Open], or of ctx.
func WaitChecked(ctx context.Context, db *sql.DB) {
	if f, ok := db.Driver().(*file); ok && f.checked != nil {
		select {
		case <-f.checked:
		case <-ctx.Done():
		}
	}
}
