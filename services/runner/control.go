package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"axion/services/compose"
	"axion/web/view"
)

// errClosed is the error of what is asked of a runner that ends.
var errClosed = errors.New("the stack ends")

// Start starts a service that is stopped, has failed or is complete. It returns once its
// processes run, which may not be ready, or it waits for what it depends on. Its error, and
// those of Stop and Restart, say where they can how to mend it.
func (r *Runner) Start(ctx context.Context, service string) error {
	u, release, err := r.control(ctx, service)
	if err != nil {
		return err
	}
	defer release()
	u.expect(ctx, view.ServiceStarted)
	a := u.current()
	if !a.live() {
		a.end(ctx)
		return u.renew(ctx)
	}
	for _, p := range a.all() {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends a service's processes, and returns once they have ended. Nothing starts
// them but Start and Restart. What depends on the service goes on.
func (r *Runner) Stop(ctx context.Context, service string) error {
	u, release, err := r.control(ctx, service)
	if err != nil {
		return err
	}
	defer release()
	u.expect(ctx, view.ServiceWasStopped)
	u.current().end(ctx)
	u.set(view.ServiceStopped, "", "")
	return nil
}

// Restart ends a service's processes and starts them, of several one after the other, and
// returns once they run. After it those are restarted, if they run, that depend on the
// service and say so there (depends_on: {NAME: {restart: true}}).
func (r *Runner) Restart(ctx context.Context, service string) error {
	if err := r.restart(ctx, service); err != nil {
		return err
	}
	for _, u := range r.units {
		if need, ok := u.service.DependsOn[service]; ok && need.Restart && u.runs() {
			if err := r.restart(WithCause(ctx, "after "+service), u.service.Name); err != nil {
				return fmt.Errorf("restart %s, which depends on %s: %w", u.service.Name, service, err)
			}
		}
	}
	return nil
}

func (r *Runner) restart(ctx context.Context, service string) error {
	u, release, err := r.control(ctx, service)
	if err != nil {
		return err
	}
	defer release()
	u.expect(ctx, view.ServiceWasRestarted)
	a := u.current()
	if !a.live() || len(a.all()) == 0 {
		a.end(ctx)
		return u.renew(ctx)
	}
	return a.restart(ctx)
}

// restart starts the processes anew, one after the other: of several some always run.
func (a *attempt) restart(ctx context.Context) error {
	for _, p := range a.all() {
		if err := p.Restart(ctx); err != nil {
			return err
		}
	}
	return nil
}

// runs says whether the service has processes that are to run.
func (u *unit) runs() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch u.state {
	case view.ServiceStarting, view.ServiceRunning, view.ServiceUnhealthy, view.ServiceRestarting:
		return true
	default:
		return false
	}
}

// control finds a service that can be started and stopped here, and has nobody else do so
// until release is called.
func (r *Runner) control(ctx context.Context, service string) (u *unit, release func(), err error) {
	if u = r.unit(service); u == nil {
		return nil, nil, r.unknown(service)
	}
	switch {
	case u.invalid != nil:
		return nil, nil, u.invalid
	case u.service.Provider == compose.ByAxion:
		return nil, nil, hintError{
			fmt.Errorf("%s is a part of axion itself: %s", service, u.service.Reason), "it starts and ends with axion up",
		}
	case u.service.Provider == compose.ByUser:
		needs := u.service.Needs()
		return nil, nil, hintError{fmt.Errorf("%s is not run by axion: %w", service, needs), hint(needs)}
	}
	select {
	case u.controlled <- struct{}{}:
		return u, func() { <-u.controlled }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// unknown is the error about a service that does not run here.
func (r *Runner) unknown(service string) error {
	if profiles := r.inactive[service]; len(profiles) > 0 {
		return hintError{
			fmt.Errorf("service %s is in the profile %s, which is off", service, strings.Join(profiles, " and ")),
			"axion up --profile " + profiles[0],
		}
	}
	return fmt.Errorf("the compose file has no service %s", service)
}

// Service is what is known of one service now. The error says that there is none, or which
// profile it is in.
func (r *Runner) Service(name string) (view.Service, error) {
	if r == nil {
		return view.Service{}, errors.New("the stack runs without a compose file")
	}
	for _, s := range r.Services() {
		if s.Name == name {
			return s, nil
		}
	}
	return view.Service{}, r.unknown(name)
}

// hintError is an error that says how to mend what it is about.
type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }

// StopGrace is how long a service may take to end in order; 0 for one that there is not.
func (r *Runner) StopGrace(service string) time.Duration {
	u := r.unit(service)
	if u == nil {
		return 0
	}
	return grace(u.service)
}
