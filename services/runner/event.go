package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"axion/services/compose"
	"axion/web/view"
)

// maxEvents bounds the events of a service that are kept.
const maxEvents = 8

type causeKey struct{}

// WithCause returns a context for Start, Stop and Restart. The events of the service name
// the cause: "from the page".
func WithCause(ctx context.Context, cause string) context.Context {
	return context.WithValue(ctx, causeKey{}, cause)
}

// expect notes what is about to be done with the service, and why: the change of state
// that follows is of that kind.
func (u *unit) expect(ctx context.Context, kind view.ServiceEventKind) {
	cause, _ := ctx.Value(causeKey{}).(string)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expected = view.ServiceEvent{Kind: kind, Detail: cause}
}

// record keeps the event that a change of state is, if it is one that a person would
// want to see. u.mu is held.
func (u *unit) record(to view.ServiceState, detail string) {
	if u.state == to || u.service.Provider == compose.ByAxion {
		return
	}
	e := view.ServiceEvent{At: time.Now().UTC(), Detail: detail}
	switch to {
	case view.ServiceRunning:
		e.Kind, e.Detail = u.kindOfRun(), u.expected.Detail
	case view.ServiceRestarting:
		if detail == "" {
			return // it was asked for
		}
		e.Kind, e.Times = view.ServiceCrashed, u.crashedSo(detail)
	case view.ServiceFailed:
		e.Kind = view.ServiceEventFailed
	case view.ServiceUnhealthy:
		if u.state != view.ServiceRunning {
			return // it has not been up yet
		}
		e.Kind = view.ServiceBecameUnhealthy
	case view.ServiceCompleted:
		e.Kind = view.ServiceEnded
	case view.ServiceStopped:
		if u.expected.Kind != view.ServiceWasStopped {
			return // on the way to a new start, or with the whole stack
		}
		e.Kind, e.Detail = view.ServiceWasStopped, u.expected.Detail
	default:
		return
	}
	if to != view.ServiceUnhealthy {
		u.expected = view.ServiceEvent{}
	}
	u.events = append(u.events, e)
	u.events = slices.Delete(u.events, 0, max(0, len(u.events)-maxEvents))
}

// kindOfRun is what it means that the service runs now.
func (u *unit) kindOfRun() view.ServiceEventKind {
	switch {
	case u.lastEvent().Kind == view.ServiceBecameUnhealthy && u.expected.Kind == "":
		return view.ServiceBecameHealthy
	case u.expected.Kind == view.ServiceWasRestarted, u.lastEvent().Kind == view.ServiceCrashed:
		return view.ServiceWasRestarted
	}
	return view.ServiceStarted
}

func (u *unit) lastEvent() (e view.ServiceEvent) {
	if len(u.events) > 0 {
		e = u.events[len(u.events)-1]
	}
	return e
}

// crashedSo takes the last crash and restart back where this crash is like it, and gives
// how often that has been so: a loop is one event.
func (u *unit) crashedSo(detail string) (times int) {
	n := len(u.events)
	if n < 2 || u.events[n-1].Kind != view.ServiceWasRestarted || u.events[n-1].Detail != "" ||
		u.events[n-2].Kind != view.ServiceCrashed || u.events[n-2].Detail != detail {
		return 0
	}
	times = max(1, u.events[n-2].Times) + 1
	u.events = u.events[:n-2]
	return times
}

// changedFiles names a few files for a cause.
func changedFiles(files []string) string {
	name := filepath.Base(files[0])
	if len(files) > 1 {
		return fmt.Sprintf("%s and %d more changed", name, len(files)-1)
	}
	return name + " changed"
}
