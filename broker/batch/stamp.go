package batch

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// stampFlag marks stored batches whose time is that at which they were appended. kfake
// (v0.0.0-20260918054303) writes other times into a batch with Kafka's own flag, and
// keeps the checksum that it had. Kafka gives this one of the attributes no meaning;
// kfake stores it and keeps it in compaction. [Mark] puts Kafka's in its place.
const stampFlag = 0x80

// stamp makes now a batch's time, at both ends of its range: compaction by kfake
// computes the latest anew from the first.
func (b batch) stamp(now int64) {
	b[atAttributes+1] = b[atAttributes+1]&^logAppendFlag | stampFlag
	binary.BigEndian.PutUint64(b[atBaseTimestamp:], uint64(now))
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(now))
	b.sign()
}

// Mark goes over stored batches on their way to a client, and says in place of those that
// were stamped that their time is LogAppendTime, as Kafka does whatever their topic's
// setting is by now. It changes no damaged batch, and none that is not whole.
func Mark(records []byte) {
	for len(records) >= headSize {
		size := logOverhead + int64(int32(binary.BigEndian.Uint32(records[atLength:])))
		if size < headSize || size > int64(len(records)) {
			return
		}
		b := batch(records[:size])
		records = records[size:]
		if b.attributes()&stampFlag != 0 && b[atMagic] == currentMagic && b.crc() == b.computedCRC() {
			b[atAttributes+1] = b[atAttributes+1]&^stampFlag | logAppendFlag
			copy(b[atMaxTimestamp:atMaxTimestamp+8], b[atBaseTimestamp:])
			b.sign()
		}
	}
}

// MarkAnswer is [Mark] for all batches of an answer to a fetch.
func MarkAnswer(resp kmsg.Response) {
	switch a := resp.(type) {
	case *kmsg.FetchResponse:
		for i := range a.Topics {
			for j := range a.Topics[i].Partitions {
				Mark(a.Topics[i].Partitions[j].RecordBatches)
			}
		}
	case *kmsg.ShareFetchResponse:
		for i := range a.Topics {
			for j := range a.Topics[i].Partitions {
				Mark(a.Topics[i].Partitions[j].Records)
			}
		}
	}
}
