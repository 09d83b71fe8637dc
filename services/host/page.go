package host

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
)

// PageInput asks for one page of a list: Limit items after the cursor After.
// Operations embed it.
type PageInput struct {
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	After string `query:"after" maxLength:"64" doc:"The cursor that the page before gave as next."`
}

// Cursor returns the cursor of a list that is ordered by numbers, first where there
// is none. A malformed cursor is a [Problem].
func (in PageInput) Cursor(first int64) (int64, error) {
	if in.After == "" {
		return first, nil
	}
	n, err := strconv.ParseInt(in.After, 10, 64)
	if err != nil {
		p := newProblem(http.StatusUnprocessableEntity, "validation failed")
		p.Errors = []FieldError{{Parameter: "after", Detail: "must be the next of the page before"}}
		return 0, p
	}
	return n, nil
}

// Page is one page of a list. Next is the cursor of the page that follows, empty
// on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// QueryPage runs a query for a page of at most limit items. The query's last argument is
// its LIMIT, which is one more.
func QueryPage[T any](ctx context.Context, db *sql.DB, limit int, scan func(interface{ Scan(...any) error }) (T, error),
	cursor func(T) string, query string, args ...any) (page Page[T], err error) {
	page.Items = []T{}
	rows, err := db.QueryContext(ctx, query, append(args, limit+1)...)
	if err != nil {
		return page, fmt.Errorf("read list: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if len(page.Items) == limit {
			page.Next = cursor(page.Items[limit-1])
			break
		}
		item, err := scan(rows)
		if err != nil {
			return page, fmt.Errorf("read list: %w", err)
		}
		page.Items = append(page.Items, item)
	}
	if err := rows.Err(); err != nil {
		return page, fmt.Errorf("read list: %w", err)
	}
	return page, nil
}
