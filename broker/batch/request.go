package batch

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topics tells about a broker's topics. Its methods are called by many goroutines
// at once.
type Topics interface {
	// Rules are those of a topic, with its settings filled in; ok is false where
	// there is none.
	Rules(topic string) (r Rules, ok bool)
	// Has reports whether there is such a partition.
	Has(topic string, partition int32) bool
}

// Refusal is what a broker answers about one partition of a Produce request.
type Refusal struct {
	Topic     string
	Partition int32
	*Error
}

// Check validates what a Produce request brings, and takes the partitions out of it
// that are refused; the others are to be carried out, as Kafka does. Where changed is
// true, the request is another than it was; the bytes of its batches may differ in
// any case, see [Validate].
func Check(req *kmsg.ProduceRequest, topics Topics, now int64) (refused []Refusal, changed bool) {
	if req.Acks < -1 || req.Acks > 1 {
		return nil, false // no part of such a request is carried out
	}
	if req.TransactionID == nil && hasTransactional(req) {
		return refuseAll(req, refusef(kerr.TransactionalIDAuthorizationFailed, "Transactional records without a transactional id")), true
	}
	changed = dropRepeated(req)
	for i := range req.Topics {
		t := &req.Topics[i]
		rules, known := topics.Rules(t.Topic)
		rules.Version, rules.Now, rules.Topic = req.Version, now, t.Topic
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool {
			rules.Partition = p.Partition
			_, err := Validate(p.Records, &rules)
			if err != nil {
				if !known || !topics.Has(t.Topic, p.Partition) {
					err = refusef(kerr.UnknownTopicOrPartition, "There is no partition %d of topic %s", p.Partition, t.Topic)
				}
				refused = append(refused, Refusal{t.Topic, p.Partition, err})
			}
			return err != nil
		})
		changed = cut(t.Partitions) || changed
	}
	if len(refused) > 0 {
		changed = true
		req.Topics = slices.DeleteFunc(req.Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) == 0 })
	}
	return refused, changed
}

// cut removes what is behind the batches, all of which are valid.
func cut(partitions []kmsg.ProduceRequestTopicPartition) (changed bool) {
	for i := range partitions {
		p := &partitions[i]
		if first, _ := next(p.Records); len(first) < len(p.Records) {
			p.Records, changed = first, true
		}
	}
	return changed
}

func hasTransactional(req *kmsg.ProduceRequest) bool {
	for i := range req.Topics {
		for j := range req.Topics[i].Partitions {
			if Transactional(req.Topics[i].Partitions[j].Records) {
				return true
			}
		}
	}
	return false
}

func refuseAll(req *kmsg.ProduceRequest, err *Error) (all []Refusal) {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			all = append(all, Refusal{t.Topic, p.Partition, err})
		}
	}
	req.Topics = nil
	return all
}

// dropRepeated keeps the last batch of a partition that a request brings several
// for, as Kafka does; kfake would append all of them and answer for one.
func dropRepeated(req *kmsg.ProduceRequest) (changed bool) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	if n < 2 {
		return false
	}
	type key struct {
		topic     string
		partition int32
	}
	seen := make(map[key]bool, n)
	for i := len(req.Topics) - 1; i >= 0; i-- {
		t := &req.Topics[i]
		for j := len(t.Partitions) - 1; j >= 0; j-- {
			k := key{t.Topic, t.Partitions[j].Partition}
			if seen[k] {
				t.Partitions, changed = slices.Delete(t.Partitions, j, j+1), true
			}
			seen[k] = true
		}
	}
	return changed
}

// AddTo puts refusals into the answer that tells of the other partitions.
func AddTo(resp *kmsg.ProduceResponse, refused []Refusal) {
	for _, r := range refused {
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.BaseOffset = r.Partition, -1
		part.ErrorCode, part.ErrorMessage = r.Code.Code, &r.Message
		for _, e := range r.Records {
			record := kmsg.NewProduceResponseTopicPartitionErrorRecord()
			record.RelativeOffset, record.ErrorMessage = e.Index, &e.Message
			part.ErrorRecords = append(part.ErrorRecords, record)
		}
		at := slices.IndexFunc(resp.Topics, func(t kmsg.ProduceResponseTopic) bool { return t.Topic == r.Topic })
		if at < 0 {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic = r.Topic
			resp.Topics, at = append(resp.Topics, topic), len(resp.Topics)
		}
		resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, part)
	}
}
