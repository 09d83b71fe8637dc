package fault

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Delay holds something back for a time, by a fault. The zero value does not.
type Delay struct {
	by   *Active
	time time.Duration
}

// Wait waits until it is time, the fault ends, or either channel is closed.
func (d Delay) Wait(done, closed <-chan struct{}) {
	if d.by == nil {
		return
	}
	timer := time.NewTimer(d.time)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.by.ended:
	case <-done:
	case <-closed:
	}
}

// ProduceDelay is for the records that a request writes.
func (s *Set) ProduceDelay(r *kmsg.ProduceRequest) Delay {
	return s.longestDelay(func(f *Active) bool {
		return slices.ContainsFunc(r.Topics, func(t kmsg.ProduceRequestTopic) bool {
			return slices.ContainsFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool { return f.matches(t.Topic, p.Partition) })
		})
	})
}

// OnFetch reports whether the answers to fetches may have to wait.
func (s *Set) OnFetch() bool { return len(s.byKind(DelayTopic)) > 0 }

// FetchDelay is for a response that brings records of a topic that is slow.
func (s *Set) FetchDelay(resp *kmsg.FetchResponse) Delay {
	return s.longestDelay(func(f *Active) bool {
		return slices.ContainsFunc(resp.Topics, func(t kmsg.FetchResponseTopic) bool {
			return (t.Topic == f.Target || t.Topic == "" && t.TopicID == f.topicID) &&
				slices.ContainsFunc(t.Partitions, func(p kmsg.FetchResponseTopicPartition) bool {
					return len(p.RecordBatches) > 0 && f.matches(f.Target, p.Partition)
				})
		})
	})
}

// longestDelay is that of the delays that hit, and counts a hit of each that does.
func (s *Set) longestDelay(hits func(*Active) bool) (longest Delay) {
	for _, f := range s.byKind(DelayTopic) {
		if !hits(f) {
			continue
		}
		f.hits.Add(1)
		wait := f.DelayMS
		if f.JitterMS > 0 {
			wait += rand.IntN(f.JitterMS + 1)
		}
		if d := time.Duration(wait) * time.Millisecond; longest.by == nil || d > longest.time {
			longest = Delay{f, d}
		}
	}
	return longest
}
