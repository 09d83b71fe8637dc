package graph

import (
	"context"
	"database/sql"
	"fmt"

	"axion/services/host"
)

// PageInput asks for one page of a list: Limit items after the cursor After.
type PageInput struct {
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	After string `query:"after" maxLength:"64" doc:"The cursor that the page before gave as next."`
}

// Page is one page of a list, newest first. Next is the cursor of the page that
// follows, empty on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// collect reads at most limit rows, of which the query gives one more where
// there is another page.
func collect[T any](rows *sql.Rows, limit int, scan func(interface{ Scan(...any) error }) (T, error), id func(T) string) (Page[T], error) {
	defer func() { _ = rows.Close() }()
	page := Page[T]{Items: []T{}}
	for rows.Next() {
		if len(page.Items) == limit {
			page.Next = id(page.Items[limit-1])
			break
		}
		item, err := scan(rows)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, item)
	}
	return page, rows.Err()
}

type listInput struct{ PageInput }

type listOutput struct{ Body Page[Project] }

func (s *service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	rows, err := s.DB.QueryContext(ctx,
		`SELECT `+columns+` FROM projects WHERE user_id = ? AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?`,
		host.Caller(ctx).UserID, in.After, in.After, in.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	page, err := collect(rows, in.Limit, scan, func(p Project) string { return p.ID })
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return &listOutput{Body: page}, nil
}
