package docker

import (
	"strings"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// interesting are the events that may change what is told.
var interesting = client.Filters{}.Add("type", string(events.ContainerEventType), string(events.NetworkEventType))

// matters reports whether an event changes which containers there are, or how they
// are reached. Health checks run commands all the time, which does not.
func matters(event events.Message) bool {
	switch event.Action {
	case events.ActionCreate, events.ActionStart, events.ActionDie, events.ActionStop, events.ActionPause, events.ActionUnPause,
		events.ActionRename, events.ActionUpdate, events.ActionDestroy, events.ActionConnect, events.ActionDisconnect:
		return true
	}
	return strings.HasPrefix(string(event.Action), string(events.ActionHealthStatus))
}
