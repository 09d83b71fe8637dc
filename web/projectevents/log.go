package projectevents

import (
	"encoding/json"
	"slices"
	"sync"
)

// MaxKept is how many events are kept for pages that open later. It is what
// the graph service replays at most.
const MaxKept = 1000

// Event is one message of the graph service about a project.
type Event struct {
	Type         string          `json:"type"`
	ProjectID    string          `json:"projectId"`
	DeploymentID string          `json:"deploymentId"`
	At           string          `json:"at"` // RFC 3339, UTC
	Data         json.RawMessage `json:"data,omitempty"`
}

// Equal reports whether e and o are one event, delivered twice.
func (e Event) Equal(o Event) bool {
	return e.Type == o.Type && e.ProjectID == o.ProjectID && e.DeploymentID == o.DeploymentID &&
		e.At == o.At && string(e.Data) == string(o.Data)
}

// eventLog holds the newest events in the order of arrival. The zero value is
// empty. It is safe for concurrent use.
type eventLog struct {
	mu     sync.Mutex
	events []Event
}

// add reports whether e was new: a replay after a reconnect repeats some.
func (l *eventLog) add(e Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.events, e.Equal) {
		return false
	}
	if len(l.events) == MaxKept {
		l.events = slices.Delete(l.events, 0, 1)
	}
	l.events = append(l.events, e)
	return true
}

// list returns the events of one project, or of all where project is empty,
// in the order of arrival; never nil.
func (l *eventLog) list(project string) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []Event{}
	for _, e := range l.events {
		if project == "" || e.ProjectID == project {
			found = append(found, e)
		}
	}
	return found
}
