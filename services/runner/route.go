package runner

import (
	"context"
	"time"

	"axion/services/compose"
	"axion/services/process"
	"axion/web/view"
)

// Upstream is what the gateway needs of one instance of a service: whether it may be sent
// requests, and what becomes of them while it may not.
type Upstream struct {
	Service string
	Address string // "host:port"
	Up      bool
	// Detail is why it is not up, in one line that names the service, and Hint what to do.
	Detail, Hint string
	// Hold is for how long requests wait until it is up; 0 where it will not be by itself.
	Hold time.Duration
}

// route has the gateway lead to the service's instances, whether they are up or not.
func (u *unit) route() {
	if u.runner.opts.Relocate == nil || len(u.at) == 0 || u.service.Provider == compose.ByUser {
		return
	}
	all := make([]string, len(u.at))
	for i, port := range u.at {
		all[i] = local(port)
	}
	if err := u.runner.opts.Relocate(u.service.Name, all); err != nil {
		u.log().Error("the gateway does not lead there", "error", err)
	}
}

// report tells the gateway which instances are up.
func (u *unit) report() {
	if u.runner.opts.Supervise == nil || u.service.Provider == compose.ByBacking {
		return
	}
	u.reporting.Lock() // what is found out last is what is reported last
	defer u.reporting.Unlock()
	processes := u.current().all()
	u.mu.Lock()
	state, detail, advice, closed := u.state, u.detail, u.hint, u.closed
	u.mu.Unlock()
	for i, port := range u.at {
		at := Upstream{Service: u.service.Name, Address: local(port), Hold: u.hold()}
		if closed {
			at.Hold = 0
		}
		if u.service.Provider == compose.ByUser {
			at.Up, at.Detail, at.Hint = true, u.service.Name+": "+u.service.Needs().Error(), hint(u.service.Needs())
			u.runner.opts.Supervise(at)
			continue
		}
		now, why, remedy := state, detail, advice
		if i < len(processes) {
			if status, _ := processes[i].Status(); status.State != process.Stopped { // else it is about to be started, or was ended
				now, why, remedy = stateOf(status.State), status.Problem, status.Hint
			}
		}
		at.describe(now, why, remedy)
		u.runner.opts.Supervise(at)
	}
}

// hold is how long requests wait while the service is started anew. What the user starts
// is nobody's to start anew, so that they do only where the file says so.
func (u *unit) hold() time.Duration {
	if u.service.Provider == compose.ByUser && u.service.Run.Hold == nil {
		return 0
	}
	return u.service.Run.HoldTime()
}

// describe says what an instance in a state is to the gateway.
func (at *Upstream) describe(state view.ServiceState, why, remedy string) {
	at.Hint = remedy
	if at.Hint == "" {
		at.Hint = "look at what it wrote: axion logs " + at.Service
	}
	switch state {
	case view.ServiceRunning, view.ServiceUnhealthy:
		at.Up, at.Hint = true, "have it listen at the port that PORT says, or say which one it listens at: x-axion: {port: ...}"
	case view.ServiceWaiting:
		if at.Detail = at.Service + " " + why; why == "" {
			at.Detail = at.Service + " is starting"
		}
	case view.ServiceRestarting:
		if at.Detail = at.Service + " is being started anew"; why != "" {
			at.Detail += ": " + why
		}
	case view.ServiceStarting:
		at.Detail = at.Service + " is starting"
	case view.ServiceFailed:
		at.Detail, at.Hold = at.Service+" has failed: "+why, 0
	default:
		at.Detail, at.Hint, at.Hold = at.Service+" is "+string(state), "start it: axion start "+at.Service, 0
	}
}

// stateOf is what the state of a process makes of the service's.
func stateOf(state process.State) view.ServiceState {
	for _, rank := range ranks {
		if rank.of == state {
			return rank.is
		}
	}
	return view.ServiceStopped
}

// drain has a process that is about to be ended answer what it was sent, for a part of the
// time that other requests wait.
func (u *unit) drain(i int) func(ctx context.Context) {
	if u.runner.opts.Drain == nil || i >= len(u.at) || u.hold() == 0 {
		return nil
	}
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, u.hold()/2)
		defer cancel()
		u.runner.opts.Drain(ctx, local(u.at[i]))
	}
}
