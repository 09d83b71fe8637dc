package message

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/google/uuid"
)

// DedupKey identifies the effect that the message asks for, for the inbox table: it is
// the same whenever the message is delivered, also where it was written twice.
func (m *Message) DedupKey() string {
	hash := m.dedupHash()
	return hex.EncodeToString(hash[:])
}

func (m *Message) dedupHash() [sha256.Size]byte {
	id := m.ID
	if m.Headers.Get(HeaderID) == "" && len(m.Correlation) > 0 {
		// A request of NestJS has no id, and KafkaJS writes it once more where it missed the
		// broker's answer: with another place and time, and else the same.
		digest := sha256.New()
		for _, part := range [][]byte{[]byte(m.Type), []byte(m.ReplyTopic), m.RawKey, m.Value} {
			digest.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
			digest.Write(part)
		}
		id = string(digest.Sum(nil))
	}
	return sha256.Sum256([]byte(id + "\x00" + m.Headers.Get(HeaderCorrelation)))
}

// DerivedIDSuffix is the end of [Message.DerivedID], which is the same also where the
// message was written twice: only the time at the beginning differs then.
func (m *Message) DerivedIDSuffix() string { return m.DerivedID()[len("xxxxxxxx-xxxx"):] }

// DerivedID is the id for the entity that the message's handler creates: the same one
// whenever the message is delivered, and a UUIDv7 (RFC 9562) of the message's time.
func (m *Message) DerivedID() string {
	hash := m.dedupHash()
	hash = sha256.Sum256(hash[:])
	id := uuid.UUID(hash[:16])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(m.Time.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
