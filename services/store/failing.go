package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
)

// diskFailures says whether a database's transactions fail for what is not their own
// fault: the last one has. table is one that a transaction may be tried on.
type diskFailures struct {
	now   atomic.Bool
	table string
}

func (f *diskFailures) record(err error) {
	if err == nil && f.now.Load() {
		f.now.Store(false)
	} else if IsOutage(err) {
		f.now.Store(true)
	}
}

// RecordFailure records how an operation on a database ended, for [Storage] and [Damage]: of
// what [Tx] runs that is recorded already. A nil error says that something was stored.
func RecordFailure(db *sql.DB, err error) {
	switch d := db.Driver().(type) {
	case *file:
		d.record(err)
		if isDamage(err) {
			d.reportDamage(&DamagedError{Path: d.path, What: err.Error()})
		}
	case *postgres:
		d.record(err)
	}
}

// StorageError says that nothing can be stored in a directory.
type StorageError struct {
	Dir string
	Err error
}

// Error says what is wrong with the disk.
func (e *StorageError) Error() string {
	switch {
	case errors.Is(e.Err, syscall.ENOSPC):
		return "the disk of " + e.Dir + " is full"
	case errors.Is(e.Err, syscall.EROFS):
		return "the disk of " + e.Dir + " is read-only"
	}
	return fmt.Sprintf("nothing can be written to %s: %v", e.Dir, e.Err)
}

// Unwrap gives the cause.
func (e *StorageError) Unwrap() error { return e.Err }

// Hint is the hint shown with the error.
func (e *StorageError) Hint() string {
	if errors.Is(e.Err, syscall.ENOSPC) {
		return "free some room: it goes on by itself"
	}
	return "make it writable: it goes on by itself"
}

// Storage reports why nothing can be stored in a database now, nil where it can: its
// disk is full, read-only or fails (a [*StorageError]), it is damaged, or the last
// transaction failed for such a reason and the next one would too. It keeps
// nothing that another call would not find again.
func Storage(ctx context.Context, db *sql.DB) error {
	var last *diskFailures
	switch d := db.Driver().(type) {
	case *file:
		if err := d.storage(); err != nil {
			return err
		}
		last = &d.diskFailures
	case *postgres:
		last = &d.diskFailures
	}
	if last == nil || !last.now.Load() || last.table == "" {
		return nil
	}
	// A row is written as it is: rolled back, it would not have to be stored.
	return Tx(ctx, db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE `+last.table+` SET tstamp = tstamp WHERE id = (SELECT min(id) FROM `+last.table+`)`)
		return err
	})
}

// storage tries the disk by a file beside the database: SQLite itself would need its
// lock.
func (f *file) storage() error {
	for _, err := range f.damage() {
		var damaged *DamagedError
		if errors.As(err, &damaged) {
			return damaged
		}
	}
	if err := probe(f.path + "-probe"); err != nil {
		return &StorageError{filepath.Dir(f.path), err}
	}
	return nil
}

// minFree is what a transaction may need, in bytes: a disk with less is full.
const minFree = 64 << 10

// probing is held by one probe at a time: they share their file's name.
var probing sync.Mutex

// probe writes a file and removes it again.
func probe(name string) error {
	probing.Lock()
	defer probing.Unlock()
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, minFree))
	return errors.Join(err, file.Close(), os.Remove(name))
}
