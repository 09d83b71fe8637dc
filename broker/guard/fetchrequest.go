package guard

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/frame"
	"axion/broker/live"
	"axion/broker/retention"
	"axion/broker/segment"
)

// sessionless has a fetch that begins a session begin none, as where Kafka's cache of
// them (max.incremental.fetch.session.cache.slots) is full: clients name all of their
// partitions from then on, so that the guard knows what each fetch is about. It reports
// whether it did.
func sessionless(req frame.Request, f []byte, r *kmsg.FetchRequest) bool {
	if req.Version < 7 || r.SessionEpoch != 0 {
		return false
	}
	at := req.Body + 4 + 4 + 4 + 1 // wait, least and most bytes, isolation
	if req.Version < 15 {
		at += 4 // the replica's id
	}
	binary.BigEndian.PutUint32(f[at:], 0)
	binary.BigEndian.PutUint32(f[at+4:], ^uint32(0))
	return true
}

// fetchCompletion completes the response to a fetch: it marks batches, and adds the partitions that
// kfake leaves out once the response is full (v0.0.0-20260918054303): Java's clients take
// none from which one that they asked for is missing.
type fetchCompletion struct {
	cluster *live.Cluster
	request *kmsg.FetchRequest
	entire  bool // the request names all partitions
}

// complete implements responseHook.
func (e *fetchCompletion) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.Fetch), e.request.Version)
	if err != nil {
		return nil, err
	}
	a := resp.(*kmsg.FetchResponse)
	batches.MarkAnswer(a) // bytes of p, and not their number
	if a.ErrorCode != 0 || !e.entire {
		return p, nil
	}
	answered := map[segment.Partition]bool{}
	for _, t := range a.Topics {
		for _, q := range t.Partitions {
			answered[segment.Partition{Topic: t.Topic, ID: t.TopicID, Partition: q.Partition}] = true
		}
	}
	missing := false
	for _, t := range e.request.Topics {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, q := range t.Partitions {
			if answered[segment.Partition{Topic: t.Topic, ID: t.TopicID, Partition: q.Partition}] {
				continue
			}
			topic.Partitions = append(topic.Partitions, e.partition(t, q.Partition))
		}
		if len(topic.Partitions) > 0 {
			a.Topics, missing = append(a.Topics, topic), true
		}
	}
	if !missing {
		return p, nil
	}
	return frame.EncodeResponse(p[:body], a), nil
}

// partition is one of which nothing is read.
func (e *fetchCompletion) partition(t kmsg.FetchRequestTopic, id int32) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.RecordBatches = id, []byte{}
	e.cluster.With(func(c *kfake.Cluster) {
		name := t.Topic
		if topic := c.TopicIDInfo(t.TopicID); e.request.Version >= 13 && topic != nil {
			name = topic.Topic
		}
		if info := c.PartitionInfo(name, id); info != nil {
			p.HighWatermark, p.LastStableOffset, p.LogStartOffset = info.HighWatermark, info.LastStableOffset, info.LogStartOffset
		}
	})
	return p
}

// capFetchWait shortens a fetch's wait in place.
func capFetchWait(req frame.Request, f []byte, most time.Duration) {
	at := req.Body
	if req.Version < 15 {
		at += 4 // the replica's id
	}
	if wait := int32(binary.BigEndian.Uint32(f[at:])); int64(wait) > most.Milliseconds() {
		binary.BigEndian.PutUint32(f[at:], uint32(most.Milliseconds()))
	}
}

// A compaction of kfake (v0.0.0-20260918054303) has the log begin at the first
// record that is left. In Kafka it begins where it did: whoever reads on below is
// given what comes next, and is not sent to where it resets to.

// readOn has a fetch of compacted topics begin where their logs do: it changes r in
// place, and returns its frame.
func readOn(c *client, req frame.Request, f []byte, r *kmsg.FetchRequest) []byte {
	starts := c.Cleaner.Starts()
	if len(starts) == 0 {
		return f
	}
	asked := &readingOn{deps: c.Deps, version: req.Version, offsets: map[retention.Partition]int64{}}
	changed := false
	for i := range r.Topics {
		topic := &r.Topics[i]
		name := c.Cluster.TopicName(topic.Topic, topic.TopicID)
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			place := retention.Partition{Topic: name, ID: p.Partition}
			start, compacted := starts[place]
			if !compacted {
				continue
			}
			if p.FetchOffset >= 0 && p.FetchOffset < start {
				p.FetchOffset, changed = start, true
			}
			asked.offsets[place] = p.FetchOffset
		}
	}
	if len(asked.offsets) > 0 {
		c.onResponse(req, asked)
	}
	if changed {
		return frame.Encode(f[:req.Body], r)
	}
	return f
}

// readingOn completes the response to a fetch: a log that was compacted while the
// fetch was on its way is read anew.
type readingOn struct {
	deps    *Deps
	version int16
	offsets map[retention.Partition]int64 // of compacted topics, as asked for
}

// complete implements responseHook.
func (f *readingOn) complete(p []byte) ([]byte, error) {
	decoded, body, err := frame.DecodeResponse(p, int16(kmsg.Fetch), f.version)
	if err != nil {
		return nil, err
	}
	resp := decoded.(*kmsg.FetchResponse)
	starts := f.deps.Cleaner.Starts()
	changed := false
	for i := range resp.Topics {
		topic := &resp.Topics[i]
		for j := range topic.Partitions {
			part := &topic.Partitions[j]
			if part.ErrorCode != kerr.OffsetOutOfRange.Code {
				continue
			}
			place := retention.Partition{Topic: f.deps.Cluster.TopicName(topic.Topic, topic.TopicID), ID: part.Partition}
			start, compacted := starts[place]
			if at, asked := f.offsets[place]; !compacted || !asked || at < 0 || at >= start {
				continue // it is out of range
			}
			changed = true
			part.ErrorCode, part.RecordBatches = 0, []byte{}
		}
	}
	if !changed {
		return p, nil
	}
	return frame.EncodeResponse(p[:body], resp), nil
}
