package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"axion/services/compose"
	"axion/web/view"
)

// unit is one service that is run.
type unit struct {
	runner  *Runner
	service *compose.Service
	port    int      // in the container; 0 for none
	at      []int    // of this machine, one for each instance
	moved   []string // notes on ports that are not those of the file

	invalid    error         // why the service cannot run as the file has it
	controlled chan struct{} // has one while somebody starts or stops it

	reporting sync.Mutex // held while the gateway gets a report

	refreshing sync.Mutex // makes the state of those of the processes

	mu         sync.Mutex
	state      view.ServiceState
	detail     string
	hint       string
	ports      []view.ServicePort // that the stack itself opened for it
	notes      []string           // of how it is provided, beside those of the file
	unresolved []string           // notes of the environment
	rewrites   []compose.Rewrite
	published  map[int][]string // by the container's port, beside where the service listens
	attempt    *attempt         // the last one
	expected   view.ServiceEvent
	events     []view.ServiceEvent // the latest
	closed     bool
}

// assign finds the service's ports.
func (u *unit) assign(ports *ports) (err error) {
	if u.service.Provider == compose.ByAxion {
		return nil
	}
	if u.port, err = mainPort(u.service); err != nil || u.port == 0 {
		return err
	}
	want := u.port
	if all := published(u.service, u.port); len(all) > 0 && u.service.Provider != compose.ByProcess {
		want = all[0]
	}
	if u.service.Provider == compose.ByUser || u.service.NetworkMode == "host" && u.service.Provider == compose.ByContainer {
		u.at = []int{want}
		return nil
	}
	fixed := u.service.Provider == compose.ByProcess && u.service.Run.Port != 0
	for range u.scale() {
		port, err := ports.assign(u.service.Name, want, fixed)
		if err != nil {
			return err
		}
		if len(u.at) == 0 && port != want && (fixed || !ports.free) {
			u.moved = []string{fmt.Sprintf("%s: it listens on %d", ports.taken(u.runner.ctx, want, u.service.Name), port)}
		}
		u.at, want = append(u.at, port), 0
	}
	return nil
}

// scale is how many instances there are.
func (u *unit) scale() int {
	if u.service.Kind != "" { // there is one server a service
		return 1
	}
	return max(1, u.service.GetScale())
}

// announce says where the service listens.
func (u *unit) announce(to *compose.Addresses) {
	name, names := u.service.Name, u.service.Names()
	switch {
	case u.service.Kind == compose.Kafka:
		to.Add(name, names, 0, u.runner.opts.Kafka)
	case len(u.at) > 0:
		to.Add(name, names, u.port, local(u.at[0]))
		for _, p := range u.service.Ports {
			if int(p.Target) != u.port && p.Published != "" && u.service.Provider != compose.ByProcess {
				to.Add(name, names, int(p.Target), "127.0.0.1:"+p.Published)
			}
		}
		if u.service.Provider == compose.ByProcess {
			to.Add(name, names, 80, local(u.at[0])) // what a URL without a port means
		}
	}
}

// run starts the service once it may, and looks after it until the attempt ends.
func (u *unit) run(a *attempt) {
	if u.invalid != nil {
		u.fail(a, u.invalid)
		return
	}
	if !u.await(a) {
		return
	}
	switch u.service.Provider {
	case compose.ByAxion:
		u.set(view.ServiceRunning, "", "")
	case compose.ByUser:
		u.awaitUser(a.ctx)
	default:
		if err := u.start(a); err != nil && a.ctx.Err() == nil {
			u.fail(a, err)
		}
	}
}

func (u *unit) set(state view.ServiceState, detail, hint string) {
	u.mu.Lock()
	same := u.state == state && u.detail == detail
	u.record(state, detail)
	u.state, u.detail, u.hint = state, detail, hint
	u.mu.Unlock()
	u.report()
	if !same {
		u.runner.notify()
	}
}

// fail notes why the service cannot run.
func (u *unit) fail(a *attempt, err error) {
	a.fail(err)
	u.set(view.ServiceFailed, err.Error(), hint(err))
	u.log().Error(err.Error(), "hint", hint(err))
}

// log names the service in each line.
func (u *unit) log() *slog.Logger {
	return u.runner.opts.Log.With("service", u.service.Name, "file", u.service.File, "line", u.service.Line)
}

// hint is how to mend what an error is about, if it says so.
func hint(err error) string {
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return with.Hint()
	}
	return ""
}

// awaitUser waits until what the user starts listens, and again when it is gone.
func (u *unit) awaitUser(ctx context.Context) {
	needs := u.service.Needs()
	if len(u.at) == 0 {
		u.set(view.ServiceFailed, needs.Error(), hint(needs))
		u.log().Warn(needs.Error(), "hint", hint(needs))
		return
	}
	for ctx.Err() == nil {
		if err := dialable(ctx, local(u.at[0])); err != nil {
			u.set(view.ServiceWaiting, needs.Error(), hint(needs))
		} else {
			u.set(view.ServiceRunning, "", "")
		}
		sleep(ctx, time.Second)
	}
}
