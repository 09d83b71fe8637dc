package live

import (
	"context"
	"database/sql"

	"axion/services/bus"
	"axion/services/contract"
)

// topic is where the instances of the service say whose feed has a new message. Each of
// them reads all of it.
var topic = contract.NotificationTopic(contract.Graph)

// enqueue notifies the other instances, once the transaction has committed: the owner's
// WebSockets may be theirs.
func (h *Hub) enqueue(ctx context.Context, tx *sql.Tx, owner string) error {
	if !h.host.Shared {
		return nil
	}
	return h.host.Bus.Enqueue(ctx, tx, bus.Event{
		Type: contract.NotificationCreated, Topic: topic, Data: contract.NotificationEvent{UserID: owner},
	})
}

// tail sends what other instances have appended.
func (h *Hub) tail(ctx context.Context) error {
	return h.host.Bus.Topic(topic).Tail(ctx, func(ctx context.Context, m *bus.Message) {
		var e contract.NotificationEvent
		if err := m.Decode(&e); err != nil {
			h.host.Log.WarnContext(ctx, "notice not read", "error", err)
			return
		}
		h.Notify(ctx, m.Type, e.UserID)
	})
}
