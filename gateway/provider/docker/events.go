package docker

import (
	"strings"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// subscribed are the events that may change the containers.
var subscribed = client.Filters{}.Add("type", string(events.ContainerEventType), string(events.NetworkEventType))

// changesContainers reports whether an event changes which containers there are, or how they
// are reached. Health checks run commands all the time, which does not.
func changesContainers(event events.Message) bool {
	switch event.Action {
	case events.ActionCreate, events.ActionStart, events.ActionDie, events.ActionStop, events.ActionPause, events.ActionUnPause,
		events.ActionRename, events.ActionUpdate, events.ActionDestroy, events.ActionConnect, events.ActionDisconnect:
		return true
	}
	return strings.HasPrefix(string(event.Action), string(events.ActionHealthStatus))
}
