package graph

import (
	"context"
	"database/sql"

	"axion/services/bus"
	"axion/services/bus/inbox"
	"axion/services/graph/history"
	"axion/services/host"
)

// caller is the user of a command, and the message that it came in; nil for HTTP,
// whose clients mean what they repeat.
type caller struct {
	user    string
	message *bus.Message
}

func httpCaller(ctx context.Context) caller { return caller{user: host.Caller(ctx).UserID} }

func busCaller(user string, m *bus.Message) caller { return caller{user: user, message: m} }

// repeated reports whether the command was carried out before: its message has
// been delivered again.
func (c caller) repeated(ctx context.Context, tx *sql.Tx) (bool, error) {
	if c.message == nil {
		return false, nil
	}
	return inbox.MarkProcessed(ctx, tx, c.message.DedupKey())
}

// newID is the id of what the command makes.
func (c caller) newID() string {
	if c.message == nil {
		return history.NewID()
	}
	return c.message.DerivedID()
}
