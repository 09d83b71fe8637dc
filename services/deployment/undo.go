package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"axion/services/bus"
	"axion/services/contract"
)

// finishCancelled undoes a deployment that was cancelled under way, and ends it, unless it
// has ended meanwhile.
func (r *runner) finishCancelled(ctx context.Context, d state) error {
	d, err := r.repo.load(ctx, d.id)
	if err != nil || d.ended() {
		return err
	}
	undone := r.undo(ctx, d)
	if ctx.Err() != nil {
		return ctx.Err() // it is undone at the next start
	}
	return r.repo.inTx(ctx, func(tx *sql.Tx) error {
		return errors.Join(r.repo.setCancelled(ctx, tx, d), r.repo.deferUndo(ctx, tx, d, undone))
	})
}

// undo puts the last deployment of the project that succeeded back in place, or
// takes down what there is where there was none. Where it fails it is to be tried again:
// see [repository.deferUndo].
func (r *runner) undo(ctx context.Context, d state) error {
	err := r.tryUndo(ctx, d)
	if err != nil {
		r.log.WarnContext(ctx, "deployment not undone yet", "deployment", d.id, "project", d.projectID, "error", err)
	}
	return err
}

// tryUndo is undo without its log.
func (r *runner) tryUndo(ctx context.Context, d state) error {
	code, found, err := r.repo.artifact(ctx, d.id)
	if err != nil || !found {
		return err // nothing was provisioned yet
	}
	if code.Run.Runtime == contract.RuntimeProcess {
		r.client.cancelProvision(ctx, d)
	}
	_, err = r.restorePrevious(ctx, d, "")
	return err
}

// restorePrevious puts the last deployment of d's project that succeeded back in place,
// and returns its id. Where there is none it takes down what runs: with only, if that
// deployment has made it.
func (r *runner) restorePrevious(ctx context.Context, d state, only string) (before string, err error) {
	if before, err = r.repo.lastLive(ctx, d.projectID); err != nil {
		return "", err
	}
	code, found, err := r.repo.artifact(ctx, before)
	if err != nil {
		return "", err
	}
	if !found {
		return "", r.client.deprovision(ctx, contract.DeprovisionRequest{ProjectID: d.projectID, DeploymentID: only})
	}
	last, err := r.repo.load(ctx, before)
	if err != nil {
		return "", err
	}
	return before, r.client.provision(ctx, last, code, &contract.ProvisionReply{})
}

// undoLate undoes a deployment that has ended, unless a newer one is live. With an error
// it is to be tried again.
func (r *runner) undoLate(ctx context.Context, d state) error {
	newer, err := r.repo.newerLive(ctx, d)
	if err != nil {
		return err
	}
	result := line{step: contract.StepProvision}
	if newer != "" {
		result.message = "nothing to undo: deployment " + newer + " is live"
	} else {
		var refused *bus.RemoteError
		back, err := r.restorePrevious(ctx, d, d.id)
		switch {
		case errors.As(err, &refused) && !errors.Is(err, bus.ErrExpired):
			result.level, result.message = levelError, "not undone: "+refused.Public()
		case err != nil:
			return err
		case back == "":
			result.message = "undone: what ran of it is taken down"
		default:
			result.message = "undone: deployment " + back + " is back in place"
		}
	}
	r.log.InfoContext(ctx, "late deployment", "deployment", d.id, "project", d.projectID, "result", result.message)
	return r.repo.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE deployments SET undo = FALSE, owner = '', lease = 0 WHERE id = $1`, d.id); err != nil {
			return fmt.Errorf("undo deployment: %w", err)
		}
		return appendLog(ctx, tx, d.id, result)
	})
}
