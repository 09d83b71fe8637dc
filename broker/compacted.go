package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// A compaction of kfake (v0.0.0-20260918054303) has the log begin at the first
// record that is left. In Kafka it begins where it did: whoever reads on below is
// given what comes next, and is not sent to where it resets to.

// topicNames are those of topics by their ids, which never change.
type topicNames struct{ byID sync.Map }

// of is the name of a topic that a request names by either; empty where there is
// none.
func (n *topicNames) of(b *Broker, name string, id [16]byte) string {
	if name != "" || id == [16]byte{} {
		return name
	}
	if known, ok := n.byID.Load(id); ok {
		return known.(string)
	}
	b.withCluster(func(c *kfake.Cluster) {
		if info := c.TopicIDInfo(id); info != nil {
			name = info.Topic
		}
	})
	if name != "" {
		n.byID.Store(id, name)
	}
	return name
}

// readOn has a fetch of compacted topics begin where their logs do: it changes r in
// place, and returns its frame.
func (g *guardedConn) readOn(req request, frame []byte, r *kmsg.FetchRequest) []byte {
	b := g.listener.broker
	starts := b.cleaner.Starts()
	if len(starts) == 0 {
		return frame
	}
	asked := &readingOn{broker: b, version: req.version, offsets: map[retention.Partition]int64{}}
	changed := false
	for i := range r.Topics {
		topic := &r.Topics[i]
		name := b.topicNames.of(b, topic.Topic, topic.TopicID)
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
		g.onResponse(req, asked)
	}
	if changed {
		return framed(frame[:req.body], r)
	}
	return frame
}

// readingOn completes the answer to a fetch: a log that was compacted while the
// fetch was on its way is read anew.
type readingOn struct {
	broker  *Broker
	version int16
	offsets map[retention.Partition]int64 // of compacted topics, as asked for
}

// complete implements responseHook.
func (f *readingOn) complete(p []byte) ([]byte, error) {
	answer, body, err := decodeResponse(p, int16(kmsg.Fetch), f.version)
	if err != nil {
		return nil, err
	}
	resp := answer.(*kmsg.FetchResponse)
	starts := f.broker.cleaner.Starts()
	changed := false
	for i := range resp.Topics {
		topic := &resp.Topics[i]
		for j := range topic.Partitions {
			part := &topic.Partitions[j]
			if part.ErrorCode != kerr.OffsetOutOfRange.Code {
				continue
			}
			place := retention.Partition{Topic: f.broker.topicNames.of(f.broker, topic.Topic, topic.TopicID), ID: part.Partition}
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
	return encodeResponse(p[:body], resp), nil
}
