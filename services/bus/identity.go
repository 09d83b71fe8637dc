package bus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/google/uuid"
)

// DedupKey identifies what the message asks for: it is the same whenever the message
// is delivered, or was written twice, and fit for [MarkProcessed].
func (m *Message) DedupKey() string {
	mark := m.dedupHash()
	return hex.EncodeToString(mark[:])
}

func (m *Message) dedupHash() [sha256.Size]byte {
	id := m.ID
	if m.Headers.Get(headerID) == "" && len(m.correlation) > 0 {
		// A request of NestJS has no id, and KafkaJS writes it once more where it missed the
		// broker's answer: with another place and time, and else the same.
		said := sha256.New()
		for _, part := range [][]byte{[]byte(m.Type), []byte(m.replyTopic), m.rawKey, m.Value} {
			said.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
			said.Write(part)
		}
		id = string(said.Sum(nil))
	}
	return sha256.Sum256([]byte(id + "\x00" + m.Headers.Get(headerCorrelation)))
}

// DerivedIDSuffix is how the id of what the message has its handler make ends, also where the
// message was written twice: only the time at its beginning is another then.
func (m *Message) DerivedIDSuffix() string { return m.DerivedID()[len("xxxxxxxx-xxxx"):] }

// DerivedID is the id of what the message has its handler make: the same one
// whenever it is delivered, and a UUIDv7 (RFC 9562) of the message's time.
func (m *Message) DerivedID() string {
	mark := m.dedupHash()
	mark = sha256.Sum256(mark[:])
	id := uuid.UUID(mark[:16])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(m.Time.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
