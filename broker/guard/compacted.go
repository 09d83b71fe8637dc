package guard

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/retention"
)

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
