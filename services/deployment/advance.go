package deployment

import (
	"context"
	"errors"
	"fmt"

	"axion/services/bus"
	"axion/services/contract"
)

// attempts is how often a service that does not answer is asked.
const attempts = 3

// advance takes a deployment through the steps it has left. An answer that says
// no, or none after some attempts, ends it as FAILED; what it returns is only
// its own trouble, for which the event will be delivered again.
func (s *service) advance(ctx context.Context, d state) error {
	var code contract.GenerateCodeReply
	err := s.ask(ctx, contract.Codegen, contract.GenerateCode, d.projectID, contract.GenerateCodeRequest{
		ProjectID: d.projectID, Template: d.template, Name: d.name, Config: d.config, Slug: d.slug, Graph: d.graph,
	}, &code)
	if err != nil {
		return s.fail(ctx, d, contract.StepCodegen, err)
	}
	// Asked for again even where this step is done: its files are not kept here,
	// and the same request gives the same files.
	if d.step == "" {
		if err := s.done(ctx, &d, contract.StepCodegen); err != nil {
			return err
		}
	}
	var site contract.ProvisionReply
	err = s.ask(ctx, contract.Infrastructure, contract.Provision, d.projectID, contract.ProvisionRequest{
		ProjectID: d.projectID, DeploymentID: d.id, Slug: d.slug, Files: code.Files,
	}, &site)
	if err != nil {
		return s.fail(ctx, d, contract.StepProvision, err)
	}
	if err := s.done(ctx, &d, contract.StepProvision); err != nil {
		return err
	}
	return s.end(ctx, d, succeeded, site.URL, "")
}

// fail ends the deployment, unless it was this service that is stopping.
func (s *service) fail(ctx context.Context, d state, step string, cause error) error {
	if ctx.Err() != nil || errors.Is(cause, bus.ErrClosed) {
		return cause
	}
	s.Log.Warn("deployment failed", "deployment", d.id, "project", d.projectID, "step", step, "error", cause)
	reason := "internal error"
	if errors.Is(cause, bus.ErrTooLarge) {
		reason = fmt.Sprintf("the generated files are too large to send: more than %d bytes", bus.MaxMessage)
	}
	var public interface{ Public() string }
	if errors.As(cause, &public) {
		reason = public.Public()
	}
	return s.end(ctx, d, failed, "", step+": "+reason)
}

// ask calls a service, again where it did not answer in time.
func (s *service) ask(ctx context.Context, service, typ, key string, in, out any) error {
	var err error
	for range attempts {
		err = s.askOnce(ctx, bus.Call{
			Topic: contract.Topic(service), Service: service, Type: typ, Key: key, In: in, Out: out,
		})
		var timeout *bus.TimeoutError
		if !errors.As(err, &timeout) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (s *service) askOnce(ctx context.Context, call bus.Call) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return s.Bus.Request(ctx, call)
}
