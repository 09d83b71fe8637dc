// Package slug gives projects the names that their sites have below apps.localhost, and
// keeps which are used.
package slug

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxLength leaves room for a number within a DNS label's 63 bytes.
const maxLength = 56

var notLabel = regexp.MustCompile(`[^a-z0-9]+`)

// From makes a DNS label (RFC 1123) of a name; one without a usable letter
// becomes "project".
func From(name string) string {
	slug := strings.Trim(notLabel.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(slug) > maxLength {
		slug = strings.TrimRight(slug[:maxLength], "-")
	}
	if slug == "" {
		return "project"
	}
	return slug
}

var number = regexp.MustCompile(`-[0-9]+$`)

// base is a slug without the number at its end.
func base(slug string) string { return number.ReplaceAllString(slug, "") }

// Reserve gives a project the slug that it wants, or that with the lowest number that makes
// it unique.
func Reserve(ctx context.Context, tx *sql.Tx, projectID, wanted string) (string, error) {
	free, err := insert(ctx, tx, projectID, wanted)
	if err != nil || free {
		return wanted, err // most names are used once
	}
	taken, err := numbered(ctx, tx, wanted)
	if err != nil {
		return "", fmt.Errorf("find a free slug: %w", err)
	}
	for n := 2; ; n++ {
		slug := fmt.Sprintf("%s-%d", wanted, n)
		if taken[slug] {
			continue
		}
		if free, err := insert(ctx, tx, projectID, slug); err != nil || free {
			return slug, err
		}
	}
}

// insert reports false where another transaction was quicker.
func insert(ctx context.Context, tx *sql.Tx, projectID, slug string) (bool, error) {
	result, err := tx.ExecContext(ctx,
		`INSERT INTO slugs (slug, stem, project_id) VALUES ($1, $2, $3) ON CONFLICT (slug) DO NOTHING`, slug, base(slug), projectID)
	if err != nil {
		return false, fmt.Errorf("reserve slug %s: %w", slug, err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// numbered returns the slugs that are the wanted one with any number or none.
func numbered(ctx context.Context, tx *sql.Tx, wanted string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT slug FROM slugs WHERE stem IN ($1, $2)`, wanted, base(wanted))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	taken := map[string]bool{}
	for rows.Next() {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return nil, err
		}
		taken[slug] = true
	}
	return taken, rows.Err()
}

// Release frees the slugs of a project.
func Release(ctx context.Context, tx *sql.Tx, projectID string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM slugs WHERE project_id = $1`, projectID); err != nil {
		return fmt.Errorf("release slug: %w", err)
	}
	return nil
}

// Refill reserves the slugs of the projects that there are, and no others.
func Refill(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM slugs`); err != nil {
		return fmt.Errorf("drop slugs: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, slug FROM projects`)
	if err != nil {
		return fmt.Errorf("read slugs: %w", err)
	}
	slugs := map[string]string{}
	for rows.Next() {
		var id, slug string
		if err := rows.Scan(&id, &slug); err != nil {
			return errors.Join(fmt.Errorf("read slugs: %w", err), rows.Close())
		}
		slugs[id] = slug
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read slugs: %w", err)
	}
	for id, slug := range slugs {
		if _, err := insert(ctx, tx, id, slug); err != nil {
			return err
		}
	}
	return nil
}
