package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
)

// errNoArtifact is the answer where a deployment's files are to be put back, and
// are not there.
func errNoArtifact() error {
	return huma.Error409Conflict(fmt.Sprintf(
		"the deployment's files are not kept: there are those of a project's last %d deployments that succeeded", keptArtifacts))
}

// again queues a deployment of what a user's earlier one deployed, under a new
// id: generated anew, or with rollback the very files of that one. Mark is as for begin.
func (s *service) again(ctx context.Context, user, earlier, id, mark string, rollback bool) error {
	d, err := find(ctx, s.DB, user, earlier)
	if err != nil {
		return err
	}
	source := ""
	if rollback {
		if d.status != contract.StatusSucceeded {
			return huma.Error409Conflict("only a deployment that succeeded can be put back; this one is " + d.status)
		}
		source = earlier
	}
	err = s.begin(ctx, contract.ProjectEvent{
		ProjectID: d.projectID, UserID: d.userID, Config: d.config, Name: d.name, Slug: d.slug, Template: d.template,
		DeploymentID: id, Graph: d.graph,
	}, source, mark)
	if err != nil {
		return err
	}
	return s.queue.add(ctx, d.projectID)
}

// latest is the newest deployment of a user's project.
func (s *service) latest(ctx context.Context, user, projectID string) (id string, err error) {
	err = s.DB.QueryRowContext(ctx,
		`SELECT id FROM deployments WHERE project_id = ? AND user_id = ? AND user_id <> '' ORDER BY queued DESC LIMIT 1`,
		projectID, user).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", huma.Error404NotFound("there is no such project, or it was never deployed")
	}
	if err != nil {
		return "", fmt.Errorf("find deployment: %w", err)
	}
	return id, nil
}
