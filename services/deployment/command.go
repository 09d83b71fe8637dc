package deployment

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
)

// commands carries out what users request, over HTTP or the bus.
type commands struct {
	repo  *repository
	queue *queue
}

// cancelTimeout bounds how long a cancellation waits for what is under way to end, so
// that its reply shows the end.
const cancelTimeout = 3 * time.Second

// cancel ends a deployment: at once where it is PENDING, otherwise as soon as what it has
// changed is undone. For one that has ended it fails with a conflict.
func (c *commands) cancel(ctx context.Context, user, id string) error {
	underWay := false
	err := c.repo.inTx(ctx, func(tx *sql.Tx) error {
		d, err := find(ctx, tx, user, id)
		if err != nil {
			return err
		}
		switch {
		case d.ended():
			return huma.Error409Conflict("the deployment has ended: it is " + d.status)
		case d.status == contract.StatusStarted:
			underWay = true
			_, err = tx.ExecContext(ctx, `UPDATE deployments SET cancelling = TRUE WHERE id = $1`, id)
		default:
			err = c.repo.setCancelled(ctx, tx, d)
		}
		if err != nil {
			return fmt.Errorf("cancel deployment: %w", err)
		}
		return nil
	})
	if err != nil || !underWay {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	select {
	case <-c.queue.cancel(id):
	case <-ctx.Done():
	}
	return nil
}

// redeploy queues a deployment of what a user's earlier one deployed, under a new id:
// generated anew, or with rollback the very files of that one. dedupKey is as in
// [repository.insert].
func (c *commands) redeploy(ctx context.Context, user, earlier, id, dedupKey string, rollback bool) error {
	d, err := find(ctx, c.repo.db, user, earlier)
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
	err = c.repo.insert(ctx, contract.ProjectEvent{
		ProjectID: d.projectID, UserID: d.userID, Config: d.config, Name: d.name, Slug: d.slug, Template: d.template,
		DeploymentID: id, Graph: d.graph,
	}, source, dedupKey)
	if err != nil {
		return err
	}
	return c.queue.wake(ctx, d.projectID)
}

// errNoArtifact refuses a rollback to a deployment whose files are not stored.
func errNoArtifact() error {
	return huma.Error409Conflict(fmt.Sprintf(
		"the deployment's files are not kept: there are those of a project's last %d deployments that succeeded", maxArtifacts))
}
