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
	"axion/services/host"
)

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

func newGraphOutput(g contract.Architecture, version int) *graphOutput {
	return &graphOutput{ETag: strconv.Quote(strconv.Itoa(version)), Body: g}
}

func (s *service) getGraph(ctx context.Context, in *IDInput) (*graphOutput, error) {
	g, version, err := s.queries.graph(ctx, host.Caller(ctx).UserID, in.ID)
	if err != nil {
		return nil, err
	}
	return newGraphOutput(g, version), nil
}

func (s *service) getVersion(ctx context.Context, in *versionInput) (*graphOutput, error) {
	g, err := s.queries.version(ctx, host.Caller(ctx).UserID, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return newGraphOutput(g, in.Version), nil
}

// putGraph replaces a graph that is as the client last saw it.
func (s *service) putGraph(ctx context.Context, in *putGraphInput) (*graphOutput, error) {
	if err := checkGraph("", &in.Body); err != nil {
		return nil, err
	}
	return s.changeGraph(ctx, in.ID, func(_ *sql.Tx, version int) (contract.Architecture, error) {
		if strings.TrimSpace(in.IfMatch) == "" {
			return in.Body, huma.NewError(http.StatusPreconditionRequired,
				"send If-Match with the ETag of the graph that this one replaces, as GET gave it")
		}
		if !matches(in.IfMatch, version) {
			return in.Body, huma.Error412PreconditionFailed(
				fmt.Sprintf("the graph is at version %d by now; GET it, and change that", version))
		}
		return in.Body, nil
	})
}

// revertGraph makes an earlier version of a graph its newest.
func (s *service) revertGraph(ctx context.Context, in *revertInput) (*graphOutput, error) {
	return s.changeGraph(ctx, in.ID, func(tx *sql.Tx, _ int) (contract.Architecture, error) {
		g, err := graphOf(ctx, tx, in.ID, in.Body.Version)
		if errors.Is(err, sql.ErrNoRows) {
			return g, host.Invalid("/version", fmt.Sprintf("the project's graph has no version %d", in.Body.Version))
		}
		return g, err
	})
}

// changeGraph adds the version of a graph that next gives for the present one.
func (s *service) changeGraph(ctx context.Context, id string,
	next func(tx *sql.Tx, version int) (contract.Architecture, error)) (*graphOutput, error) {
	var out *graphOutput
	err := s.announce(ctx, func(tx *sql.Tx) (owner string, m Message, err error) {
		p, err := take(ctx, tx, host.Caller(ctx).UserID, id)
		if err != nil {
			return "", m, err
		}
		_, version, err := latestGraph(ctx, tx, id)
		if err != nil {
			return "", m, err
		}
		g, err := next(tx, version)
		if err != nil {
			return "", m, err
		}
		e, err := newEvent(contract.GraphChanged, id, contract.GraphEvent{ProjectID: id, UserID: p.UserID, Version: version + 1, Graph: g})
		if err != nil {
			return "", m, err
		}
		out = newGraphOutput(g, version+1)
		owner, err = s.emit(ctx, tx, e)
		// The graph itself is left out: clients that want it ask for it.
		return owner, Message{Type: e.Type, ProjectID: id, Data: fmt.Appendf(nil, `{"version":%d}`, version+1)}, err
	})
	return out, err
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
