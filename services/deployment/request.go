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

// answer registers the requests of other services. They are answered by the code
// that answers HTTP, and refused with the same texts.
func (s *service) answer() {
	for typ, do := range map[string]func(context.Context, *bus.Message, contract.DeploymentRequest) (any, error){
		contract.CreateDeployment: s.answerCreate,
		contract.GetDeployment: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			return s.record(ctx, in.UserID, in.DeploymentID)
		},
		contract.ListDeployments: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			if in.Limit < 0 || in.Limit > maxLimit {
				return nil, bus.Permanent(fmt.Errorf("limit must be from 1 to %d", maxLimit))
			}
			return s.records(ctx, in.UserID, in.ProjectID, host.PageInput{Limit: cmp.Or(in.Limit, defaultLimit), After: in.After})
		},
		contract.CancelDeployment: func(ctx context.Context, _ *bus.Message, in contract.DeploymentRequest) (any, error) {
			if err := s.cancel(ctx, in.UserID, in.DeploymentID); err != nil {
				return nil, err
			}
			return s.record(ctx, in.UserID, in.DeploymentID)
		},
	} {
		s.Bus.Handle(typ, func(ctx context.Context, m *bus.Message) (any, error) {
			var in contract.DeploymentRequest
			if err := m.Decode(&in); err != nil {
				return nil, err
			}
			if in.UserID == "" {
				return nil, bus.Permanent(errors.New("userId is missing"))
			}
			answer, err := do(ctx, m, in)
			return answer, host.BusError(err)
		})
	}
}

// answerCreate makes the same deployment whenever its message is delivered.
func (s *service) answerCreate(ctx context.Context, m *bus.Message, in contract.DeploymentRequest) (any, error) {
	earlier := in.DeploymentID
	switch {
	case in.Rollback && earlier == "":
		return nil, bus.Permanent(errors.New("deploymentId is missing: rollback needs the deployment to go back to"))
	case earlier == "":
		var err error
		if earlier, err = s.latest(ctx, in.UserID, in.ProjectID); err != nil {
			return nil, err
		}
	}
	if err := s.again(ctx, in.UserID, earlier, m.DerivedID(), m.DedupKey(), in.Rollback); err != nil {
		return nil, err
	}
	return s.made(ctx, in.UserID, m)
}
