// Package history is what graph-service keeps of all that has happened to projects: events,
// on a topic that is never deleted from.
package history

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"axion/services/contract"
)

// Topic holds all events that the read model is made of.
var Topic = contract.HistoryTopic(contract.Graph)

// Event is one change of the read model.
type Event struct {
	ID, Type, ProjectID string
	Time                time.Time
	Data                json.RawMessage
}

// New returns an event of now.
func New(typ, projectID string, data any) (Event, error) {
	raw, err := contract.JSON(data)
	if err != nil {
		return Event{}, fmt.Errorf("encode %s: %w", typ, err)
	}
	return Event{ID: NewID(), Type: typ, ProjectID: projectID, Time: time.Now().UTC(), Data: raw}, nil
}

// NewID returns a UUIDv7: ids sort by the time at which they were made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
