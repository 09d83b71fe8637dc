package graph

import (
	"context"
	"database/sql"
	"sync"

	"axion/services/bus"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/store"
)

// writer changes the read model by events that become part of the history.
type writer struct {
	db          *sql.DB
	bus         *bus.Bus
	hub         *live.Hub
	rebuildLock sync.RWMutex // held for writing while the read model is rebuilt
}

// appendEvent makes an event part of the history: it is applied to the read model, and
// goes to the history's topic and to others in the same transaction. It returns
// the owner of the event's project, "" where there is no such project and
// nothing happened.
func (w *writer) appendEvent(ctx context.Context, tx *sql.Tx, e history.Event, topics ...string) (owner string, err error) {
	owner, err = readmodel.Apply(ctx, tx, e)
	if err != nil || owner == "" {
		return owner, err
	}
	for _, topic := range append(topics, history.Topic) {
		err := w.bus.Enqueue(ctx, tx, bus.Event{
			ID: e.ID, Type: e.Type, Topic: topic, Key: e.ProjectID, Time: e.Time, Data: e.Data,
		})
		if err != nil {
			return "", err
		}
	}
	return owner, nil
}

// inTx runs fn in a transaction and wakes the outbox when it has committed. It
// waits while the read model is rebuilt.
func (w *writer) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	w.rebuildLock.RLock()
	defer w.rebuildLock.RUnlock()
	err := store.Tx(ctx, w.db, fn)
	if err == nil {
		w.bus.WakeRelay()
	}
	return err
}

// changeAndNotify is inTx for changes of which a project's owner is notified: fn returns
// the owner and the message, without its time. There is no notification where the owner
// is "".
func (w *writer) changeAndNotify(ctx context.Context, fn func(*sql.Tx) (owner string, m live.Message, err error)) error {
	var owner, typ string
	err := w.inTx(ctx, func(tx *sql.Tx) error {
		to, m, err := fn(tx)
		if owner, typ = to, m.Type; err != nil || owner == "" {
			return err
		}
		return w.hub.Append(ctx, tx, owner, m)
	})
	if err == nil && owner != "" {
		w.hub.Notify(ctx, typ, owner)
	}
	return err
}
