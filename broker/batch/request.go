package batch

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topics reads a broker's topics. Its methods are called by many goroutines
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

// Result is what the validation of a Produce request came to.
type Result struct {
	// Refused are the partitions that were taken out of the request; nil for none.
	Refused []Refusal
	// Changed says that the request is another than it was. The bytes of its batches
	// may differ in any case, see [Validate].
	Changed bool
	// Stamped are the topics whose batches got Now for their time, by LogAppendTime;
	// nil for none. Now is in milliseconds.
	Stamped []string
	Now     int64
}

// Check validates what a Produce request brings, and takes the partitions out of it
// that are refused; the others are to be carried out, as Kafka does. Now is the
// present, in milliseconds.
func Check(req *kmsg.ProduceRequest, topics Topics, now int64) (r Result) {
	r.Now = now
	if req.Acks < -1 || req.Acks > 1 {
		return r // no part of such a request is carried out
	}
	if req.TransactionID == nil && hasTransactional(req) {
		r.Refused, r.Changed = refuseAll(req,
			refusef(kerr.TransactionalIDAuthorizationFailed, "Transactional records without a transactional id")), true
		return r
	}
	r.Changed = dropRepeated(req)
	for i := range req.Topics {
		r.topic(req.Version, &req.Topics[i], topics)
	}
	if len(r.Refused) > 0 {
		r.Changed = true
		req.Topics = slices.DeleteFunc(req.Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) == 0 })
	}
	return r
}

// topic validates what a request brings for one topic, and keeps in it what is valid.
func (r *Result) topic(version int16, t *kmsg.ProduceRequestTopic, topics Topics) {
	rules, known := topics.Rules(t.Topic)
	rules.Version, rules.Now, rules.Topic = version, r.Now, t.Topic
	kept := t.Partitions[:0]
	for _, p := range t.Partitions {
		rules.Partition = p.Partition
		size, err := Validate(p.Records, &rules)
		if err != nil {
			if !known || !topics.Has(t.Topic, p.Partition) {
				err = refusef(kerr.UnknownTopicOrPartition, "There is no partition %d of topic %s", p.Partition, t.Topic)
			}
			r.Refused = append(r.Refused, Refusal{t.Topic, p.Partition, err})
			continue
		}
		if size < len(p.Records) { // what is behind the batch
			p.Records, r.Changed = p.Records[:size], true
		}
		kept = append(kept, p)
	}
	t.Partitions = kept
	if rules.LogAppendTime && len(kept) > 0 {
		r.Stamped = append(r.Stamped, t.Topic)
	}
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

// ChangesAnswer reports whether [Result.AddTo] changes the answer.
func (r *Result) ChangesAnswer() bool { return len(r.Refused) > 0 || len(r.Stamped) > 0 }

// AddTo puts the refusals, and the time that batches got, into the answer that reports
// the other partitions.
func (r *Result) AddTo(resp *kmsg.ProduceResponse) {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			if p := &t.Partitions[j]; p.ErrorCode == 0 && slices.Contains(r.Stamped, t.Topic) {
				p.LogAppendTime = r.Now
			}
		}
	}
	for _, r := range r.Refused {
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
