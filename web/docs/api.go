package docs

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// list is a list of the API that is whole.
type list[T any] struct {
	Body struct {
		Items []T `json:"items"`
	}
}

// Register adds the documentation to an API: its topics, each as a page, and a search.
func (d *Docs) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/docs", OperationID: "list-docs", Summary: "Topics of the documentation", Tags: []string{"docs"},
	}, func(context.Context, *struct{}) (*list[Topic], error) {
		topics, err := d.Topics()
		out := &list[Topic]{}
		out.Body.Items = topics
		return out, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/docs/search", OperationID: "search-docs",
		Summary: "Sections of the documentation that have all words",
		Tags:    []string{"docs"},
	}, func(_ context.Context, in *struct {
		Q string `query:"q" maxLength:"100"`
	}) (*list[hit], error) {
		hits, err := d.search(in.Q)
		out := &list[hit]{}
		out.Body.Items = hits
		return out, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/docs/{name}", OperationID: "get-docs", Summary: "A topic of the documentation",
		Tags: []string{"docs"}, Errors: []int{http.StatusNotFound},
	}, func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"100"`
	}) (*struct{ Body page }, error) {
		p, err := d.page(in.Name)
		if unknown := new(UnknownError); errors.As(err, &unknown) {
			return nil, huma.Error404NotFound(err.Error() + ": " + unknown.Hint())
		}
		return &struct{ Body page }{p}, err
	})
}
