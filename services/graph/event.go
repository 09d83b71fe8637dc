package graph

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

// history keeps all events that the read model is made of.
var history = contract.HistoryTopic(contract.Graph)

// event is one change of the read model.
type event struct {
	ID, Type, ProjectID string
	Time                time.Time
	Data                json.RawMessage
}

// newEvent makes an event of now.
func newEvent(typ, projectID string, data any) (event, error) {
	raw, err := contract.JSON(data)
	if err != nil {
		return event{}, fmt.Errorf("encode %s: %w", typ, err)
	}
	return event{ID: newID(), Type: typ, ProjectID: projectID, Time: time.Now().UTC(), Data: raw}, nil
}

// canonical is JSON text as it comes out of the history again: without white
// space, and in the characters that every database and page can take.
func canonical(text []byte) (json.RawMessage, error) {
	return contract.JSON(json.RawMessage(bytes.ToValidUTF8(text, []byte("\uFFFD"))))
}

// emit makes an event part of the history: it is applied to the read model, and
// goes to the history's topic and to others in the same transaction. It returns
// the owner of the event's project, "" where there is no such project and
// nothing happened.
func (s *service) emit(ctx context.Context, tx *sql.Tx, e event, topics ...string) (owner string, err error) {
	owner, err = apply(ctx, tx, e)
	if err != nil || owner == "" {
		return owner, err
	}
	for _, topic := range append(topics, history) {
		err := s.Bus.Enqueue(ctx, tx, bus.Event{
			ID: e.ID, Type: e.Type, Topic: topic, Key: e.ProjectID, Time: e.Time, Data: e.Data,
		})
		if err != nil {
			return "", err
		}
	}
	return owner, nil
}

// change runs fn in a transaction and wakes the outbox when it has committed. It
// waits while the read model is rebuilt.
func (s *service) change(ctx context.Context, fn func(*sql.Tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	err := store.Tx(ctx, s.DB, fn)
	if err == nil {
		s.Bus.WakeRelay()
	}
	return err
}

// announce is change for what a project's owner is told too: fn gives the owner
// and the message, without its time. Nobody is told where the owner is "".
func (s *service) announce(ctx context.Context, fn func(*sql.Tx) (owner string, m Message, err error)) error {
	var owner, told string
	err := s.change(ctx, func(tx *sql.Tx) error {
		to, m, err := fn(tx)
		if owner, told = to, m.Type; err != nil || owner == "" {
			return err
		}
		return s.record(ctx, tx, owner, m)
	})
	if err == nil && owner != "" {
		s.hub.push(ctx, s.Host, told, owner)
	}
	return err
}
