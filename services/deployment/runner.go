package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dustin/go-humanize/english"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus"
	"axion/services/contract"
)

// runner carries out deployments: it takes each through its steps, and undoes what one
// that failed or was cancelled has changed.
type runner struct {
	repo   *repository
	client *client
	log    *slog.Logger
	gaveUp func() // notifies who looks for late replies
}

// run takes a deployment through the steps it has left. A reply that refuses, or none
// after some attempts, ends it as FAILED; what run returns is an error of this service
// alone, for which it is to be run again. ctx may end for a cancellation; then the rest,
// which is undoing, runs in parent.
func (r *runner) run(ctx, parent context.Context, d state) error {
	if d.ended() {
		if d.undo {
			return r.undoLate(ctx, d)
		}
		return nil
	}
	err := errCancelled
	if !d.cancelRequested {
		err = r.runSteps(ctx, &d)
	}
	var failed *stepError
	if errors.As(err, &failed) && ctx.Err() == nil && !errors.Is(err, bus.ErrClosed) {
		err = r.fail(ctx, d, failed)
	}
	if errors.Is(err, errCancelled) || errors.Is(context.Cause(ctx), errCancelled) && err != nil {
		return r.finishCancelled(parent, d)
	}
	return err
}

// runSteps carries out what is left. Its error is a stepError where another service
// failed.
func (r *runner) runSteps(ctx context.Context, d *state) error {
	code, err := r.code(ctx, d)
	if err != nil {
		return err
	}
	began := time.Now()
	var site contract.ProvisionReply
	if err := r.client.provision(ctx, *d, code, &site); err != nil {
		return err
	}
	return r.repo.succeed(ctx, *d, site.URL, fmt.Sprintf("runs at %s after %s", site.Address, since(began)))
}

// code returns what is to be run: what is stored for the deployment, or else what
// codegen generates for it.
func (r *runner) code(ctx context.Context, d *state) (code contract.GenerateCodeReply, err error) {
	code, found, err := r.repo.artifact(ctx, d.id)
	if err != nil || found {
		return code, err
	}
	began := time.Now()
	if code, err = r.client.generate(ctx, d); err != nil {
		return code, err
	}
	size := 0
	for _, f := range code.Files {
		size += len(f.Content)
	}
	content, err := packArtifact(code) // before the transaction, which blocks others
	if err != nil {
		return code, err
	}
	message := fmt.Sprintf("%s of %s generated from %s in %s",
		english.Plural(len(code.Files), "file", ""), english.Plural(size, "byte", ""), code.Template, since(began))
	return code, r.repo.completeStep(ctx, d, contract.StepCodegen, message, func(tx *sql.Tx) error {
		return saveArtifact(ctx, tx, *d, content)
	})
}

// fail ends the deployment as FAILED. What a refused provisioning has changed is undone
// now, what an unanswered one changes is undone once its reply has come.
func (r *runner) fail(ctx context.Context, d state, cause *stepError) error {
	r.log.WarnContext(ctx, "deployment failed", "deployment", d.id, "project", d.projectID, "step", cause.step, "error", cause.err)
	_ = recordError(trace.SpanFromContext(ctx), cause)
	var refused *bus.RemoteError
	var undone error
	if cause.step == contract.StepProvision && errors.As(cause, &refused) {
		undone = r.undo(ctx, d)
	}
	if cause.step == contract.StepProvision && refused == nil {
		defer r.gaveUp()
	} else {
		cause.unanswered = unanswered{}
	}
	reason := cause.step + ": " + cause.reason()
	return r.repo.updateStarted(ctx, d.id, `status = 'FAILED', error = $3`, []any{reason}, func(tx *sql.Tx) error {
		return errors.Join(cause.unanswered.save(ctx, tx, d.id), r.repo.deferUndo(ctx, tx, d, undone),
			appendLog(ctx, tx, d.id, line{step: cause.step, level: levelError, message: cause.reason()}),
			r.repo.enqueueEvent(ctx, tx, contract.DeploymentFailed,
				contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, Error: reason}))
	})
}

// recordError records err, where it is one, in a deployment's span, and returns it.
func recordError(span trace.Span, err error) error {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// since returns the time since t, to the millisecond.
func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
