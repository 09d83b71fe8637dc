package runner

import (
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/web/view"
)

// await waits until all that the service depends on is as far as it asks for.
func (u *unit) await(a *attempt) bool {
	for {
		changed := u.runner.Changed()
		waits := u.missing()
		if len(waits) == 0 {
			return a.ctx.Err() == nil
		}
		u.set(view.ServiceWaiting, "waits for "+strings.Join(waits, ", "), "")
		a.settle()
		select {
		case <-changed:
		case <-a.ctx.Done():
			return false
		}
	}
}

// missing lists what the service still waits for.
func (u *unit) missing() []string {
	var waits []string
	for name, need := range u.service.DependsOn {
		other := u.runner.unit(name)
		if other == nil {
			continue // not required, and off
		}
		if why := other.lacks(need.Condition); why != "" && (need.Required || !other.hasEnded()) {
			waits = append(waits, name+" "+why)
		}
	}
	slices.Sort(waits)
	return waits
}

// lacks says what the service lacks for a condition of those that depend on it.
func (u *unit) lacks(condition string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	state := map[view.ServiceState]string{
		view.ServiceFailed: ", which has failed", view.ServiceUnhealthy: ", which is unhealthy", view.ServiceStopped: ", which is stopped",
	}[u.state]
	switch condition {
	case types.ServiceConditionCompletedSuccessfully:
		if u.state != view.ServiceCompleted {
			return "to complete" + state
		}
	case types.ServiceConditionHealthy:
		if u.state != view.ServiceRunning {
			return "to be healthy" + state
		}
	default:
		if u.state != view.ServiceRunning && u.state != view.ServiceUnhealthy && u.state != view.ServiceCompleted {
			return "to run" + state
		}
	}
	return ""
}

func (u *unit) hasEnded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state == view.ServiceFailed || u.state == view.ServiceStopped
}
