package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/signature"
)

// requests handles the requests of deployment-service.
type requests struct {
	manager *manager
	key     signature.Key // of requests that have a command run
	opts    Options
	log     *slog.Logger
	refused sync.Once // a request that is not signed: the first one is logged

	mu      sync.Mutex
	pending map[string]pending // by project id
}

// register registers the handlers.
func (r *requests) register(b *bus.Bus) {
	b.Handle(contract.Provision, r.provision)
	b.Handle(contract.CancelProvision, r.cancelProvision)
	b.Handle(contract.Deprovision, r.deprovision)
}

// errCancelled ends a provisioning that was cancelled.
var errCancelled = errors.New("the provisioning was cancelled")

// pending is a provisioning that is under way.
type pending struct {
	deploymentID string
	cancel       context.CancelCauseFunc
}

// provision handles PROVISION.
func (r *requests) provision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.ProvisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	if err := check(req); err != nil {
		return nil, bus.Permanent(err)
	}
	if err := r.manager.launcher.checkAllowed(req.Run); err != nil {
		return nil, bus.Permanent(err)
	}
	unsigned := r.verify(m)
	if unsigned != nil && req.Run.Runtime == contract.RuntimeProcess {
		return nil, r.refuse(m, req, unsigned)
	}
	ctx, done := r.begin(ctx, req)
	defer done()
	if err := r.manager.apply(ctx, req, unsigned); err != nil {
		if errors.Is(err, errUnsigned) {
			return nil, r.refuse(m, req, unsigned)
		}
		if errors.Is(context.Cause(ctx), errCancelled) {
			err = bus.Permanent(errCancelled)
		}
		return nil, err
	}
	if err := r.waitRouted(ctx, hostOf(req.Slug)); err != nil {
		return nil, err
	}
	u := r.manager.workload(req.ProjectID)
	if u == nil {
		return nil, bus.Permanent(errors.New("the project was removed meanwhile"))
	}
	return contract.ProvisionReply{URL: contract.PublicURL(hostOf(req.Slug), r.opts.HTTPSPort), Address: address(u)}, nil
}

// begin registers a provisioning, so that it can be cancelled.
func (r *requests) begin(ctx context.Context, req contract.ProvisionRequest) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending[req.ProjectID] = pending{req.DeploymentID, cancel}
	return ctx, func() {
		cancel(nil)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.pending[req.ProjectID].deploymentID == req.DeploymentID {
			delete(r.pending, req.ProjectID)
		}
	}
}

// cancelProvision handles CANCEL_PROVISION: it ends a provisioning that is under way.
func (r *requests) cancelProvision(_ context.Context, m *bus.Message) (any, error) {
	var req contract.CancelProvisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.pending[req.ProjectID]; ok && p.deploymentID == req.DeploymentID {
		p.cancel(errCancelled)
	}
	return nil, nil
}

// deprovision handles DEPROVISION.
func (r *requests) deprovision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.DeprovisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	removed, err := r.manager.remove(ctx, req.ProjectID, req.DeploymentID)
	if err != nil {
		return nil, err
	}
	return contract.DeprovisionReply{Removed: removed}, nil
}

// routeTimeout bounds the time until the gateway has read a fragment. It is well below
// deployment-service's timeout.
const routeTimeout = 5 * time.Second

// waitRouted waits until the gateway routes a host.
func (r *requests) waitRouted(ctx context.Context, host string) error {
	if r.opts.Routed == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, routeTimeout)
	defer cancel()
	if err := r.opts.Routed(ctx, host); err != nil {
		r.log.WarnContext(ctx, "no route", "host", host, "error", err)
		return bus.Permanent(fmt.Errorf("the gateway did not route %s in time", host))
	}
	return nil
}

// verify returns an error where the signature of a request to provision is not valid.
func (r *requests) verify(m *bus.Message) error {
	return r.key.Verify(m.Headers.Get(signature.Header), contract.Provision, m.Value, time.Now())
}

// refuse refuses a request that has a command run, or changes the files of one that runs,
// and that any client of Kafka may have sent. The first one is logged.
func (r *requests) refuse(m *bus.Message, req contract.ProvisionRequest, why error) error {
	r.refused.Do(func() {
		r.log.Warn("provisioning of a process refused; further ones are not logged: "+why.Error(), "project", req.ProjectID,
			"topic", m.Topic, "partition", m.Partition, "offset", m.Offset,
			"hint", "a service in deployment-service's place signs such requests with the key that `axion env` prints")
	})
	return bus.Permanent(fmt.Errorf("run: the runtime %q needs a signed request: %w; "+
		"hint: sign it with the key that `axion env` prints, in the header %s",
		contract.RuntimeProcess, why, signature.Header))
}
