package fault

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ProduceEdit is what faults do to the records of a produce: those that are dropped are
// answered as written, and the duplicates are written once more.
type ProduceEdit struct {
	set        *Set
	dropped    []duplicate // without a batch
	duplicates []duplicate
}

// Produce takes out of a request what is to be lost. It reports whether the request is
// another than it was.
func (s *Set) Produce(r *kmsg.ProduceRequest) (edit *ProduceEdit, changed bool) {
	edit = &ProduceEdit{set: s}
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool {
			gone := edit.drop(t.Topic, p)
			if b := batch(p.Records); !gone && b.whole() {
				changed = s.dropped.renumber(b, t.Topic, p.Partition) || changed
				edit.duplicate(t.Topic, p)
			}
			changed = changed || gone
			return gone
		})
	}
	if changed {
		r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) == 0 })
	}
	return edit, changed
}

// Empty reports whether the answer stays as it is.
func (e *ProduceEdit) Empty() bool { return len(e.dropped)+len(e.duplicates) == 0 }

// drop reports whether a partition's records are to be lost.
func (e *ProduceEdit) drop(topic string, p kmsg.ProduceRequestTopicPartition) bool {
	b := batch(p.Records)
	for _, f := range e.set.byKind(DropTopic) {
		if b.whole() && f.matches(topic, p.Partition) && e.set.dropped.add(b, topic, p.Partition) {
			f.hits.Add(int64(b.records()))
			e.dropped = append(e.dropped, duplicate{topic: topic, partition: p.Partition})
			return true
		}
	}
	return false
}

// duplicate notes a partition's records where they are to be written again. What is
// part of a transaction cannot be: it would be no part of it.
func (e *ProduceEdit) duplicate(topic string, p kmsg.ProduceRequestTopicPartition) {
	b := batch(p.Records)
	for _, f := range e.set.byKind(DuplicateTopic) {
		if !b.transactional() && f.matches(topic, p.Partition) {
			f.hits.Add(int64(b.records()))
			e.duplicates = append(e.duplicates, duplicate{topic, p.Partition, b.anonymous()})
		}
	}
}

// Answered has the duplicates written whose originals were, by the response; nil says that
// all were. It reports whether it has added the dropped records to the response.
func (e *ProduceEdit) Answered(resp *kmsg.ProduceResponse) (changed bool) {
	for _, c := range e.duplicates {
		if resp != nil && !c.isWritten(resp) {
			continue
		}
		select {
		case e.set.duplicates <- c:
		default: // it is left out: too many wait
		}
	}
	if resp == nil {
		return false
	}
	for _, lost := range e.dropped {
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.BaseOffset = lost.partition, -1
		at := slices.IndexFunc(resp.Topics, func(t kmsg.ProduceResponseTopic) bool { return t.Topic == lost.topic })
		if at < 0 {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic = lost.topic
			resp.Topics, at = append(resp.Topics, topic), len(resp.Topics)
		}
		resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, part)
	}
	return len(e.dropped) > 0
}
