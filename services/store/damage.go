package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
)

// DamagedError says that an SQLite database does not hold what was written to it.
// It was left as it is.
type DamagedError struct {
	// Path is the database's file.
	Path string
	// What is wrong with it, as the end of a sentence about the file.
	What string
	// Restore says what makes the data again once the file is aside. Empty: nothing
	// does.
	Restore string
}

// Error names the file.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("database %s is damaged: %s", e.Path, e.What)
}

// Hint is the hint shown with the error.
func (e *DamagedError) Hint() string {
	restore := e.Restore
	if restore == "" {
		restore = "it begins anew"
	}
	return fmt.Sprintf("only this file is damaged, keep the others: move %[1]s, with its -wal and -shm where they are, "+
		"to %[1]s.damaged and start axion again: %[2]s; `sqlite3 %[1]s.damaged .recover` shows what can still be read", e.Path, restore)
}

// maxReportedFaults is how many faults of a damaged database are named.
const maxReportedFaults = 3

// readOnly opens a database without changing a byte of it. whole says that its last
// stop was clean: then nothing is made beside it either.
func readOnly(path string, whole bool) (*sql.DB, error) {
	settings := "mode=ro&_pragma=busy_timeout(5000)"
	if whole {
		settings += "&immutable=1"
	}
	db, err := sql.Open("sqlite", fileURL(path)+"?"+settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func fileURL(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// inspect checks a database that this process does not have open, before it is written
// to. It fails with a [*NewerSchemaError], an [*OlderSchemaError] or a
// [*DamagedError] where it must not be. SQLite removes the write-ahead log at a clean stop: with one, all pages are
// checked.
func (f *file) inspect(ctx context.Context, sets []Migrations) error {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return refuseEmpty(f.path)
	}
	_, err = os.Stat(f.path + "-wal")
	unclean := err == nil
	lost := lostCommits(f.path) // first: who reads the database makes the log's index anew
	db, err := readOnly(f.path, !unclean)
	if err != nil {
		return err
	}
	err = checkVersions(ctx, db, goose.DialectSQLite3, f.path, sets)
	if err := errors.Join(damagedBy(f.path, err), db.Close()); err != nil || !unclean {
		return err
	}
	if err := f.checkAll(ctx); err != nil {
		return err
	}
	if lost != nil {
		lost.saveLog()
		f.lost = lost
	}
	return nil
}

// refuseEmpty reports an empty file as damage where the database was in use before:
// its lock is made after its first page.
func refuseEmpty(path string) error {
	_, err := os.Stat(lockPath(path, migrationsLock))
	if err == nil {
		return &DamagedError{Path: path, What: "it is empty, and was not before"}
	}
	return nil
}

// damagedBy makes a [*DamagedError] of what SQLite says where a file is one.
func damagedBy(path string, err error) error {
	if isDamage(err) {
		return &DamagedError{Path: path, What: err.Error()}
	}
	return err
}

// check reads all pages of a database, and fails with a [*DamagedError] where they do
// not fit together. The content of a page is not checked: SQLite keeps no checksums of it.
func check(ctx context.Context, path string) error {
	db, err := readOnly(path, false)
	if err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`PRAGMA quick_check(%d)`, maxReportedFaults))
	if err != nil {
		return damagedBy(path, fmt.Errorf("check database: %w", err))
	}
	defer func() { _ = rows.Close() }()
	var faults []string
	for rows.Next() {
		var fault string
		if err := rows.Scan(&fault); err != nil {
			return fmt.Errorf("check database: %w", err)
		}
		faults = append(faults, strings.ReplaceAll(strings.TrimSpace(fault), "\n", ": "))
	}
	if err := rows.Err(); err != nil {
		return damagedBy(path, fmt.Errorf("check database: %w", err))
	}
	if len(faults) == 1 && faults[0] == "ok" {
		return nil
	}
	return &DamagedError{Path: path, What: strings.Join(faults, "; ")}
}
