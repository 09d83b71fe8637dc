package deployment

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

const (
	// maxRunning bounds the deployments that run at a time.
	maxRunning = 64
	// sweepInterval is the period in which an instance that shares its database renews
	// its leases, and claims what has none.
	sweepInterval = time.Second
	// leaseTimeout is how long an instance that does not renew its leases counts as alive.
	leaseTimeout = 10 * time.Second
	// drainTimeout bounds how long Stop waits for deployments under way. Those that have
	// not ended go on at the next start.
	drainTimeout = 5 * time.Second
)

// queue runs the deployments that are due: one of each project at a time, in the order
// of their requests. What is due is in the database, and so is which instance works on it.
type queue struct {
	repo   *repository
	leases *leases
	runner *runner
	span   startSpan
	log    *slog.Logger

	due   chan string
	ended chan struct{} // closed when no more is begun
	slots chan struct{}

	mu      sync.Mutex
	workers map[string]*projectWorker // by project
	group   sync.WaitGroup
}

// startSpan starts a span of the service, as [host.Host.Span].
type startSpan func(ctx context.Context, name string, kind trace.SpanKind) (context.Context, trace.Span)

// projectWorker runs one project's deployments.
type projectWorker struct {
	more   bool                    // the project was woken since the last claim
	id     string                  // the deployment that runs
	cancel context.CancelCauseFunc // of that
	done   chan struct{}           // closed when that has ended
}

func newQueue(repo *repository, leases *leases, runner *runner, span startSpan, log *slog.Logger) *queue {
	return &queue{
		repo: repo, leases: leases, runner: runner, span: span, log: log,
		due: make(chan string), ended: make(chan struct{}), slots: make(chan struct{}, maxRunning), workers: map[string]*projectWorker{},
	}
}

// wake has the queue run what is due of a project. It is no error that the service stops:
// what is due is stored.
func (q *queue) wake(ctx context.Context, projectID string) error {
	select {
	case q.due <- projectID:
		return nil
	case <-q.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run runs deployments until ctx ends, and then waits for those under way.
func (q *queue) run(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	err := q.sweep(ctx, work)
	for err == nil && ctx.Err() == nil {
		select {
		case projectID := <-q.due:
			q.start(work, projectID)
		case <-tick.C:
			if q.leases.shared {
				err = q.sweep(ctx, work)
			}
		case <-ctx.Done():
		}
	}
	close(q.ended)
	defer time.AfterFunc(drainTimeout, end).Stop()
	q.group.Wait()
	if ctx.Err() == nil {
		return err
	}
	return q.leases.release(work)
}

// sweep starts what no instance works on. An instance that shares its database also
// renews its leases, and cancels what was cancelled in others.
func (q *queue) sweep(ctx, work context.Context) error {
	projects, cancelled, err := q.leases.sweep(ctx)
	if err != nil && ctx.Err() == nil {
		q.log.Warn("queue not swept; trying again", "error", err)
		if !q.leases.shared {
			return fmt.Errorf("look for deployments: %w", err)
		}
		return nil
	}
	for _, projectID := range projects {
		q.start(work, projectID)
	}
	for _, id := range cancelled {
		q.cancel(id)
	}
	return nil
}

// start wakes the worker of a project, or starts one.
func (q *queue) start(ctx context.Context, projectID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.workers[projectID]; w != nil {
		w.more = true
		return
	}
	w := &projectWorker{}
	q.workers[projectID] = w
	q.group.Go(func() { q.work(ctx, projectID, w) })
}

// work runs a project's deployments until none is left. An error of this service, such as
// a full disk, does not make a deployment fail: it is run again.
func (q *queue) work(ctx context.Context, projectID string, w *projectWorker) {
	retry := &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
		MaxInterval: 10 * time.Second}
	for q.acquireSlot() {
		found, err := q.runNext(ctx, projectID, w)
		<-q.slots
		switch {
		case err != nil:
			q.log.WarnContext(ctx, "deployment interrupted; trying again", "project", projectID, "error", err)
			q.wait(retry.NextBackOff())
		case found:
			retry.Reset()
		case q.finish(projectID, w):
			return
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.workers, projectID)
}

// acquireSlot waits for one of maxRunning. It reports false when no more is begun.
func (q *queue) acquireSlot() bool {
	select {
	case <-q.ended:
		return false
	case q.slots <- struct{}{}:
	}
	select {
	case <-q.ended: // both were possible
		<-q.slots
		return false
	default:
		return true
	}
}

// wait waits for d, or until no more is begun.
func (q *queue) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.ended:
	}
}

// finish ends a worker, unless its project was woken.
func (q *queue) finish(projectID string, w *projectWorker) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.more {
		w.more = false
		return false
	}
	delete(q.workers, projectID)
	return true
}

// runNext runs the first of a project's deployments, if there is one that this instance
// can claim.
func (q *queue) runNext(ctx context.Context, projectID string, w *projectWorker) (found bool, err error) {
	id, err := q.leases.claim(ctx, projectID)
	if err != nil || id == "" {
		return false, err
	}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	q.mu.Lock()
	w.id, w.cancel, w.done = id, cancel, done
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		w.id = ""
		close(done)
	}()
	// Read only now: a cancellation from before is in the row, a later one reaches
	// attempt.
	d, err := q.repo.load(ctx, id)
	if err != nil {
		return true, err
	}
	attempt, span := q.span(d.withTrace(attempt), "deploy", trace.SpanKindInternal)
	defer span.End()
	span.SetAttributes(attribute.String("axion.project.id", d.projectID), attribute.String("axion.project.slug", d.slug),
		attribute.String("axion.deployment.id", id))
	return true, recordError(span, q.runner.run(attempt, trace.ContextWithSpan(ctx, span), d))
}

// cancel interrupts a deployment that runs here. The channel is closed once it has ended.
func (q *queue) cancel(id string) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.workers {
		if w.id == id {
			w.cancel(errCancelled)
			return w.done
		}
	}
	none := make(chan struct{})
	close(none)
	return none
}

// waitIdle waits until no deployment of a project is under way, in any instance.
func (q *queue) waitIdle(ctx context.Context, projectID string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		id, err := q.repo.underWay(ctx, projectID)
		if err != nil || id == "" {
			return err
		}
		if err := q.wake(ctx, projectID); err != nil { // its instance may be gone
			return err
		}
		select {
		case <-q.cancel(id):
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
