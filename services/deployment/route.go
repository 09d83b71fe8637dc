package deployment

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"axion/services/contract"
	"axion/services/host"
)

// IDInput names a deployment. It is exported since huma fills embedded structs by
// reflection.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

type listInput struct {
	host.PageInput
	ProjectID string `query:"projectId" maxLength:"64" doc:"Only those of one project."`
}

type logInput struct {
	IDInput
	host.PageInput
	Step string `query:"step" enum:"codegen,provision" doc:"Only the lines of one step."`
}

type (
	recordOutput  struct{ Body contract.DeploymentRecord }
	recordsOutput struct{ Body contract.DeploymentList }
	linesOutput   struct{ Body host.Page[LogLine] }
)

// api answers HTTP.
type api struct {
	*host.Host
	commands *commands
	queries  *queries
}

// register registers the operations.
func (a *api) register() {
	const one = "/api/deployments/{id}"
	host.Handle(a.Host, a.RequireAuth(huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: "/api/deployments", Summary: "Your deployments, newest first.",
	}), func(ctx context.Context, in *listInput) (*recordsOutput, error) {
		list, err := a.queries.records(ctx, host.Caller(ctx).UserID, in.ProjectID, in.PageInput)
		return &recordsOutput{list}, err
	})
	host.Handle(a.Host, a.owned(http.MethodGet, one, "get-deployment", "One deployment."),
		func(ctx context.Context, in *IDInput) (*recordOutput, error) { return a.recorded(ctx, in.ID) })
	host.Handle(a.Host, a.owned(http.MethodGet, one+"/logs", "list-deployment-logs", "What happened in each of its steps, oldest first."),
		func(ctx context.Context, in *logInput) (*linesOutput, error) {
			page, err := a.queries.lines(ctx, host.Caller(ctx).UserID, in.ID, in.Step, in.PageInput)
			return &linesOutput{page}, err
		})
	host.Handle(a.Host, a.owned(http.MethodPost, one+"/cancel", "cancel-deployment",
		"End a deployment that waits or is under way; what it has changed is undone."),
		func(ctx context.Context, in *IDInput) (*recordOutput, error) {
			if err := a.commands.cancel(ctx, host.Caller(ctx).UserID, in.ID); err != nil {
				return nil, err
			}
			return a.recorded(ctx, in.ID)
		})
	for verb, summary := range map[string]string{
		"redeploy": "Deploy once more what this deployment deployed, generated anew.",
		"rollback": "Put the files of this deployment back in place.",
	} {
		host.Handle(a.Host, a.owned(http.MethodPost, one+"/"+verb, verb, summary),
			func(ctx context.Context, in *IDInput) (*recordOutput, error) {
				id := uuid.Must(uuid.NewV7()).String()
				if err := a.commands.redeploy(ctx, host.Caller(ctx).UserID, in.ID, id, "", verb == "rollback"); err != nil {
					return nil, err
				}
				return a.recorded(ctx, id)
			})
	}
}

// owned describes an operation on one of the caller's deployments. A POST is answered
// with 202: it is carried out after the response.
func (a *api) owned(method, path, id, summary string) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Errors: []int{http.StatusNotFound}}
	if method == http.MethodPost {
		op.DefaultStatus = http.StatusAccepted
		op.Errors = append(op.Errors, http.StatusConflict)
	}
	return a.RequireAuth(op)
}

// recorded returns the response with a deployment.
func (a *api) recorded(ctx context.Context, id string) (*recordOutput, error) {
	record, err := a.queries.record(ctx, host.Caller(ctx).UserID, id)
	return &recordOutput{record}, err
}
