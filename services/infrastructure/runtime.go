package infrastructure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"axion/services/contract"
	"axion/services/signature"
)

// runtimes holds what runs: one row and one unit a project. The rows are the
// truth; fragments and units are made from them.
type runtimes struct {
	db   *sql.DB
	log  *slog.Logger
	opts Options
	dir  string
	key  signature.Key // of requests that have a command run

	reaper  *reaper
	starter *starter

	refusing sync.Once // of those that are not signed: one is told of
	projects sync.Map  // *sync.Mutex by project id: its changes come one after the other

	mu      sync.Mutex // guards what follows
	running map[string]unit
	pending map[string]pending  // by project id
	logs    map[string]*logFile // by project id
	stopped chan struct{}       // closed by stop
	retired sync.WaitGroup      // units that are being replaced
}

// unit is what runs of one project: its files, or its process.
type unit interface {
	port() int
	status() status
	// close ends it, and returns when it has ended.
	close()
}

// status is how a unit is.
type status struct {
	state    string
	pid      int
	restarts int
	problem  string
	started  time.Time
}

func address(u unit) string { return fmt.Sprintf("http://127.0.0.1:%d", u.port()) }

func (r *runtimes) sites() string { return filepath.Join(r.dir, "sites") }

// folder is where a deployment's files are.
func (r *runtimes) folder(rt runtime) string {
	return filepath.Join(r.sites(), rt.projectID, rt.deploymentID)
}

// lock waits for a project's turn to be changed.
func (r *runtimes) lock(projectID string) (unlock func()) {
	mu, _ := r.projects.LoadOrStore(projectID, &sync.Mutex{})
	mu.(*sync.Mutex).Lock()
	return mu.(*sync.Mutex).Unlock
}

func (r *runtimes) unit(projectID string) unit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[projectID]
}

// restore starts every recorded project, on its old port where that is free,
// and makes the fragments match. It does not wait until processes are healthy.
func (r *runtimes) restore(ctx context.Context) error {
	if err := r.makeDirs(); err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	recorded, err := r.recorded(ctx, "")
	if err = errors.Join(err, r.reaper.sweepLast()); err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	var up []runtime
	for _, rt := range recorded {
		if err := r.resume(ctx, rt); err != nil {
			// One broken project must not keep the others down, nor be routed to
			// a port that may be somebody else's by now.
			r.log.Error("project not started again", "project", rt.projectID, "slug", rt.slug, "error", err)
			continue
		}
		up = append(up, rt)
	}
	return errors.Join(pruneFragments(r.opts.Fragments, up), pruneSites(r.sites(), recorded))
}

// resume makes a recorded project run again.
func (r *runtimes) resume(ctx context.Context, rt runtime) error {
	if err := r.allow(rt.run); err != nil {
		return err
	}
	u, err := r.start(rt, nil)
	if err != nil {
		return err
	}
	rt.port = u.port()
	r.mu.Lock()
	r.running[rt.projectID] = u
	r.mu.Unlock()
	return errors.Join(r.record(ctx, rt), writeFragment(r.opts.Fragments, rt))
}

// start makes what rt says run. A site that runs already goes over to rt's
// files; a process is a new one.
func (r *runtimes) start(rt runtime, now unit) (unit, error) {
	if rt.run.Runtime == contract.RuntimeProcess {
		return r.spawn(rt)
	}
	if s, ok := now.(*site); ok {
		return s, s.serve(r.folder(rt))
	}
	s, err := listen(rt.port, r.log)
	if err != nil {
		return nil, err
	}
	if err := s.serve(r.folder(rt)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// replaced is how long a unit goes on after another has taken its place: the
// gateway reads of the new one meanwhile.
const replaced = time.Second

// retire ends a unit in a while.
func (r *runtimes) retire(u unit) {
	r.retired.Go(func() {
		timer := time.NewTimer(replaced)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.stopped:
		}
		u.close()
	})
}

// stop ends all units; fragments stay, so that their routes are there at the
// next start.
func (r *runtimes) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.stopped)
	for id, u := range r.running {
		r.retired.Go(u.close)
		delete(r.running, id)
	}
	r.retired.Wait()
	r.reaper.end()
	r.starter.end()
	for _, log := range r.logs {
		log.close()
	}
}
