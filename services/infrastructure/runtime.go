package infrastructure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// runtimes holds what runs: one row and one site a project. The rows are the
// truth; fragments and sites are made from them.
type runtimes struct {
	db   *sql.DB
	log  *slog.Logger
	opts Options
	dir  string

	mu      sync.Mutex // held over each change: two projects may want one slug
	running map[string]*site
}

type runtime struct {
	projectID, deploymentID, slug string
	port                          int
}

func (r *runtimes) sites() string { return filepath.Join(r.dir, "sites") }

// folder is where a deployment's files are.
func (r *runtimes) folder(rt runtime) string {
	return filepath.Join(r.sites(), rt.projectID, rt.deploymentID)
}

// restore starts every recorded project, on its old port where that is free,
// and makes the fragments match.
func (r *runtimes) restore(ctx context.Context) error {
	if err := r.makeDirs(); err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	recorded, err := r.recorded(ctx)
	if err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var up []runtime
	for _, rt := range recorded {
		if err := r.start(ctx, rt); err != nil {
			// One broken project must not keep the others down, nor be routed to
			// a port that may be somebody else's by now.
			r.log.Error("project not started again", "project", rt.projectID, "slug", rt.slug, "error", err)
			continue
		}
		up = append(up, rt)
	}
	return errors.Join(pruneFragments(r.opts.Fragments, up), pruneSites(r.sites(), recorded))
}

func (r *runtimes) recorded(ctx context.Context) ([]runtime, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT project_id, deployment_id, slug, port FROM runtimes ORDER BY project_id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []runtime
	for rows.Next() {
		var rt runtime
		if err := rows.Scan(&rt.projectID, &rt.deploymentID, &rt.slug, &rt.port); err != nil {
			return nil, err
		}
		all = append(all, rt)
	}
	return all, rows.Err()
}

// start makes rt run and be routed: its site serves the deployment's folder, its
// row and fragment say so. Doing it again changes nothing.
func (r *runtimes) start(ctx context.Context, rt runtime) error {
	s := r.running[rt.projectID]
	if s == nil {
		var err error
		if s, err = listen(rt.port, r.log); err != nil {
			return err
		}
	}
	if err := s.serve(r.folder(rt)); err != nil {
		if r.running[rt.projectID] == nil {
			s.close()
		}
		return err
	}
	r.running[rt.projectID] = s
	rt.port = s.port()
	if err := r.record(ctx, rt); err != nil {
		return err
	}
	return writeFragment(r.opts.Fragments, rt)
}

func (r *runtimes) record(ctx context.Context, rt runtime) error {
	_, err := r.db.ExecContext(ctx,
		`INSERT INTO runtimes (project_id, deployment_id, slug, port, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (project_id) DO UPDATE SET deployment_id = excluded.deployment_id, slug = excluded.slug,
			port = excluded.port, updated_at = excluded.updated_at`,
		rt.projectID, rt.deploymentID, rt.slug, rt.port, time.Now().UTC().Format(time.RFC3339Nano))
	if err != nil {
		return fmt.Errorf("record runtime: %w", err)
	}
	return nil
}

func (r *runtimes) find(ctx context.Context, projectID string) (runtime, bool, error) {
	rt := runtime{projectID: projectID}
	err := r.db.QueryRowContext(ctx, `SELECT deployment_id, slug, port FROM runtimes WHERE project_id = ?`, projectID).
		Scan(&rt.deploymentID, &rt.slug, &rt.port)
	if errors.Is(err, sql.ErrNoRows) {
		return rt, false, nil
	}
	if err != nil {
		return rt, false, fmt.Errorf("find runtime: %w", err)
	}
	return rt, true, nil
}

func (r *runtimes) provision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.ProvisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	if err := check(req); err != nil {
		return nil, bus.Permanent(err)
	}
	if err := r.run(ctx, req); err != nil {
		return nil, err
	}
	if err := r.routed(ctx, hostOf(req.Slug)); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.running[req.ProjectID]
	if s == nil {
		return nil, bus.Permanent(errors.New("the project was removed meanwhile"))
	}
	return contract.ProvisionReply{URL: contract.PublicURL(hostOf(req.Slug), r.opts.HTTPSPort), Address: "http://" + s.addr()}, nil
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
		r.log.Warn("no route", "host", host, "error", err)
		return bus.Permanent(fmt.Errorf("the gateway did not route %s in time", host))
	}
	return nil
}

// takenError is the answer where a slug is another project's. It is worth some
// more tries: that project may be deleted, and about to be taken down.
type takenError struct{ host string }

func (e *takenError) Error() string  { return "the name " + e.host + " is taken by another project" }
func (e *takenError) Public() string { return e.Error() }

// run puts the files in place and switches the project's site over to them. The
// earlier deployment serves until then, and its files go last.
func (r *runtimes) run(ctx context.Context, req contract.ProvisionRequest) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, existed, err := r.find(ctx, req.ProjectID)
	if err != nil {
		return err
	}
	if s := r.running[req.ProjectID]; existed && before.deploymentID == req.DeploymentID && before.slug == req.Slug && s != nil {
		before.port = s.port()
		return writeFragment(r.opts.Fragments, before) // it may be all that was left to do
	}
	var owner string
	err = r.db.QueryRowContext(ctx, `SELECT project_id FROM runtimes WHERE slug = ? AND project_id <> ?`, req.Slug, req.ProjectID).Scan(&owner)
	if err == nil {
		return bus.Retriable(&takenError{hostOf(req.Slug)})
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("find runtime: %w", err)
	}
	rt := runtime{projectID: req.ProjectID, deploymentID: req.DeploymentID, slug: req.Slug, port: before.port}
	if err := writeFiles(r.folder(rt), req.Files); err != nil {
		return err
	}
	if err := r.start(ctx, rt); err != nil {
		return err
	}
	if existed && before.slug != rt.slug {
		if err := removeFragment(r.opts.Fragments, before.slug); err != nil {
			return err
		}
	}
	if existed && before.deploymentID != rt.deploymentID {
		return os.RemoveAll(r.folder(before))
	}
	return nil
}

func (r *runtimes) deprovision(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.DeprovisionRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rt, existed, err := r.find(ctx, req.ProjectID)
	if err != nil || !existed {
		return contract.DeprovisionReply{}, err
	}
	// The route goes first: no request meets a closed port. The row goes last:
	// a crash before it leaves something to deprovision again.
	if err := removeFragment(r.opts.Fragments, rt.slug); err != nil {
		return nil, err
	}
	if s := r.running[rt.projectID]; s != nil {
		s.close()
		delete(r.running, rt.projectID)
	}
	if err := os.RemoveAll(filepath.Join(r.sites(), rt.projectID)); err != nil {
		return nil, fmt.Errorf("remove site: %w", err)
	}
	if _, err := r.db.ExecContext(ctx, `DELETE FROM runtimes WHERE project_id = ?`, rt.projectID); err != nil {
		return nil, fmt.Errorf("forget runtime: %w", err)
	}
	return contract.DeprovisionReply{Removed: true}, nil
}

// stop ends the sites; fragments stay, so that their routes are there at the
// next start.
func (r *runtimes) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.running {
		s.close()
		delete(r.running, id)
	}
}
