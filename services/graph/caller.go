package graph

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"axion/services/bus"
	"axion/services/host"
)

// caller is who gives a command. message is the mark of the message that it came
// in, at that message's time; empty for HTTP, whose clients mean what they repeat.
type caller struct {
	user, message string
	at            time.Time
}

func httpCaller(ctx context.Context) caller { return caller{user: host.Caller(ctx).UserID} }

func busCaller(user string, m *bus.Message) caller {
	mark := sha256.Sum256([]byte(m.ID + "\x00" + m.Headers.Get("kafka_correlationId")))
	return caller{user: user, message: hex.EncodeToString(mark[:]), at: m.Time}
}

// repeated reports whether the command was carried out before: its message has
// been delivered again.
func (c caller) repeated(ctx context.Context, tx *sql.Tx) (bool, error) {
	if c.message == "" {
		return false, nil
	}
	return bus.Seen(ctx, tx, c.message)
}

// newID is the id of what the command makes: the same one whenever its message is
// delivered, and a UUIDv7 of the message's time.
func (c caller) newID() string {
	if c.message == "" {
		return newID()
	}
	mark := sha256.Sum256([]byte(c.message))
	id := uuid.UUID(mark[:16])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(c.at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
