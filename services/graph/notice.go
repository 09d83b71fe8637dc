package graph

import (
	"context"
	"database/sql"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// feedTopic is where the instances of the service tell each other whose feed has
// something new. Each of them reads all of it.
var feedTopic = contract.NotificationTopic(contract.Graph)

// notify tells the other instances, once the transaction has committed: the
// owner's WebSockets may be theirs.
func (s *service) notify(ctx context.Context, tx *sql.Tx, owner string) error {
	if !s.Shared {
		return nil
	}
	return s.Bus.Enqueue(ctx, tx, bus.Event{
		Type: contract.NotificationCreated, Topic: feedTopic, Data: contract.NotificationEvent{UserID: owner},
	})
}

// follow delivers what other instances have recorded.
func (b *hub) follow(h *host.Host) {
	if !h.Shared {
		return
	}
	h.Go("feed", func(ctx context.Context) error {
		return h.Bus.Topic(feedTopic).Tail(ctx, func(ctx context.Context, m *bus.Message) {
			var e contract.NotificationEvent
			if err := m.Decode(&e); err != nil {
				h.Log.WarnContext(ctx, "notice not read", "error", err)
				return
			}
			b.push(ctx, h, m.Type, e.UserID)
		})
	})
}
