package broker

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
)

const (
	// duplicatorID is the client that writes duplicates, which no fault hits.
	duplicatorID = "axion-duplicates"
	// maxDuplicates bounds the duplicates that wait to be written.
	maxDuplicates = 256
	// duplicateTimeout bounds the writing of one.
	duplicateTimeout = 10 * time.Second
)

func newFaults() faults { return faults{duplicates: make(chan duplicate, maxDuplicates)} }

// duplicate is a batch to write once more.
type duplicate struct {
	topic     string
	partition int32
	batch     batch
}

// applyProduceFaults does to a produce request what the faults say, and returns the frame to
// pass on.
func (g *guardedConn) applyProduceFaults(req request, frame []byte, r *kmsg.ProduceRequest) []byte {
	faults := &g.listener.broker.faults
	if req.client(frame) == duplicatorID {
		return frame
	}
	g.delay(faults.longestDelay(DelayTopic, func(f *ActiveFault) bool {
		return slices.ContainsFunc(r.Topics, func(t kmsg.ProduceRequestTopic) bool {
			return slices.ContainsFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool { return f.matches(t.Topic, p.Partition) })
		})
	}))
	done := &produceResponseEdit{version: req.version, faults: faults}
	changed := false
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool {
			gone := done.drop(t.Topic, p)
			if b := batch(p.Records); !gone && b.whole() {
				changed = faults.dropTracker.renumber(b, t.Topic, p.Partition) || changed
				done.duplicate(t.Topic, p)
			}
			changed = changed || gone
			return gone
		})
	}
	if r.Acks == 0 {
		done.write(nil) // there is no answer to wait for
	} else if len(done.dropped)+len(done.duplicates) > 0 {
		g.onResponse(req, done)
	}
	if !changed {
		return frame
	}
	r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) == 0 })
	out := r.AppendTo(append([]byte(nil), frame[:req.body]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out
}

// client is the id that a client gives itself.
func (r request) client(frame []byte) string {
	n := int(int16(binary.BigEndian.Uint16(frame[prefix+8:])))
	return string(frame[prefix+minHead : prefix+minHead+max(0, n)])
}

// produceResponseEdit completes the answer to a produce: it reports dropped records as
// written, and has the others written again.
type produceResponseEdit struct {
	version    int16
	faults     *faults
	dropped    []duplicate // without a batch
	duplicates []duplicate
}

// drop reports whether a partition's records are to be lost.
func (d *produceResponseEdit) drop(topic string, p kmsg.ProduceRequestTopicPartition) bool {
	b := batch(p.Records)
	for _, f := range d.faults.byKind(DropTopic) {
		if b.whole() && f.matches(topic, p.Partition) && d.faults.dropTracker.add(b, topic, p.Partition) {
			f.hits.Add(int64(b.records()))
			d.dropped = append(d.dropped, duplicate{topic: topic, partition: p.Partition})
			return true
		}
	}
	return false
}

// duplicate notes a partition's records where they are to be written again. What is
// part of a transaction cannot be: it would be no part of it.
func (d *produceResponseEdit) duplicate(topic string, p kmsg.ProduceRequestTopicPartition) {
	b := batch(p.Records)
	for _, f := range d.faults.byKind(DuplicateTopic) {
		if !b.transactional() && f.matches(topic, p.Partition) {
			f.hits.Add(int64(b.records()))
			d.duplicates = append(d.duplicates, duplicate{topic, p.Partition, b.anonymous()})
		}
	}
}

// complete implements responseHook.
func (d *produceResponseEdit) complete(p []byte) ([]byte, error) {
	answer, body, err := decodeResponse(p, int16(kmsg.Produce), d.version)
	if err != nil {
		return nil, err
	}
	resp := answer.(*kmsg.ProduceResponse)
	d.write(resp)
	if len(d.dropped) == 0 {
		return p, nil
	}
	for _, lost := range d.dropped {
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
	return encodeResponse(p[:body], resp), nil
}

// write has the copies written whose originals were; nil says that all were. Those
// that find no room are left out.
func (d *produceResponseEdit) write(resp *kmsg.ProduceResponse) {
	for _, c := range d.duplicates {
		if resp != nil && !written(resp, c) {
			continue
		}
		select {
		case d.faults.duplicates <- c:
		default:
		}
	}
}

func written(resp *kmsg.ProduceResponse, c duplicate) bool {
	return slices.ContainsFunc(resp.Topics, func(t kmsg.ProduceResponseTopic) bool {
		return t.Topic == c.topic && slices.ContainsFunc(t.Partitions, func(p kmsg.ProduceResponseTopicPartition) bool {
			return p.Partition == c.partition && p.ErrorCode == 0
		})
	})
}

// writeDuplicates writes duplicates until ctx ends.
func (b *Broker) writeDuplicates(ctx context.Context) {
	var client *kgo.Client // made for the first of them
	for {
		select {
		case <-ctx.Done():
			if client != nil {
				client.Close()
			}
			return
		case c := <-b.faults.duplicates:
			var err error
			if client == nil {
				opts := []kgo.Opt{kgo.SeedBrokers(b.Seeds()...), kgo.ClientID(duplicatorID), kgo.WithLogger(admin.NewLogger(b.log))}
				client, err = kgo.NewClient(append(opts, b.Client()...)...)
			}
			if err == nil {
				err = c.send(ctx, client)
			}
			if err != nil && ctx.Err() == nil {
				b.log.Warn("broker: a record was not doubled", "topic", c.topic, "error", err)
			}
		}
	}
}

func (c duplicate) send(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, duplicateTimeout)
	defer cancel()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, int32(duplicateTimeout.Milliseconds())
	topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = c.partition, c.batch
	topic.Topic, topic.Partitions = c.topic, append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	_, err := req.RequestWith(ctx, client)
	return err
}

// delayed has the answer to a fetch wait while a delay is on, and reports whether one is.
func (g *guardedConn) delayed(req request) bool {
	f := &g.listener.broker.faults
	if len(f.byKind(DelayTopic)) == 0 {
		return false
	}
	g.onResponse(req, &fetchResponseDelay{g, req.version})
	return true
}

// fetchResponseDelay holds the answer to a fetch back where it brings records of a topic
// that is slow.
type fetchResponseDelay struct {
	conn    *guardedConn
	version int16
}

// complete implements responseHook.
func (d *fetchResponseDelay) complete(p []byte) ([]byte, error) {
	answer, _, err := decodeResponse(p, int16(kmsg.Fetch), d.version)
	if err != nil {
		return nil, err
	}
	topics := answer.(*kmsg.FetchResponse).Topics
	d.conn.delay(d.conn.listener.broker.faults.longestDelay(DelayTopic, func(f *ActiveFault) bool {
		return slices.ContainsFunc(topics, func(t kmsg.FetchResponseTopic) bool {
			return (t.Topic == f.Target || t.Topic == "" && t.TopicID == f.topicID) &&
				slices.ContainsFunc(t.Partitions, func(p kmsg.FetchResponseTopicPartition) bool {
					return len(p.RecordBatches) > 0 && f.matches(f.Target, p.Partition)
				})
		})
	}))
	return p, nil
}

// longestDelay is the fault of a kind that holds something back for the longest, and
// counts a hit of each that does.
func (s *faults) longestDelay(kind string, hits func(*ActiveFault) bool) (by *ActiveFault, d time.Duration) {
	for _, f := range s.byKind(kind) {
		if !hits(f) {
			continue
		}
		f.hits.Add(1)
		wait := f.DelayMS
		if f.JitterMS > 0 {
			wait += rand.IntN(f.JitterMS + 1)
		}
		if by == nil || time.Duration(wait)*time.Millisecond > d {
			by, d = f, time.Duration(wait)*time.Millisecond
		}
	}
	return by, d
}

// delay waits until it is time, the fault ends, or the connection or the broker does.
func (g *guardedConn) delay(by *ActiveFault, d time.Duration) {
	if by == nil {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-by.ended:
	case <-g.closed:
	case <-g.listener.done:
	}
}
