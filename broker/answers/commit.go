package answers

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on((*Completer).offsetCommit)
	on((*Completer).txnOffsetCommit)
}

// maxMetadata is Kafka's offset.metadata.max.bytes: the length of the text that is
// kept with an offset, in bytes. kfake keeps any.
const maxMetadata = 4096

func tooLong(metadata *string) bool { return metadata != nil && len(*metadata) > maxMetadata }

// longCommits are the commits of a request that are refused: partitions by the index of
// their topic.
type longCommits map[int][]int32

// takes reports whether a commit is one.
func (l longCommits) takes(topic int, partition int32, metadata *string) bool {
	if !tooLong(metadata) {
		return false
	}
	l[topic] = append(l[topic], partition)
	return true
}

// refuse has the answer say so, by add for each.
func (l longCommits) refuse(add func(resp kmsg.Response, topic int, partition int32, code int16)) Exchange {
	if len(l) == 0 {
		return Exchange{}
	}
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		for topic, partitions := range l {
			for _, id := range partitions {
				add(resp, topic, id, kerr.OffsetMetadataTooLarge.Code)
			}
		}
	}}
}

func (*Completer) offsetCommit(req *kmsg.OffsetCommitRequest) Exchange {
	refused := make(longCommits)
	for i := range req.Topics {
		t := &req.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.OffsetCommitRequestTopicPartition) bool {
			return refused.takes(i, p.Partition, p.Metadata)
		})
	}
	return refused.refuse(func(resp kmsg.Response, topic int, partition int32, code int16) {
		if a := resp.(*kmsg.OffsetCommitResponse); topic < len(a.Topics) {
			part := kmsg.OffsetCommitResponseTopicPartition{Partition: partition, ErrorCode: code}
			a.Topics[topic].Partitions = append(a.Topics[topic].Partitions, part)
		}
	})
}

func (*Completer) txnOffsetCommit(req *kmsg.TxnOffsetCommitRequest) Exchange {
	refused := make(longCommits)
	for i := range req.Topics {
		t := &req.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.TxnOffsetCommitRequestTopicPartition) bool {
			return refused.takes(i, p.Partition, p.Metadata)
		})
	}
	return refused.refuse(func(resp kmsg.Response, topic int, partition int32, code int16) {
		if a := resp.(*kmsg.TxnOffsetCommitResponse); topic < len(a.Topics) {
			part := kmsg.TxnOffsetCommitResponseTopicPartition{Partition: partition, ErrorCode: code}
			a.Topics[topic].Partitions = append(a.Topics[topic].Partitions, part)
		}
	})
}
