package deployment

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"axion/services/contract"
	"axion/services/host"
)

// IDInput names a deployment. Exported, since huma fills embedded structs only
// where reflection may.
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

func (s *service) routes() {
	const one = "/api/deployments/{id}"
	host.Handle(s.Host, s.RequireAuth(huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: "/api/deployments", Summary: "Your deployments, newest first.",
	}), func(ctx context.Context, in *listInput) (*recordsOutput, error) {
		list, err := s.records(ctx, host.Caller(ctx).UserID, in.ProjectID, in.PageInput)
		return &recordsOutput{list}, err
	})
	host.Handle(s.Host, s.owned(http.MethodGet, one, "get-deployment", "One deployment."),
		func(ctx context.Context, in *IDInput) (*recordOutput, error) { return s.recorded(ctx, in.ID) })
	host.Handle(s.Host, s.owned(http.MethodGet, one+"/logs", "list-deployment-logs", "What happened in each of its steps, oldest first."),
		func(ctx context.Context, in *logInput) (*linesOutput, error) {
			page, err := s.lines(ctx, host.Caller(ctx).UserID, in.ID, in.Step, in.PageInput)
			return &linesOutput{page}, err
		})
	host.Handle(s.Host, s.owned(http.MethodPost, one+"/cancel", "cancel-deployment",
		"End a deployment that waits or is under way; what it has changed is undone."),
		func(ctx context.Context, in *IDInput) (*recordOutput, error) {
			if err := s.cancel(ctx, host.Caller(ctx).UserID, in.ID); err != nil {
				return nil, err
			}
			return s.recorded(ctx, in.ID)
		})
	for verb, summary := range map[string]string{
		"redeploy": "Deploy once more what this deployment deployed, generated anew.",
		"rollback": "Put the files of this deployment back in place.",
	} {
		host.Handle(s.Host, s.owned(http.MethodPost, one+"/"+verb, verb, summary),
			func(ctx context.Context, in *IDInput) (*recordOutput, error) {
				id := uuid.Must(uuid.NewV7()).String()
				if err := s.again(ctx, host.Caller(ctx).UserID, in.ID, id, "", verb == "rollback"); err != nil {
					return nil, err
				}
				return s.recorded(ctx, id)
			})
	}
}

// owned is a secured operation on one deployment. A POST is answered with 202: it
// is carried out behind the answer.
func (s *service) owned(method, path, id, summary string) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Errors: []int{http.StatusNotFound}}
	if method == http.MethodPost {
		op.DefaultStatus = http.StatusAccepted
		op.Errors = append(op.Errors, http.StatusConflict)
	}
	return s.RequireAuth(op)
}

func (s *service) recorded(ctx context.Context, id string) (*recordOutput, error) {
	record, err := s.record(ctx, host.Caller(ctx).UserID, id)
	return &recordOutput{record}, err
}
