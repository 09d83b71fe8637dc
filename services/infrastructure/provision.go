package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// errCancelled ends a provisioning that is not wanted any more.
var errCancelled = errors.New("the provisioning was cancelled")

// pending is a provisioning that is under way.
type pending struct {
	deploymentID string
	cancel       context.CancelCauseFunc
}

func (r *runtimes) provision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.ProvisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	if err := check(req); err != nil {
		return nil, bus.Permanent(err)
	}
	if err := r.allow(req.Run); err != nil {
		return nil, bus.Permanent(err)
	}
	unsigned := r.verify(m)
	if unsigned != nil && req.Run.Runtime == contract.RuntimeProcess {
		return nil, r.refuse(m, req, unsigned)
	}
	ctx, done := r.begin(ctx, req)
	defer done()
	if err := r.run(ctx, req, unsigned); err != nil {
		if errors.Is(err, errUnsigned) {
			return nil, r.refuse(m, req, unsigned)
		}
		if errors.Is(context.Cause(ctx), errCancelled) {
			err = bus.Permanent(errCancelled)
		}
		return nil, err
	}
	if err := r.routed(ctx, hostOf(req.Slug)); err != nil {
		return nil, err
	}
	u := r.unit(req.ProjectID)
	if u == nil {
		return nil, bus.Permanent(errors.New("the project was removed meanwhile"))
	}
	return contract.ProvisionReply{URL: contract.PublicURL(hostOf(req.Slug), r.opts.HTTPSPort), Address: address(u)}, nil
}

// begin notes a provisioning, so that it can be cancelled.
func (r *runtimes) begin(ctx context.Context, req contract.ProvisionRequest) (context.Context, func()) {
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

// cancelProvision ends a provisioning that is under way, if it is.
func (r *runtimes) cancelProvision(_ context.Context, m *bus.Message) (any, error) {
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

// routeTimeout is how long the gateway may take to read a fragment. It is well
// below what deployment waits for the answer.
const routeTimeout = 5 * time.Second

// routed waits for the gateway.
func (r *runtimes) routed(ctx context.Context, host string) error {
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

// takenError is the answer where a slug is another project's. It is worth some
// more tries: that project may be deleted, and about to be taken down.
type takenError struct{ host string }

func (e *takenError) Error() string  { return "the name " + e.host + " is taken by another project" }
func (e *takenError) Public() string { return e.Error() }

// run puts the files in place, starts what is to run, and has the gateway go
// over to it. The earlier deployment serves until then, and its files go last. A
// project that is a process is changed only where unsigned is nil.
func (r *runtimes) run(ctx context.Context, req contract.ProvisionRequest, unsigned error) error {
	defer r.lock(req.ProjectID)()
	if err := ctx.Err(); err != nil {
		return err // nobody waits for it any more
	}
	before, existed, err := r.find(ctx, req.ProjectID)
	if err != nil {
		return err
	}
	if unsigned != nil && before.run.Runtime == contract.RuntimeProcess {
		return errUnsigned // its next start would run the files
	}
	old := r.unit(req.ProjectID)
	if existed && before.deploymentID == req.DeploymentID && before.slug == req.Slug && old != nil {
		before.port = old.port()
		return writeFragment(r.opts.Fragments, before) // it may be all that was left to do
	}
	if err := r.free(ctx, req.Slug, req.ProjectID); err != nil {
		return bus.Retriable(err)
	}
	rt := runtime{
		projectID: req.ProjectID, deploymentID: req.DeploymentID, userID: req.UserID, slug: req.Slug, port: before.port, run: req.Run,
	}
	if err := writeFiles(r.folder(rt), req.Files); err != nil {
		return err
	}
	if rt.run.Runtime == contract.RuntimeProcess {
		if err := r.build(ctx, rt); err != nil {
			return errors.Join(err, os.RemoveAll(r.folder(rt)))
		}
	}
	next, err := r.start(rt, old)
	if err != nil {
		return err
	}
	if p, ok := next.(*process); ok {
		if err := p.await(ctx); err != nil {
			p.close()
			return errors.Join(err, os.RemoveAll(r.folder(rt)))
		}
	}
	return r.replace(ctx, rt, next, old, before)
}

// replace makes next what runs of a project, in place of old.
func (r *runtimes) replace(ctx context.Context, rt runtime, next, old unit, before runtime) error {
	rt.port = next.port()
	if err := r.record(ctx, rt); err != nil {
		if next != old {
			next.close()
		}
		return bus.Retriable(err)
	}
	r.mu.Lock()
	r.running[rt.projectID] = next
	r.mu.Unlock()
	if old != nil && next != old {
		r.retire(old)
	}
	if err := writeFragment(r.opts.Fragments, rt); err != nil {
		return err
	}
	if before.slug != "" && before.slug != rt.slug {
		if err := removeFragment(r.opts.Fragments, before.slug); err != nil {
			return err
		}
	}
	if before.deploymentID != "" && before.deploymentID != rt.deploymentID {
		return os.RemoveAll(r.folder(before))
	}
	return nil
}

func (r *runtimes) deprovision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.DeprovisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	defer r.lock(req.ProjectID)()
	rt, existed, err := r.find(ctx, req.ProjectID)
	if err != nil || !existed || req.DeploymentID != "" && req.DeploymentID != rt.deploymentID {
		return contract.DeprovisionReply{}, err
	}
	// The route goes first: no request meets a closed port. The row goes last:
	// a crash before it leaves something to deprovision again.
	if err := removeFragment(r.opts.Fragments, rt.slug); err != nil {
		return nil, err
	}
	if u := r.unit(rt.projectID); u != nil {
		u.close()
		r.mu.Lock()
		delete(r.running, rt.projectID)
		r.mu.Unlock()
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(r.sites(), rt.projectID)), r.dropLog(rt.projectID)); err != nil {
		return nil, fmt.Errorf("remove site: %w", err)
	}
	if err := r.forget(ctx, rt.projectID); err != nil {
		return nil, err
	}
	return contract.DeprovisionReply{Removed: true}, nil
}
