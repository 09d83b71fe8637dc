package deployment

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

const (
	// maxRunning bounds the deployments that run at a time.
	maxRunning = 64
	// sweepTime is how often an instance looks after what it shares with others:
	// it renews its leases, and takes over what has none.
	sweepTime = time.Second
	// leaseTime is how long an instance that says nothing counts as alive.
	leaseTime = 10 * time.Second
	// drainTime is how long Stop waits for deployments under way. Those that are
	// left go on at the next start.
	drainTime = 5 * time.Second
)

// queue works on the deployments that are due: one of each project at a time, in
// the order in which they were asked for. What is due is in the database, and so
// is who works on it.
type queue struct {
	service *service
	owner   string // this instance
	due     chan string
	ended   chan struct{} // closed when no more is taken on
	slots   chan struct{}

	mu    sync.Mutex
	lanes map[string]*lane // by project
	group sync.WaitGroup
}

// lane is the work on one project's deployments.
type lane struct {
	more   bool                    // something was added since it last looked
	id     string                  // the deployment in hand
	cancel context.CancelCauseFunc // of that
	done   chan struct{}           // closed when that is no longer in hand
}

func newQueue(s *service) *queue {
	return &queue{
		service: s, owner: uuid.NewString(), due: make(chan string), ended: make(chan struct{}),
		slots: make(chan struct{}, maxRunning), lanes: map[string]*lane{},
	}
}

// add has the queue look at a project. It is no error that the service stops:
// what is due is stored.
func (q *queue) add(ctx context.Context, projectID string) error {
	select {
	case q.due <- projectID:
		return nil
	case <-q.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run works until ctx ends, and then gives what is under way some time.
func (q *queue) run(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	tick := time.NewTicker(sweepTime)
	defer tick.Stop()
	err := q.sweep(ctx, work)
	for err == nil && ctx.Err() == nil {
		select {
		case projectID := <-q.due:
			q.start(work, projectID)
		case <-tick.C:
			if q.service.Shared {
				err = q.sweep(ctx, work)
			}
		case <-ctx.Done():
		}
	}
	close(q.ended)
	defer time.AfterFunc(drainTime, end).Stop()
	q.group.Wait()
	if ctx.Err() == nil {
		return err
	}
	return q.service.release(work, q.owner)
}

// sweep starts what nobody works on. An instance that shares its database with
// others also says that it is alive, and learns what was cancelled elsewhere.
func (q *queue) sweep(ctx, work context.Context) error {
	projects, cancelled, err := q.service.sweep(ctx, q.owner)
	if err != nil && ctx.Err() == nil {
		q.service.Log.Warn("queue not looked at; trying again", "error", err)
		if !q.service.Shared {
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

// start has a lane look at a project, a new one where there is none.
func (q *queue) start(ctx context.Context, projectID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lanes[projectID]; l != nil {
		l.more = true
		return
	}
	l := &lane{}
	q.lanes[projectID] = l
	q.group.Go(func() { q.work(ctx, projectID, l) })
}

// work carries out a project's deployments until there is none left. Trouble of
// our own, such as a full disk, is no reason for one to fail: it is tried again.
func (q *queue) work(ctx context.Context, projectID string, l *lane) {
	pace := &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
		MaxInterval: 10 * time.Second}
	for q.enter() {
		found, err := q.next(ctx, projectID, l)
		<-q.slots
		switch {
		case err != nil:
			q.service.Log.WarnContext(ctx, "deployment interrupted; trying again", "project", projectID, "error", err)
			q.wait(pace.NextBackOff())
		case found:
			pace.Reset()
		case q.leave(projectID, l):
			return
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.lanes, projectID)
}

// enter waits for room. It reports false when nothing is begun any more.
func (q *queue) enter() bool {
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

func (q *queue) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.ended:
	}
}

// leave ends a lane, unless there may be more for it.
func (q *queue) leave(projectID string, l *lane) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.more {
		l.more = false
		return false
	}
	delete(q.lanes, projectID)
	return true
}

// next carries out the first of a project's deployments, if there is one for
// this instance.
func (q *queue) next(ctx context.Context, projectID string, l *lane) (found bool, err error) {
	id, err := q.service.claim(ctx, projectID, q.owner)
	if err != nil || id == "" {
		return false, err
	}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	q.mu.Lock()
	l.id, l.cancel, l.done = id, cancel, done
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		l.id = ""
		close(done)
	}()
	// Read only now: a cancellation from before is in the row, a later one reaches
	// attempt.
	d, err := q.service.load(ctx, id)
	if err != nil {
		return true, err
	}
	attempt, span := q.service.Span(d.traced(attempt), "deploy", trace.SpanKindInternal)
	defer span.End()
	span.SetAttributes(attribute.String("axion.project.id", d.projectID), attribute.String("axion.project.slug", d.slug),
		attribute.String("axion.deployment.id", id))
	return true, failing(span, q.service.advance(attempt, trace.ContextWithSpan(ctx, span), d))
}

// cancel interrupts a deployment that is in hand here. The channel is closed once
// it is not.
func (q *queue) cancel(id string) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lanes {
		if l.id == id {
			l.cancel(errCancelled)
			return l.done
		}
	}
	none := make(chan struct{})
	close(none)
	return none
}

// settled waits until no deployment of a project is under way, in any instance.
func (q *queue) settled(ctx context.Context, projectID string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		id, err := q.service.underWay(ctx, projectID)
		if err != nil || id == "" {
			return err
		}
		if err := q.add(ctx, projectID); err != nil { // its instance may be gone
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
