package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus"
	"axion/services/bus/requester"
	"axion/services/contract"
)

const (
	// attempts is how often a service that does not answer is asked.
	attempts = 3
	// processPatience is how long a project that runs as a process may take to be
	// built and to become healthy.
	processPatience = 5 * time.Minute
)

// advance takes a deployment through the steps it has left. An answer that says
// no, or none after some attempts, ends it as FAILED; what it returns is only
// its own trouble, for which it is to be tried again. ctx may end for a
// cancellation; then the rest, which is undoing, runs in parent.
func (s *service) advance(ctx, parent context.Context, d state) error {
	if d.ended() {
		if d.undo {
			return s.undoLate(ctx, d)
		}
		return nil
	}
	err := errCancelled
	if !d.cancelling {
		err = s.steps(ctx, &d)
	}
	var failed *stepError
	if errors.As(err, &failed) && ctx.Err() == nil && !errors.Is(err, bus.ErrClosed) {
		err = s.fail(ctx, d, failed)
	}
	if errors.Is(err, errCancelled) || errors.Is(context.Cause(ctx), errCancelled) && err != nil {
		return s.abandon(parent, d)
	}
	return err
}

// steps carries out what is left. Its error is a stepError where another service
// is to blame.
func (s *service) steps(ctx context.Context, d *state) error {
	code, err := s.code(ctx, d)
	if err != nil {
		return err
	}
	began := time.Now()
	var site contract.ProvisionReply
	if err := s.provision(ctx, *d, code, s.patienceFor(code), &site); err != nil {
		return err
	}
	return s.succeed(ctx, *d, site.URL, fmt.Sprintf("runs at %s after %s", site.Address, since(began)))
}

// code gives what is to be run: what is stored for the deployment, or else what
// codegen makes of it.
func (s *service) code(ctx context.Context, d *state) (code contract.GenerateCodeReply, err error) {
	code, found, err := s.artifact(ctx, d.id)
	if err != nil || found {
		return code, err
	}
	began := time.Now()
	var unsigned error
	err = s.ask(ctx, d, contract.StepCodegen, s.patience, bus.Call{
		Service: contract.Codegen, Type: contract.GenerateCode, In: contract.GenerateCodeRequest{
			ProjectID: d.projectID, Template: d.template, Name: d.name, Config: d.config, Slug: d.slug, Graph: d.graph,
		}, Out: &code, Accept: func(value []byte, h bus.Headers) error { unsigned = s.verify(value, h); return nil },
	})
	if err == nil && unsigned != nil && code.Run.Runtime == contract.RuntimeProcess {
		err = &stepError{step: contract.StepCodegen, err: &unsignedError{unsigned}}
	}
	if err != nil {
		return code, err
	}
	size := 0
	for _, f := range code.Files {
		size += len(f.Content)
	}
	content, err := packed(code) // here: the database is kept from nobody meanwhile
	if err != nil {
		return code, err
	}
	message := fmt.Sprintf("%s of %s generated from %s in %s",
		english.Plural(len(code.Files), "file", ""), english.Plural(size, "byte", ""), code.Template, since(began))
	return code, s.done(ctx, d, contract.StepCodegen, message, func(tx *sql.Tx) error { return keepArtifact(ctx, tx, *d, content) })
}

func (s *service) patienceFor(code contract.GenerateCodeReply) time.Duration {
	if code.Run.Runtime == contract.RuntimeProcess {
		return max(s.patience, processPatience)
	}
	return s.patience
}

func (s *service) provision(ctx context.Context, d state, code contract.GenerateCodeReply, patience time.Duration,
	site *contract.ProvisionReply) error {
	return s.ask(ctx, &d, contract.StepProvision, patience, bus.Call{
		Service: contract.Infrastructure, Type: contract.Provision, In: contract.ProvisionRequest{
			ProjectID: d.projectID, DeploymentID: d.id, UserID: d.userID, Slug: d.slug, Files: code.Files, Run: code.Run,
		}, Out: site, Headers: s.signing(patience),
	})
}

// stepError is the failure of another service in a step, and what it was asked.
type stepError struct {
	step  string
	err   error
	asked unanswered
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// reason is what the deployment's owner is told.
func (e *stepError) reason() string {
	var public interface{ Public() string }
	switch {
	case errors.As(e.err, &public):
		return public.Public()
	case errors.Is(e.err, bus.ErrTooLarge):
		return fmt.Sprintf("the generated files are too large to send: more than %d bytes", bus.MaxMessage)
	}
	return "internal error"
}

// failing notes err, where it is one, in a deployment's span, and passes it on.
func failing(span trace.Span, err error) error {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// fail ends the deployment. What a refused provisioning has changed is undone; what one
// changes that has not been answered is, once it is.
func (s *service) fail(ctx context.Context, d state, cause *stepError) error {
	s.Log.WarnContext(ctx, "deployment failed", "deployment", d.id, "project", d.projectID, "step", cause.step, "error", cause.err)
	_ = failing(trace.SpanFromContext(ctx), cause)
	var refused *bus.RemoteError
	var undone error
	if cause.step == contract.StepProvision && errors.As(cause, &refused) {
		undone = s.undo(ctx, d)
	}
	if cause.step == contract.StepProvision && refused == nil {
		defer s.lookForAnswers()
	} else {
		cause.asked = unanswered{}
	}
	reason := cause.step + ": " + cause.reason()
	return s.step(ctx, d.id, `status = 'FAILED', error = ?`, []any{reason}, func(tx *sql.Tx) error {
		return errors.Join(cause.asked.keep(ctx, tx, d.id), s.owe(ctx, tx, d, undone),
			note(ctx, tx, d.id, line{step: cause.step, level: levelError, message: cause.reason()}),
			s.tell(ctx, tx, contract.DeploymentFailed, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, Error: reason}))
	})
}

// ask calls a service, again where it did not answer in time. It fails with a
// stepError.
func (s *service) ask(ctx context.Context, d *state, step string, patience time.Duration, call bus.Call) error {
	call.Key = d.projectID
	if call.Topic == "" {
		call.Topic = contract.Topic(call.Service)
	}
	asked := unanswered{after: s.Bus.AnswersFrom()}
	for attempt := 1; ; attempt++ {
		call.ID = requester.NewID()
		asked.requests = append(asked.requests, call.ID)
		err := s.askOnce(ctx, patience, call)
		switch {
		case err == nil:
			return nil
		case attempt == attempts, !late(err), ctx.Err() != nil:
			return &stepError{step, err, asked}
		}
		warning := line{step: step, level: levelWarn, message: fmt.Sprintf("%s; asking again", (&stepError{err: err}).reason())}
		if err := s.change(ctx, func(tx *sql.Tx) error { return note(ctx, tx, d.id, warning) }); err != nil {
			return err
		}
	}
}

// late reports whether a request was not carried out, or not in time: it may be asked
// again.
func late(err error) bool {
	var timeout *bus.TimeoutError
	return errors.As(err, &timeout) || errors.Is(err, bus.ErrExpired)
}

// lookForAnswers has late answers looked for.
func (s *service) lookForAnswers() {
	select {
	case s.gaveUp <- struct{}{}:
	default:
	}
}

func (s *service) askOnce(ctx context.Context, patience time.Duration, call bus.Call) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Bus.Request(ctx, call)
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
