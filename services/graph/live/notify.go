package live

import (
	"context"
	"database/sql"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"axion/services/bus"
	"axion/services/contract"
)

// topic is where the instances of the service say whose feed has a new message. Each of
// them reads all of it.
var topic = contract.NotificationTopic(contract.Graph)

// Notify sends a user's WebSockets the messages that they have not had of the feed, in a
// span that names the type of the newest.
//
//nolint:contextcheck // the feed is read for all WebSockets of the user: it outlives the caller
func (h *Hub) Notify(ctx context.Context, typ, user string) {
	_, span := h.host.Span(ctx, "push "+typ, trace.SpanKindProducer)
	defer span.End()
	clients := h.sendAll(user)
	span.SetAttributes(attribute.String("network.protocol.name", "websocket"), attribute.Int("axion.websocket.clients", clients))
}

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
