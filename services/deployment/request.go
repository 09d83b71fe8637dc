package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// Bounds of a page for other services.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// requests handles the requests of other services. Commands and queries are those of
// HTTP, and so are the texts of errors.
type requests struct {
	commands *commands
	queries  *queries
}

// register registers the handlers.
func (r *requests) register(b *bus.Bus) {
	for typ, do := range map[string]func(context.Context, *bus.Message, contract.DeploymentRequest) (any, error){
		contract.CreateDeployment: r.create,
		contract.GetDeployment: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			return r.queries.record(ctx, in.UserID, in.DeploymentID)
		},
		contract.ListDeployments: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			if in.Limit < 0 || in.Limit > maxLimit {
				return nil, bus.Permanent(fmt.Errorf("limit must be from 1 to %d", maxLimit))
			}
			return r.queries.records(ctx, in.UserID, in.ProjectID, host.PageInput{Limit: cmp.Or(in.Limit, defaultLimit), After: in.After})
		},
		contract.CancelDeployment: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			if err := r.commands.cancel(ctx, in.UserID, in.DeploymentID); err != nil {
				return nil, err
			}
			return r.queries.record(ctx, in.UserID, in.DeploymentID)
		},
	} {
		b.Handle(typ, func(ctx context.Context, m *bus.Message) (any, error) {
			var in contract.DeploymentRequest
			if err := m.Decode(&in); err != nil {
				return nil, err
			}
			if in.UserID == "" {
				return nil, bus.Permanent(errors.New("userId is missing"))
			}
			reply, err := do(ctx, m, in)
			return reply, host.BusError(err)
		})
	}
}

// create creates one deployment for a message, however often that is delivered.
func (r *requests) create(ctx context.Context, m *bus.Message, in contract.DeploymentRequest) (any, error) {
	earlier := in.DeploymentID
	switch {
	case in.Rollback && earlier == "":
		return nil, bus.Permanent(errors.New("deploymentId is missing: rollback needs the deployment to go back to"))
	case earlier == "":
		var err error
		if earlier, err = r.queries.latest(ctx, in.UserID, in.ProjectID); err != nil {
			return nil, err
		}
	}
	if err := r.commands.redeploy(ctx, in.UserID, earlier, m.DerivedID(), m.DedupKey(), in.Rollback); err != nil {
		return nil, err
	}
	return r.queries.createdBy(ctx, in.UserID, m)
}
