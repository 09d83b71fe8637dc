package answers

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on((*Mender).offsetCommit)
	on((*Mender).txnOffsetCommit)
}

// maxMetadata is Kafka's offset.metadata.max.bytes: the length of the text that is
// kept with an offset, in bytes. kfake keeps any.
const maxMetadata = 4096

func tooLong(metadata *string) bool { return metadata != nil && len(*metadata) > maxMetadata }

func (*Mender) offsetCommit(req *kmsg.OffsetCommitRequest) Exchange {
	refused := make(map[int][]int32) // partitions by the index of their topic
	for i := range req.Topics {
		t := &req.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.OffsetCommitRequestTopicPartition) bool {
			if !tooLong(p.Metadata) {
				return false
			}
			refused[i] = append(refused[i], p.Partition)
			return true
		})
	}
	if len(refused) == 0 {
		return Exchange{}
	}
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.OffsetCommitResponse)
		for i, partitions := range refused {
			for _, id := range partitions {
				if i < len(a.Topics) {
					part := kmsg.NewOffsetCommitResponseTopicPartition()
					part.Partition, part.ErrorCode = id, kerr.OffsetMetadataTooLarge.Code
					a.Topics[i].Partitions = append(a.Topics[i].Partitions, part)
				}
			}
		}
	}}
}

func (*Mender) txnOffsetCommit(req *kmsg.TxnOffsetCommitRequest) Exchange {
	refused := make(map[int][]int32) // partitions by the index of their topic
	for i := range req.Topics {
		t := &req.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.TxnOffsetCommitRequestTopicPartition) bool {
			if !tooLong(p.Metadata) {
				return false
			}
			refused[i] = append(refused[i], p.Partition)
			return true
		})
	}
	if len(refused) == 0 {
		return Exchange{}
	}
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.TxnOffsetCommitResponse)
		for i, partitions := range refused {
			for _, id := range partitions {
				if i < len(a.Topics) {
					part := kmsg.NewTxnOffsetCommitResponseTopicPartition()
					part.Partition, part.ErrorCode = id, kerr.OffsetMetadataTooLarge.Code
					a.Topics[i].Partitions = append(a.Topics[i].Partitions, part)
				}
			}
		}
	}}
}
