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

// freeSlug is the name's slug, with the lowest number that makes it unique.
func freeSlug(ctx context.Context, tx *sql.Tx, name string) (string, error) {
	base := slugOf(name)
	rows, err := tx.QueryContext(ctx, `SELECT slug FROM projects WHERE slug = ? OR slug GLOB ?`, base, base+"-[0-9]*")
	if err != nil {
		return "", fmt.Errorf("find a free slug: %w", err)
	}
	defer func() { _ = rows.Close() }()
	taken := map[string]bool{}
	for rows.Next() {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return "", fmt.Errorf("find a free slug: %w", err)
		}
		taken[slug] = true
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("find a free slug: %w", err)
	}
	slug := base
	for n := 2; taken[slug]; n++ {
		slug = fmt.Sprintf("%s-%d", base, n)
	}
	return slug, nil
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
