package infrastructure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"axion/services/contract"
)

// manager runs projects: one row and one workload each. Fragments and workloads follow the
// rows.
type manager struct {
	repo      *repository
	sites     sites
	fragments fragments
	logs      *logs
	launcher  *launcher
	log       *slog.Logger

	projects sync.Map // *sync.Mutex by project id: a project's changes are serialized

	mu      sync.Mutex // guards what follows
	running map[string]workload
	stopped chan struct{}  // closed by stop
	closing sync.WaitGroup // workloads that are being closed
}

// workload is what runs of one project: its files, or its process.
type workload interface {
	port() int
	status() status
	// close ends the workload, and returns when it has ended.
	close()
}

// status is the state of a workload.
type status struct {
	state    string
	pid      int
	restarts int
	problem  string
	started  time.Time
}

// address returns the URL of a workload.
func address(u workload) string { return fmt.Sprintf("http://127.0.0.1:%d", u.port()) }

// lock locks a project.
func (m *manager) lock(projectID string) (unlock func()) {
	mu, _ := m.projects.LoadOrStore(projectID, &sync.Mutex{})
	mu.(*sync.Mutex).Lock()
	return mu.(*sync.Mutex).Unlock
}

// workload returns what runs of a project, nil for nothing.
func (m *manager) workload(projectID string) workload {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[projectID]
}

// restore starts every stored project, on its old port where that is free, and makes the
// fragments match. It does not wait until processes are healthy.
func (m *manager) restore(ctx context.Context) error {
	if err := m.makeDirs(); err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	recorded, err := m.repo.list(ctx, "")
	if err = errors.Join(err, m.launcher.reaper.SweepLast()); err != nil {
		return fmt.Errorf("restore runtimes: %w", err)
	}
	var up []runtime
	for _, rt := range recorded {
		if err := m.resume(ctx, rt); err != nil {
			// One broken project must not prevent the others, nor be routed to a
			// port that may be another program's by now.
			m.log.Error("project not started again", "project", rt.projectID, "slug", rt.slug, "error", err)
			continue
		}
		up = append(up, rt)
	}
	return errors.Join(m.fragments.prune(up), m.sites.prune(recorded))
}

// makeDirs creates the service's directories, for its owner only.
func (m *manager) makeDirs() error {
	for _, dir := range []string{string(m.fragments), string(m.sites), m.logs.dir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// resume starts a stored project again.
func (m *manager) resume(ctx context.Context, rt runtime) error {
	if err := m.launcher.checkAllowed(rt.run); err != nil {
		return err
	}
	u, err := m.start(ctx, rt, nil)
	if err != nil {
		return err
	}
	rt.port = u.port()
	m.mu.Lock()
	m.running[rt.projectID] = u
	m.mu.Unlock()
	return errors.Join(m.repo.save(ctx, rt), m.fragments.write(rt))
}

// start starts rt's workload. A site that runs already is switched to rt's files; a process
// is a new one.
func (m *manager) start(ctx context.Context, rt runtime, current workload) (workload, error) {
	if rt.run.Runtime == contract.RuntimeProcess {
		return m.launcher.startProcess(ctx, rt)
	}
	if s, ok := current.(*site); ok {
		return s, s.serve(m.sites.folder(rt))
	}
	s, err := listen(rt.port, m.log)
	if err != nil {
		return nil, err
	}
	if err := s.serve(m.sites.folder(rt)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// handoverDelay is how long a workload runs on after it was replaced, until the gateway has
// read the new one's fragment.
const handoverDelay = time.Second

// closeLater closes a workload after handoverDelay.
func (m *manager) closeLater(u workload) {
	m.closing.Go(func() {
		timer := time.NewTimer(handoverDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-m.stopped:
		}
		u.close()
	})
}

// stop closes all workloads; fragments stay, so that their routes are there at the next
// start.
func (m *manager) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.stopped)
	for id, u := range m.running {
		m.closing.Go(u.close)
		delete(m.running, id)
	}
	m.closing.Wait()
	m.launcher.reaper.Close()
	m.logs.close()
}
