package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"axion/services/bus"
	"axion/services/bus/requester"
	"axion/services/contract"
	"axion/services/signature"
)

const (
	// attempts bounds the requests to a service that does not reply.
	attempts = 3
	// processTimeout bounds how long a project that runs as a process is built, until it
	// is healthy.
	processTimeout = 5 * time.Minute
)

// client requests the work of other services.
type client struct {
	bus     *bus.Bus
	repo    *repository
	key     signature.Key // of requests that have a command run, and of replies
	timeout time.Duration // of one request
	log     *slog.Logger
}

// request calls a service, and again where it did not reply in time. It fails with a
// stepError.
func (c *client) request(ctx context.Context, d *state, step string, timeout time.Duration, call bus.Call) error {
	call.Key = d.projectID
	if call.Topic == "" {
		call.Topic = contract.Topic(call.Service)
	}
	sent := unanswered{after: c.bus.AnswersFrom()}
	for attempt := 1; ; attempt++ {
		call.ID = requester.NewID()
		sent.requests = append(sent.requests, call.ID)
		err := c.requestOnce(ctx, timeout, call)
		switch {
		case err == nil:
			return nil
		case attempt == attempts, !late(err), ctx.Err() != nil:
			return &stepError{step, err, sent}
		}
		warning := line{step: step, level: levelWarn, message: fmt.Sprintf("%s; asking again", (&stepError{err: err}).reason())}
		if err := c.repo.inTx(ctx, func(tx *sql.Tx) error { return appendLog(ctx, tx, d.id, warning) }); err != nil {
			return err
		}
	}
}

// requestOnce is request without a second attempt.
func (c *client) requestOnce(ctx context.Context, timeout time.Duration, call bus.Call) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.bus.Request(ctx, call)
}

// late reports whether a request was not carried out, or not in time: it may be sent
// again.
func late(err error) bool {
	var timeout *bus.TimeoutError
	return errors.As(err, &timeout) || errors.Is(err, bus.ErrExpired)
}

// generate requests a deployment's code from codegen-service. Unsigned code that has a
// command run is refused.
func (c *client) generate(ctx context.Context, d *state) (code contract.GenerateCodeReply, err error) {
	var unsigned error
	err = c.request(ctx, d, contract.StepCodegen, c.timeout, bus.Call{
		Service: contract.Codegen, Type: contract.GenerateCode, In: contract.GenerateCodeRequest{
			ProjectID: d.projectID, Template: d.template, Name: d.name, Config: d.config, Slug: d.slug, Graph: d.graph,
		}, Out: &code, Accept: func(value []byte, h bus.Headers) error { unsigned = c.verifyCode(value, h); return nil },
	})
	if err == nil && unsigned != nil && code.Run.Runtime == contract.RuntimeProcess {
		err = &stepError{step: contract.StepCodegen, err: &unsignedError{unsigned}}
	}
	return code, err
}

// provision requests that infrastructure-service runs a deployment's code.
func (c *client) provision(ctx context.Context, d state, code contract.GenerateCodeReply, site *contract.ProvisionReply) error {
	timeout := c.timeout
	if code.Run.Runtime == contract.RuntimeProcess {
		timeout = max(timeout, processTimeout)
	}
	return c.request(ctx, &d, contract.StepProvision, timeout, bus.Call{
		Service: contract.Infrastructure, Type: contract.Provision, In: contract.ProvisionRequest{
			ProjectID: d.projectID, DeploymentID: d.id, UserID: d.userID, Slug: d.slug, Files: code.Files, Run: code.Run,
		}, Out: site, Headers: c.signProvision(timeout),
	})
}

// cancelProvision spares waiting for a process that is being built or started. Where the
// request is not known there, the wait is as long as without it.
func (c *client) cancelProvision(ctx context.Context, d state) {
	err := c.requestOnce(ctx, cancelTimeout, bus.Call{
		Topic: contract.PatternTopic(contract.Infrastructure, contract.CancelProvision), Service: contract.Infrastructure,
		Type: contract.CancelProvision, Key: d.projectID,
		In: contract.CancelProvisionRequest{ProjectID: d.projectID, DeploymentID: d.id},
	})
	if err != nil {
		c.log.WarnContext(ctx, "provisioning not cancelled", "deployment", d.id, "project", d.projectID, "error", err)
	}
}

// deprovision requests that a project's site is taken down.
func (c *client) deprovision(ctx context.Context, in contract.DeprovisionRequest) error {
	return c.request(ctx, &state{projectID: in.ProjectID}, contract.StepProvision, c.timeout, bus.Call{
		Service: contract.Infrastructure, Type: contract.Deprovision, In: in, Out: &contract.DeprovisionReply{},
	})
}

// signProvision returns the headers of a request to provision. They are valid for its
// timeout and a minute.
func (c *client) signProvision(timeout time.Duration) func(value []byte) []bus.Header {
	return func(value []byte) []bus.Header {
		text := c.key.Sign(contract.Provision, value, time.Now().Add(timeout+time.Minute))
		return []bus.Header{{Key: signature.Header, Value: []byte(text)}}
	}
}

// verifyCode returns an error where the signature of generated code is not valid. Code
// that has a command run must be signed with the stack's key: this service signs what it
// passes on.
func (c *client) verifyCode(value []byte, h bus.Headers) error {
	return c.key.Verify(h.Get(signature.Header), contract.GenerateCode+signature.Answer, value, time.Now())
}

// stepError is the failure of another service in a step, with the requests to it.
type stepError struct {
	step       string
	err        error
	unanswered unanswered
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// reason returns the text for the deployment's owner.
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

// unsignedError refuses a reply that has a command run, and that any client of the broker
// may have sent.
type unsignedError struct{ err error }

func (e *unsignedError) Error() string {
	return fmt.Sprintf("the answer has a command run, and %v; hint: what is in codegen-service's place signs it with the key that "+
		"`axion env` prints, in the header %s", e.err, signature.Header)
}
func (e *unsignedError) Unwrap() error { return e.err }

// Public returns the text for the project's owner.
func (e *unsignedError) Public() string { return e.Error() }
