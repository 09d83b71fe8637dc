package answers

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(groups.offsetCommit)
	on(groups.txnOffsetCommit)
}

// maxMetadata is Kafka's offset.metadata.max.bytes: the length of the text that is
// kept with an offset, in bytes. kfake keeps any.
const maxMetadata = 4096

func tooLong(metadata *string) bool { return metadata != nil && len(*metadata) > maxMetadata }

// refuseLong takes the commits whose metadata is too long out of a request of so many
// topics, and has the answer refuse them. asked and answered are the partitions of a topic,
// by its index; answered is nil where the answer has no such topic.
func refuseLong[P any, A ~struct {
	Partition   int32
	ErrorCode   int16
	UnknownTags kmsg.Tags
}](topics int, asked func(topic int) *[]P, commit func(P) (int32, *string), answered func(resp kmsg.Response, topic int) *[]A) Exchange {
	refused := make(map[int][]int32)
	for topic := range topics {
		left := asked(topic)
		*left = slices.DeleteFunc(*left, func(p P) bool {
			id, metadata := commit(p)
			if !tooLong(metadata) {
				return false
			}
			refused[topic] = append(refused[topic], id)
			return true
		})
	}
	if len(refused) == 0 {
		return Exchange{}
	}
	return Exchange{Changed: true, Complete: func(resp kmsg.Response) {
		for topic, partitions := range refused {
			to := answered(resp, topic)
			if to == nil {
				continue
			}
			for _, id := range partitions {
				*to = append(*to, A{Partition: id, ErrorCode: kerr.OffsetMetadataTooLarge.Code})
			}
		}
	}}
}

func (groups) offsetCommit(req *kmsg.OffsetCommitRequest) Exchange {
	return refuseLong(len(req.Topics),
		func(i int) *[]kmsg.OffsetCommitRequestTopicPartition { return &req.Topics[i].Partitions },
		func(p kmsg.OffsetCommitRequestTopicPartition) (int32, *string) { return p.Partition, p.Metadata },
		func(resp kmsg.Response, i int) *[]kmsg.OffsetCommitResponseTopicPartition {
			if a := resp.(*kmsg.OffsetCommitResponse); i < len(a.Topics) {
				return &a.Topics[i].Partitions
			}
			return nil
		})
}

func (groups) txnOffsetCommit(req *kmsg.TxnOffsetCommitRequest) Exchange {
	return refuseLong(len(req.Topics),
		func(i int) *[]kmsg.TxnOffsetCommitRequestTopicPartition { return &req.Topics[i].Partitions },
		func(p kmsg.TxnOffsetCommitRequestTopicPartition) (int32, *string) { return p.Partition, p.Metadata },
		func(resp kmsg.Response, i int) *[]kmsg.TxnOffsetCommitResponseTopicPartition {
			if a := resp.(*kmsg.TxnOffsetCommitResponse); i < len(a.Topics) {
				return &a.Topics[i].Partitions
			}
			return nil
		})
}
