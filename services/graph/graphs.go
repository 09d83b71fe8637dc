package graph

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
	"axion/services/graph/architecture"
	"axion/services/graph/readmodel"
	"axion/services/host"
)

// graphHandlers answer requests on projects' architecture graphs.
type graphHandlers struct {
	queries  readmodel.Queries
	commands *commands
}

// register adds the operations to a service.
func (h *graphHandlers) register(service *host.Host) {
	const graph = projectPath + "/graph"
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-graph", Method: http.MethodGet, Path: graph, Summary: "A project's architecture graph.",
	}), h.get)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "put-graph", Method: http.MethodPut, Path: graph, MaxBodyBytes: architecture.MaxBytes,
		Summary: "Replace a project's architecture graph by a new version.",
		Errors:  []int{http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusPreconditionRequired},
	}), h.put)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-graph-versions", Method: http.MethodGet, Path: graph + "/versions",
		Summary: "The versions of a project's graph, newest first.",
	}), h.getVersions)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-graph-version", Method: http.MethodGet, Path: graph + "/versions/{version}",
		Summary: "One version of a project's graph.",
	}), h.getVersion)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "revert-graph", Method: http.MethodPost, Path: graph + "/revert",
		Summary: "Make an earlier version of a project's graph its newest.",
	}), h.revert)
}

type putGraphInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"The ETag of the graph that this one replaces. Required; \"0\" is that of no graph."`
	Body    contract.Architecture
}

type revertInput struct {
	IDInput
	Body struct {
		Version int `json:"version" minimum:"1" doc:"The version to go back to."`
	}
}

type versionInput struct {
	IDInput
	Version int `path:"version" minimum:"1"`
}

type graphOutput struct {
	ETag string `header:"ETag" doc:"The graph's version, quoted."`
	Body contract.Architecture
}

func newGraphOutput(g contract.Architecture, version int, err error) (*graphOutput, error) {
	if err != nil {
		return nil, err
	}
	return &graphOutput{ETag: strconv.Quote(strconv.Itoa(version)), Body: g}, nil
}

func (h *graphHandlers) get(ctx context.Context, in *IDInput) (*graphOutput, error) {
	return newGraphOutput(h.queries.Graph(ctx, host.Caller(ctx).UserID, in.ID))
}

func (h *graphHandlers) getVersion(ctx context.Context, in *versionInput) (*graphOutput, error) {
	g, err := h.queries.Version(ctx, host.Caller(ctx).UserID, in.ID, in.Version)
	return newGraphOutput(g, in.Version, err)
}

func (h *graphHandlers) getVersions(ctx context.Context, in *listInput) (*pageOutput[readmodel.Version], error) {
	return paged(h.queries.Versions(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}

// put replaces a graph that is as the client last saw it.
func (h *graphHandlers) put(ctx context.Context, in *putGraphInput) (*graphOutput, error) {
	if err := architecture.Check("", &in.Body); err != nil {
		return nil, err
	}
	user := host.Caller(ctx).UserID
	return newGraphOutput(h.commands.changeGraph(ctx, user, in.ID, func(_ *sql.Tx, version int) (contract.Architecture, error) {
		if strings.TrimSpace(in.IfMatch) == "" {
			return in.Body, huma.NewError(http.StatusPreconditionRequired,
				"send If-Match with the ETag of the graph that this one replaces, as GET gave it")
		}
		if !matches(in.IfMatch, version) {
			return in.Body, huma.Error412PreconditionFailed(
				fmt.Sprintf("the graph is at version %d by now; GET it, and change that", version))
		}
		return in.Body, nil
	}))
}

// revert makes an earlier version of a graph its newest.
func (h *graphHandlers) revert(ctx context.Context, in *revertInput) (*graphOutput, error) {
	return newGraphOutput(h.commands.changeGraph(ctx, host.Caller(ctx).UserID, in.ID, func(tx *sql.Tx, _ int) (contract.Architecture, error) {
		g, err := readmodel.GraphVersion(ctx, tx, in.ID, in.Body.Version)
		if errors.Is(err, sql.ErrNoRows) {
			return g, host.Invalid("/version", fmt.Sprintf("the project's graph has no version %d", in.Body.Version))
		}
		return g, err
	}))
}

// matches reports whether an If-Match header names a version (RFC 9110, 13.1.1).
func matches(header string, version int) bool {
	tag := strconv.Quote(strconv.Itoa(version))
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || part == tag {
			return true
		}
	}
	return false
}
