package graph

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"axion/services/bus"
	"axion/services/bus/inbox"
	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/live"
)

// deploymentEvents handles DEPLOYMENT_* events.
type deploymentEvents struct{ writer *writer }

// handle appends one event to the history, once, and notifies the owner of its project.
// One that can never be applied is a dead letter; one about a project that is not here,
// or no longer, is dropped.
func (d *deploymentEvents) handle(ctx context.Context, m *bus.Message) (any, error) {
	e, data, err := deploymentEvent(m)
	if err != nil {
		return nil, bus.Permanent(err)
	}
	err = d.writer.changeAndNotify(ctx, func(tx *sql.Tx) (string, live.Message, error) {
		if seen, err := inbox.MarkProcessed(ctx, tx, e.ID); err != nil || seen {
			return "", live.Message{}, err
		}
		owner, err := d.writer.appendEvent(ctx, tx, e)
		return owner, live.Message{Type: e.Type, ProjectID: e.ProjectID, DeploymentID: data.DeploymentID, Data: e.Data}, err
	})
	if errors.Is(err, bus.ErrTooLarge) {
		return nil, bus.Permanent(err)
	}
	return nil, err
}

// maxID bounds the ids that other services make.
const maxID = 64

// deploymentEvent reads a message, and refuses what the database or the topic
// could not store.
func deploymentEvent(m *bus.Message) (e history.Event, d contract.DeploymentEvent, err error) {
	if err := m.Decode(&d); err != nil {
		return e, d, err
	}
	switch {
	case d.ProjectID == "" || d.DeploymentID == "":
		return e, d, errors.New("projectId or deploymentId is missing")
	case len(d.ProjectID) > maxID || len(d.DeploymentID) > maxID:
		return e, d, errors.New("projectId or deploymentId is longer than 64 bytes")
	case strings.ContainsRune(d.ProjectID+d.DeploymentID+d.URL+d.Error, 0):
		return e, d, errors.New("projectId, deploymentId, url or error holds a NUL character")
	case m.Time.Year() < 1 || m.Time.Year() > 9999:
		return e, d, errors.New("ce_time is not within the years 1 to 9999 in UTC")
	}
	data, err := history.Canonical(m.Data())
	return history.Event{ID: m.ID, Type: m.Type, ProjectID: d.ProjectID, Time: m.Time, Data: data}, d, err
}
