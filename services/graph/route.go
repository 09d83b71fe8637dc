package graph

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
)

const (
	projectsPath = "/api/projects"
	projectPath  = projectsPath + "/{id}"
)

// withOwner is a secured operation on one project: another user's is not found.
func withOwner(h *host.Host, op huma.Operation) huma.Operation {
	op.Errors = append(op.Errors, http.StatusNotFound)
	return h.RequireAuth(op)
}

// IDInput names a project. Exported, since huma fills embedded
// structs only where reflection may.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

type listInput struct {
	IDInput
	host.PageInput
}

type pageOutput[T any] struct{ Body host.Page[T] }

// paged is a page as an answer.
func paged[T any](page host.Page[T], err error) (*pageOutput[T], error) {
	if err != nil {
		return nil, err
	}
	return &pageOutput[T]{Body: page}, nil
}
