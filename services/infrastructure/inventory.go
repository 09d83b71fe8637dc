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

// LogLine is one line that a project's process said. Lines of axion's own begin
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

func (r *runtimes) routes(h *host.Host) {
	const path = "/api/runtimes"
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "list-runtimes", Method: http.MethodGet, Path: path, Summary: "What runs of your projects, by slug.",
	}), func(ctx context.Context, _ *struct{}) (*listOutput, error) {
		list, err := r.inventory(ctx, host.Caller(ctx).UserID)
		return &listOutput{list}, err
	})
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "get-runtime", Method: http.MethodGet, Path: path + "/{id}", Summary: "What runs of one project, by the project's id.",
		Errors: []int{http.StatusNotFound},
	}), func(ctx context.Context, in *oneInput) (*oneOutput, error) {
		rt, err := r.owned(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &oneOutput{r.describe(rt)}, nil
	})
	host.Handle(h, h.RequireAuth(huma.Operation{
		OperationID: "list-runtime-logs", Method: http.MethodGet, Path: path + "/{id}/logs",
		Summary: "The last lines that a project's process said, oldest first.", Errors: []int{http.StatusNotFound},
	}), r.getLogs)
	h.Bus.Handle(contract.ListRuntimes, func(ctx context.Context, m *bus.Message) (any, error) {
		var req contract.RuntimeRequest
		if err := m.Decode(&req); err != nil {
			return nil, err
		}
		return r.inventory(ctx, req.UserID)
	})
}

func (r *runtimes) getLogs(ctx context.Context, in *logsInput) (*logsOutput, error) {
	rt, err := r.owned(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	lines, err := readLog(r.logFile(rt.projectID), in.Lines)
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

// owned gives the caller's runtime. Another user's is not found.
func (r *runtimes) owned(ctx context.Context, projectID string) (runtime, error) {
	rt, found, err := r.find(ctx, projectID)
	if err == nil && (!found || rt.userID != host.Caller(ctx).UserID) {
		err = huma.Error404NotFound("nothing runs of such a project")
	}
	return rt, err
}

func (r *runtimes) inventory(ctx context.Context, user string) (contract.RuntimeList, error) {
	recorded, err := r.recorded(ctx, user)
	list := contract.RuntimeList{Items: []contract.Runtime{}}
	for _, rt := range recorded {
		list.Items = append(list.Items, r.describe(rt))
	}
	return list, err
}

// describe tells of a runtime what is stored, and how it is at present.
func (r *runtimes) describe(rt runtime) contract.Runtime {
	out := contract.Runtime{
		ProjectID: rt.projectID, DeploymentID: rt.deploymentID, Slug: rt.slug,
		Runtime: cmp.Or(rt.run.Runtime, contract.RuntimeStatic), State: contract.StateFailed,
		URL: contract.PublicURL(hostOf(rt.slug), r.opts.HTTPSPort), Error: "it was not started: see axion's log",
	}
	u := r.unit(rt.projectID)
	if u == nil {
		return out
	}
	s := u.status()
	out.State, out.PID, out.Restarts, out.Error = s.state, s.pid, s.restarts, s.problem
	out.Address, out.StartedAt = address(u), s.started.UTC().Format(time.RFC3339Nano)
	return out
}
