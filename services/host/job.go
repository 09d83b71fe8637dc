package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// job runs beside others until its context ends.
type job struct {
	name string
	run  func(context.Context) error
}

// jobs are a service's jobs.
type jobs struct {
	service string
	list    []job
	cancel  context.CancelFunc
	group   sync.WaitGroup
	running sync.Map   // names of jobs that have not ended
	failed  chan error // of one that has ended by itself
}

// start runs jobs until stop. Their context has the values of ctx, and does not end with
// it.
func (j *jobs) start(ctx context.Context, list []job) {
	ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, one := range list {
		j.running.Store(one.name, nil)
		j.group.Go(func() {
			defer j.running.Delete(one.name)
			err := one.run(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			select {
			case j.failed <- fmt.Errorf("%s: %s ended: %w", j.service, one.name, err):
			default:
			}
		})
	}
}

// stop ends the jobs, and waits for them until ctx ends. It closes failed when all have
// ended.
func (j *jobs) stop(ctx context.Context) error {
	if j.cancel != nil {
		j.cancel()
	}
	done := make(chan struct{})
	go func() { j.group.Wait(); close(done) }()
	select {
	case <-done:
		close(j.failed)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: stop: still running: %s: %w", j.service, j.names(), ctx.Err())
	}
}

// names lists the jobs that have not ended.
func (j *jobs) names() string {
	var names []string
	j.running.Range(func(name, _ any) bool { names = append(names, name.(string)); return true })
	slices.Sort(names)
	return strings.Join(names, ", ")
}
