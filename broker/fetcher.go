package broker

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/segment"
)

const (
	// maxWait caps how long a fetch waits for records.
	maxWait = 500 * time.Millisecond
	// maxWaitBehind is the cap of a fetch that kfake gets over the connection of other
	// requests: it carries out the requests of one connection one after the other.
	maxWaitBehind = 100 * time.Millisecond
	// fetchGrace is how long a request behind a fetch waits for that to be answered by
	// kfake, before it is answered without records. Who sends requests one upon the
	// other gets records all the same.
	fetchGrace = 20 * time.Millisecond
)

// fetcher is a connection to kfake for the fetches of one client. Some clients (KafkaJS)
// send heartbeats over the connection of their fetches: behind a fetch that waits for
// records, joining and closing would take as long (kfake v0.0.0-20260918054303).
type fetcher struct {
	*guardedConn
	frames chan []byte // one at most
	rest   []byte      // of the present one; for the reader alone
	done   chan struct{}
	ending sync.Once
}

var _ net.Conn = (*fetcher)(nil)

// fetching is a fetch that a fetcher is to answer.
type fetching struct {
	*fetcher
	corr     int32
	serial   uint64
	request  *kmsg.FetchRequest
	answered chan struct{}
}

// Read gives out fetches.
func (f *fetcher) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		select {
		case f.rest = <-f.frames:
		case <-f.done:
			return 0, io.EOF
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// Write sends an answer to the client, unless its fetch was answered already.
func (f *fetcher) Write(p []byte) (int, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	g := f.guardedConn
	g.mu.Lock()
	at := g.fetch
	if at == nil || at.fetcher != f || len(p) < prefix+4 || at.corr != int32(binary.BigEndian.Uint32(p[prefix:])) {
		g.mu.Unlock()
		return len(p), nil
	}
	g.fetch, g.bulk = nil, len(p) >= bulkBytes
	g.mu.Unlock()
	defer close(at.answered)
	return g.send(p)
}

// Close ends the fetcher, and the client's connection where that waits for it.
func (f *fetcher) Close() error {
	f.ending.Do(func() { close(f.done) })
	f.mu.Lock()
	waits := f.fetch != nil && f.fetch.fetcher == f
	f.mu.Unlock()
	if waits {
		return f.guardedConn.Close()
	}
	return nil
}

// SetDeadline and the like change nothing: the client's connection has deadlines.
func (f *fetcher) SetDeadline(time.Time) error      { return nil }
func (f *fetcher) SetReadDeadline(time.Time) error  { return nil }
func (f *fetcher) SetWriteDeadline(time.Time) error { return nil }

// fetch sees a fetch. It returns what to pass on; nothing where the fetch is dealt with.
func (g *guardedConn) inspectFetch(req request, frame []byte) ([]byte, error) {
	r := kmsg.NewPtrFetchRequest()
	r.SetVersion(req.version)
	if err := r.ReadFrom(frame[req.body:]); err != nil {
		return nil, refusef("Fetch request that cannot be read: %v", err)
	}
	frame = g.readOn(req, frame, r)
	g.onResponse(req, &fetchAnswer{broker: g.listener.broker, request: r, entire: sessionless(req, frame, r)})
	if !g.delayed(req) && g.serve(req, r) {
		return nil, nil
	}
	capFetchWait(req, frame, maxWait)
	if g.divert(req, frame, r) {
		return nil, nil
	}
	capFetchWait(req, frame, maxWaitBehind)
	return frame, nil
}

// sessionless has a fetch that begins a session begin none, as where Kafka's cache of
// them (max.incremental.fetch.session.cache.slots) is full: clients name all of their
// partitions from then on, so that the guard knows what each fetch is about. It reports
// whether it did.
func sessionless(req request, frame []byte, r *kmsg.FetchRequest) bool {
	if req.version < 7 || r.SessionEpoch != 0 {
		return false
	}
	at := req.body + 4 + 4 + 4 + 1 // wait, least and most bytes, isolation
	if req.version < 15 {
		at += 4 // the replica's id
	}
	binary.BigEndian.PutUint32(frame[at:], 0)
	binary.BigEndian.PutUint32(frame[at+4:], ^uint32(0))
	return true
}

// fetchAnswer completes the answer to a fetch: it marks batches, and adds the partitions that
// kfake leaves out once the answer is full (v0.0.0-20260918054303): Java's clients take
// none from which one that they asked for is missing.
type fetchAnswer struct {
	broker  *Broker
	request *kmsg.FetchRequest
	entire  bool // the request names all partitions
}

// complete implements responseHook.
func (e *fetchAnswer) complete(p []byte) ([]byte, error) {
	resp, body, err := decodeResponse(p, int16(kmsg.Fetch), e.request.Version)
	if err != nil {
		return nil, err
	}
	a := resp.(*kmsg.FetchResponse)
	batches.MarkAnswer(a) // bytes of p, and not their number
	if a.ErrorCode != 0 || !e.entire {
		return p, nil
	}
	told := map[segment.Partition]bool{}
	for _, t := range a.Topics {
		for _, q := range t.Partitions {
			told[segment.Partition{Topic: t.Topic, ID: t.TopicID, Partition: q.Partition}] = true
		}
	}
	missing := false
	for _, t := range e.request.Topics {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, q := range t.Partitions {
			if told[segment.Partition{Topic: t.Topic, ID: t.TopicID, Partition: q.Partition}] {
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
	return encodeResponse(p[:body], a), nil
}

// partition is one of which nothing is read.
func (e *fetchAnswer) partition(t kmsg.FetchRequestTopic, id int32) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.RecordBatches = id, []byte{}
	e.broker.withCluster(func(c *kfake.Cluster) {
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
func capFetchWait(req request, frame []byte, most time.Duration) {
	at := req.body
	if req.version < 15 {
		at += 4 // the replica's id
	}
	if wait := int32(binary.BigEndian.Uint32(frame[at:])); int64(wait) > most.Milliseconds() {
		binary.BigEndian.PutUint32(frame[at:], uint32(most.Milliseconds()))
	}
}

// divert gives a fetch to the fetcher, where no answer is due that must come before its.
func (g *guardedConn) divert(req request, frame []byte, r *kmsg.FetchRequest) bool {
	if g.listener.isDraining() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.due || g.isClosed() {
		return false
	}
	if g.fetcher == nil {
		f := &fetcher{guardedConn: g, frames: make(chan []byte, 1), done: make(chan struct{})}
		if !g.listener.accept(f) {
			return false
		}
		g.fetcher = f
	}
	g.last, g.due = req.serial, true
	g.note(req)
	g.fetch = &fetching{fetcher: g.fetcher, corr: req.corr, serial: req.serial, request: r, answered: make(chan struct{})}
	g.fetcher.frames <- frame // it is free: nothing is due
	return true
}

// endFetch has a fetch under way answered: without records unless kfake answers within
// the grace.
func (g *guardedConn) endFetch(grace time.Duration) {
	g.mu.Lock()
	at := g.fetch
	g.mu.Unlock()
	if at == nil {
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-at.answered:
		return
	case <-g.closed:
		return
	case <-timer.C:
	}
	answer, ok := g.listener.broker.empty(at.corr, at.request)
	if !ok { // kfake does not wait then
		select {
		case <-at.answered:
		case <-g.closed:
		}
		return
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	if g.fetch != at {
		g.mu.Unlock()
		return
	}
	// kfake still waits there; what it answers goes nowhere.
	g.fetch, g.fetcher = nil, nil
	g.find(at.corr) // it is answered
	g.mu.Unlock()
	_ = at.Close()
	if _, err := g.sendAnswer(at.serial, answer); err != nil {
		_ = g.Close() // its reader learns of it
	}
	close(at.answered)
}

// empty is the answer to a fetch that has waited in vain. It is not ok where kfake is to
// answer, as of a topic that is gone.
func (b *Broker) empty(corr int32, r *kmsg.FetchRequest) (answer net.Buffers, ok bool) {
	b.withCluster(func(c *kfake.Cluster) {
		var asked []asked
		if asked, ok = whatIs(c, r); ok {
			answer = answerOf(corr, r, asked).Frame()
		}
	})
	return answer, ok
}

// asked is a partition of a fetch, as it is now.
type asked struct {
	topic  *kfake.TopicInfo
	info   *kfake.PartitionInfo
	fetch  kmsg.FetchRequestTopicPartition
	at     segment.Partition
	stored []byte
}

// whatIs looks at the partitions of a fetch. It is not ok where one is not as the client
// thinks.
func whatIs(c *kfake.Cluster, r *kmsg.FetchRequest) ([]asked, bool) {
	var list []asked
	for _, t := range r.Topics {
		var topic *kfake.TopicInfo
		if r.Version >= 13 {
			topic = c.TopicIDInfo(t.TopicID)
		} else {
			topic = c.TopicInfo(t.Topic)
		}
		if topic == nil {
			return nil, false
		}
		all := c.PartitionInfos(topic.Topic) // in the order of their numbers, from 0
		for _, p := range t.Partitions {
			if p.Partition < 0 || int(p.Partition) >= len(all) {
				return nil, false
			}
			info := all[p.Partition]
			if p.CurrentLeaderEpoch != -1 && p.CurrentLeaderEpoch != info.Epoch ||
				p.FetchOffset < info.LogStartOffset || p.FetchOffset > info.HighWatermark {
				return nil, false
			}
			list = append(list, asked{topic: topic, info: info, fetch: p,
				at: segment.Partition{Topic: topic.Topic, ID: topic.TopicID, Partition: p.Partition}})
		}
	}
	return list, true
}

// answerOf answers for partitions, in the order in which they were asked for.
func answerOf(corr int32, r *kmsg.FetchRequest, list []asked) *segment.Answer {
	a := &segment.Answer{Version: r.Version, Correlation: corr, Committed: r.IsolationLevel == 1}
	for _, t := range r.Topics {
		topic := segment.Topic{Name: t.Topic, ID: t.TopicID}
		for range t.Partitions {
			at := list[0]
			list = list[1:]
			topic.Partitions = append(topic.Partitions, segment.Portion{Partition: at.info.Partition, HighWatermark: at.info.HighWatermark,
				Stable: at.info.LastStableOffset, Oldest: at.info.LogStartOffset, Batches: at.stored})
		}
		a.Topics = append(a.Topics, topic)
	}
	return a
}
