package infrastructure

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// inventory answers what runs, over HTTP and the bus.
type inventory struct {
	repo      *repository
	manager   *manager
	logs      *logs
	httpsPort int
}

// LogLine is one line of output of a project's process. Lines of axion's own begin
// with "[axion]".
type LogLine struct {
	Time string `json:"time" format:"date-time"`
	Text string `json:"text"`
}

type (
	listOutput struct{ Body contract.RuntimeList }
	oneOutput  struct{ Body contract.Runtime }
	logsOutput struct {
		Body struct {
			Items []LogLine `json:"items"`
		}
	}
)

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

type logsInput struct {
	ID    string `path:"id" maxLength:"64"`
	Lines int    `query:"lines" minimum:"1" maximum:"10000" default:"200" doc:"The last so many."`
}

// register registers the operations.
func (i *inventory) register(h *host.Host) {
	const path = "/api/runtimes"
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "list-runtimes", Method: http.MethodGet, Path: path, Summary: "What runs of your projects, by slug.",
	}), func(ctx context.Context, _ *struct{}) (*listOutput, error) {
		list, err := i.list(ctx, host.Caller(ctx).UserID)
		return &listOutput{list}, err
	})
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "get-runtime", Method: http.MethodGet, Path: path + "/{id}", Summary: "What runs of one project, by the project's id.",
		Errors: []int{http.StatusNotFound},
	}), func(ctx context.Context, in *oneInput) (*oneOutput, error) {
		rt, err := i.owned(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &oneOutput{i.describe(rt)}, nil
	})
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "list-runtime-logs", Method: http.MethodGet, Path: path + "/{id}/logs",
		Summary: "The last lines that a project's process said, oldest first.", Errors: []int{http.StatusNotFound},
	}), i.getLogs)
	h.Bus.Handle(contract.ListRuntimes, func(ctx context.Context, m *bus.Message) (any, error) {
		var req contract.RuntimeRequest
		if err := m.Decode(&req); err != nil {
			return nil, err
		}
		return i.list(ctx, req.UserID)
	})
}

// getLogs answers with the last lines of a project's process.
func (i *inventory) getLogs(ctx context.Context, in *logsInput) (*logsOutput, error) {
	rt, err := i.owned(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	lines, err := readLog(i.logs.path(rt.projectID), in.Lines)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	out := &logsOutput{}
	out.Body.Items = []LogLine{}
	for _, line := range lines {
		at, text, _ := strings.Cut(line, " ")
		out.Body.Items = append(out.Body.Items, LogLine{at, text})
	}
	return out, nil
}

// owned returns the caller's runtime. Another user's is not found.
func (i *inventory) owned(ctx context.Context, projectID string) (runtime, error) {
	rt, found, err := i.repo.find(ctx, projectID)
	if err == nil && (!found || rt.userID != host.Caller(ctx).UserID) {
		err = huma.Error404NotFound("nothing runs of such a project")
	}
	return rt, err
}

// list lists a user's runtimes.
func (i *inventory) list(ctx context.Context, user string) (contract.RuntimeList, error) {
	recorded, err := i.repo.list(ctx, user)
	list := contract.RuntimeList{Items: []contract.Runtime{}}
	for _, rt := range recorded {
		list.Items = append(list.Items, i.describe(rt))
	}
	return list, err
}

// describe returns a runtime with its present state.
func (i *inventory) describe(rt runtime) contract.Runtime {
	out := contract.Runtime{
		ProjectID: rt.projectID, DeploymentID: rt.deploymentID, Slug: rt.slug,
		Runtime: cmp.Or(rt.run.Runtime, contract.RuntimeStatic), State: contract.StateFailed,
		URL: contract.PublicURL(hostOf(rt.slug), i.httpsPort), Error: "it was not started: see axion's log",
	}
	u := i.manager.workload(rt.projectID)
	if u == nil {
		return out
	}
	s := u.status()
	out.State, out.PID, out.Restarts, out.Error = s.state, s.pid, s.restarts, s.problem
	out.Address, out.StartedAt = address(u), s.started.UTC().Format(time.RFC3339Nano)
	return out
}
