package graph

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"axion/services/host"
)

// maxSlug leaves room for a number within a DNS label's 63 bytes.
const maxSlug = 56

var notLabel = regexp.MustCompile(`[^a-z0-9]+`)

// slugOf makes a DNS label (RFC 1123) of a name; one without a usable letter
// becomes "project".
func slugOf(name string) string {
	slug := strings.Trim(notLabel.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(slug) > maxSlug {
		slug = strings.TrimRight(slug[:maxSlug], "-")
	}
	if slug == "" {
		return "project"
	}
	return slug
}

var number = regexp.MustCompile(`-[0-9]+$`)

// stemOf is a slug without the number at its end.
func stemOf(slug string) string { return number.ReplaceAllString(slug, "") }

// reserveSlug takes base for a project, with the lowest number that makes it
// unique.
func reserveSlug(ctx context.Context, tx *sql.Tx, projectID, base string) (string, error) {
	free, err := insertSlug(ctx, tx, projectID, base)
	if err != nil || free {
		return base, err // most names are used once
	}
	taken, err := slugsLike(ctx, tx, base)
	if err != nil {
		return "", fmt.Errorf("find a free slug: %w", err)
	}
	for n := 2; ; n++ {
		slug := fmt.Sprintf("%s-%d", base, n)
		if taken[slug] {
			continue
		}
		if free, err := insertSlug(ctx, tx, projectID, slug); err != nil || free {
			return slug, err
		}
	}
}

// insertSlug reports false where another transaction was quicker.
func insertSlug(ctx context.Context, tx *sql.Tx, projectID, slug string) (bool, error) {
	result, err := tx.ExecContext(ctx,
		`INSERT INTO slugs (slug, stem, project_id) VALUES ($1, $2, $3) ON CONFLICT (slug) DO NOTHING`, slug, stemOf(slug), projectID)
	if err != nil {
		return false, fmt.Errorf("reserve slug %s: %w", slug, err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// slugsLike are the slugs that are base with any number or none.
func slugsLike(ctx context.Context, tx *sql.Tx, base string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT slug FROM slugs WHERE stem IN ($1, $2)`, base, stemOf(base))
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

// checkName trims a project's name, and refuses what a reader could not see or
// would see in another order.
func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", host.Invalid("/name", "must not be blank")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
		return "", host.Invalid("/name", "must not hold control characters")
	}
	return name, nil
}
