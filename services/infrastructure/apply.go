package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"os"

	"axion/services/bus"
	"axion/services/contract"
)

// errUnsigned refuses a request that is not signed and would have to be.
var errUnsigned = errors.New("the request is not signed")

// apply writes the files of a deployment, starts its workload, and switches the gateway to
// it. The earlier deployment is served until then, and its files are removed last. A project
// that is a process is changed only where unsigned is nil.
func (m *manager) apply(ctx context.Context, req contract.ProvisionRequest, unsigned error) error {
	defer m.lock(req.ProjectID)()
	if err := ctx.Err(); err != nil {
		return err // its requester does not wait any more
	}
	before, existed, err := m.repo.find(ctx, req.ProjectID)
	if err != nil {
		return err
	}
	if unsigned != nil && before.run.Runtime == contract.RuntimeProcess {
		return errUnsigned // its next start would run the files
	}
	old := m.workload(req.ProjectID)
	if existed && before.deploymentID == req.DeploymentID && before.slug == req.Slug && old != nil {
		before.port = old.port()
		return m.fragments.write(before) // in case it was not written before
	}
	if err := m.repo.checkSlugFree(ctx, req.Slug, req.ProjectID); err != nil {
		return bus.Retriable(err)
	}
	rt := runtime{
		projectID: req.ProjectID, deploymentID: req.DeploymentID, userID: req.UserID, slug: req.Slug, port: before.port, run: req.Run,
	}
	if err := writeFiles(m.sites.folder(rt), req.Files); err != nil {
		return err
	}
	if rt.run.Runtime == contract.RuntimeProcess {
		if err := m.launcher.build(ctx, rt); err != nil {
			return errors.Join(err, os.RemoveAll(m.sites.folder(rt)))
		}
	}
	next, err := m.start(ctx, rt, old)
	if err != nil {
		return err
	}
	if p, ok := next.(*process); ok {
		if err := p.waitHealthy(ctx); err != nil {
			p.close()
			return errors.Join(err, os.RemoveAll(m.sites.folder(rt)))
		}
	}
	return m.replace(ctx, rt, next, old, before)
}

// replace replaces a project's workload old by next.
func (m *manager) replace(ctx context.Context, rt runtime, next, old workload, before runtime) error {
	rt.port = next.port()
	if err := m.repo.save(ctx, rt); err != nil {
		if next != old {
			next.close()
		}
		return bus.Retriable(err)
	}
	m.mu.Lock()
	m.running[rt.projectID] = next
	m.mu.Unlock()
	if old != nil && next != old {
		m.closeLater(old)
	}
	if err := m.fragments.write(rt); err != nil {
		return err
	}
	if before.slug != "" && before.slug != rt.slug {
		if err := m.fragments.remove(before.slug); err != nil {
			return err
		}
	}
	if before.deploymentID != "" && before.deploymentID != rt.deploymentID {
		return os.RemoveAll(m.sites.folder(before))
	}
	return nil
}

// remove takes a project down, with only if its deployment is that one. It reports whether
// there was one.
func (m *manager) remove(ctx context.Context, projectID, only string) (bool, error) {
	defer m.lock(projectID)()
	rt, existed, err := m.repo.find(ctx, projectID)
	if err != nil || !existed || only != "" && only != rt.deploymentID {
		return false, err
	}
	// The route first: no request meets a closed port. The row last: after a crash before
	// it the project can be removed again.
	if err := m.fragments.remove(rt.slug); err != nil {
		return false, err
	}
	if u := m.workload(projectID); u != nil {
		u.close()
		m.mu.Lock()
		delete(m.running, projectID)
		m.mu.Unlock()
	}
	if err := errors.Join(m.sites.remove(projectID), m.logs.remove(projectID)); err != nil {
		return false, fmt.Errorf("remove site: %w", err)
	}
	return true, m.repo.delete(ctx, projectID)
}
