package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
)

// cancelTime is how long a cancellation waits for what is under way to end, so
// that its answer tells of it.
const cancelTime = 3 * time.Second

// cancel ends a deployment: at once where it waits, otherwise as soon as what it
// has changed is undone. One that has ended stays so: that is a conflict.
func (s *service) cancel(ctx context.Context, user, id string) error {
	underWay := false
	err := s.change(ctx, func(tx *sql.Tx) error {
		d, err := find(ctx, tx, user, id)
		if err != nil {
			return err
		}
		switch {
		case d.ended():
			return huma.Error409Conflict("the deployment has ended: it is " + d.status)
		case d.status == contract.StatusStarted:
			underWay = true
			_, err = tx.ExecContext(ctx, `UPDATE deployments SET cancelling = TRUE WHERE id = ?`, id)
		default:
			err = s.cancelled(ctx, tx, d)
		}
		if err != nil {
			return fmt.Errorf("cancel deployment: %w", err)
		}
		return nil
	})
	if err != nil || !underWay {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, cancelTime)
	defer stop()
	select {
	case <-s.queue.cancel(id):
	case <-ctx.Done():
	}
	return nil
}

// cancelAll ends the deployments of a deleted project, and drops the files that
// undoing would put back. Those that are being undone are for the caller to interrupt.
func (s *service) cancelAll(ctx context.Context, projectID string) (undoing []string, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE project_id = ?`, projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deployments SET cancelling = TRUE WHERE project_id = ? AND status = 'STARTED'`,
			projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		if undoing, err = texts(ctx, tx, `UPDATE deployments SET undo = FALSE WHERE project_id = ? AND undo RETURNING id`,
			projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		waiting, err := texts(ctx, tx, `SELECT id FROM deployments WHERE project_id = ? AND status = 'PENDING'`, projectID)
		for _, id := range waiting {
			err = errors.Join(err, s.cancelled(ctx, tx, state{id: id, projectID: projectID}))
		}
		if err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		return nil
	})
	return undoing, err
}

// cancelled records that a deployment has ended as CANCELLED.
func (s *service) cancelled(ctx context.Context, tx *sql.Tx, d state) error {
	_, err := tx.ExecContext(ctx, `UPDATE deployments SET status = 'CANCELLED', updated_at = ? WHERE id = ?`, now(), d.id)
	return errors.Join(err, note(ctx, tx, d.id, line{level: levelWarn, message: "cancelled"}),
		s.tell(ctx, tx, contract.DeploymentCancelled, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id}))
}

// abandon undoes a deployment that was cancelled under way, unless it ended
// meanwhile.
func (s *service) abandon(ctx context.Context, d state) error {
	d, err := s.load(ctx, d.id)
	if err != nil || d.ended() {
		return err
	}
	undone := s.undo(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err() // it is undone at the next start
	}
	return s.change(ctx, func(tx *sql.Tx) error { return errors.Join(s.cancelled(ctx, tx, d), s.owe(ctx, tx, d, undone)) })
}

// undo puts the last deployment of the project that succeeded back in place, or
// takes down what there is where there was none. Where it fails it is to be tried again:
// see owe.
func (s *service) undo(ctx context.Context, d state) error {
	err := s.tryUndo(ctx, d)
	if err != nil {
		s.Log.WarnContext(ctx, "deployment not undone yet", "deployment", d.id, "project", d.projectID, "error", err)
	}
	return err
}

// owe has the queue undo a deployment that has ended, where that failed for want of an
// answer.
func (s *service) owe(ctx context.Context, tx *sql.Tx, d state, failed error) error {
	var late *bus.TimeoutError
	if !errors.As(failed, &late) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE deployments SET undo = TRUE WHERE id = ?`, d.id); err != nil {
		return fmt.Errorf("undo deployment: %w", err)
	}
	return note(ctx, tx, d.id, line{step: contract.StepProvision, level: levelWarn, message: "not undone yet: " + late.Public()})
}

func (s *service) tryUndo(ctx context.Context, d state) error {
	begun, found, err := s.artifact(ctx, d.id)
	if err != nil || !found {
		return err // nothing was provisioned yet
	}
	if begun.Run.Runtime == contract.RuntimeProcess {
		s.cancelProvision(ctx, d)
	}
	_, err = s.putBack(ctx, d, "")
	return err
}

// putBack puts the last deployment of d's project that succeeded back in place, whose id
// it returns. Where there is none it takes down what runs; with only, if that is what
// this deployment made.
func (s *service) putBack(ctx context.Context, d state, only string) (before string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = ? AND status = 'SUCCEEDED' ORDER BY queued DESC LIMIT 1`,
		d.projectID).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	code, found, err := s.artifact(ctx, before)
	if err != nil {
		return "", err
	}
	if !found {
		return "", s.deprovision(ctx, contract.DeprovisionRequest{ProjectID: d.projectID, DeploymentID: only})
	}
	last, err := s.load(ctx, before)
	if err != nil {
		return "", err
	}
	return before, s.provision(ctx, last, code, s.patienceFor(code), &contract.ProvisionReply{})
}

// cancelProvision spares waiting for a process that is being built or started.
// Where nobody understands the request, the wait is what it is.
func (s *service) cancelProvision(ctx context.Context, d state) {
	err := s.askOnce(ctx, cancelTime, bus.Call{
		Topic: contract.PatternTopic(contract.Infrastructure, contract.CancelProvision), Service: contract.Infrastructure,
		Type: contract.CancelProvision, Key: d.projectID,
		In: contract.CancelProvisionRequest{ProjectID: d.projectID, DeploymentID: d.id},
	})
	if err != nil {
		s.Log.WarnContext(ctx, "provisioning not cancelled", "deployment", d.id, "project", d.projectID, "error", err)
	}
}

// deprovision has a project's site taken down.
func (s *service) deprovision(ctx context.Context, in contract.DeprovisionRequest) error {
	return s.ask(ctx, &state{projectID: in.ProjectID}, contract.StepProvision, s.patience, bus.Call{
		Service: contract.Infrastructure, Type: contract.Deprovision, In: in, Out: &contract.DeprovisionReply{},
	})
}

// forget drops what the deployments of a deleted project say. Their rows stay: a
// redelivered PROJECT_CREATED must not deploy it again.
func (s *service) forget(ctx context.Context, projectID string) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM artifacts WHERE project_id = ?`,
			`DELETE FROM unanswered WHERE deployment_id IN (SELECT id FROM deployments WHERE project_id = ?)`,
			`DELETE FROM logs WHERE deployment_id IN (SELECT id FROM deployments WHERE project_id = ?)`,
			`UPDATE deployments SET status = 'CANCELLED', user_id = '', name = '', config = '{}', graph = '', url = '', error = '' WHERE project_id = ?`,
		} {
			if _, err := tx.ExecContext(ctx, statement, projectID); err != nil {
				return fmt.Errorf("forget project: %w", err)
			}
		}
		return nil
	})
}
