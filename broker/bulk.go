package broker

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/retention"
	"axion/broker/segment"
)

const (
	// bulkBytes is from which size of its last answer on a client is one that has much
	// to read.
	bulkBytes = 64 << 10
	// bulkBuffer is what is read for one answer; maxBulk bounds how many are read and
	// sent at one time. The others go through kfake.
	bulkBuffer = 4 << 20
	maxBulk    = 16
)

// bulk answers fetches of clients that have much to read, from the stored files.
type bulk struct {
	store   *segment.Store
	buffers sync.Pool
	free    chan struct{}
	// answered counts fetches.
	answered atomic.Int64
}

func newBulk(dir string) *bulk {
	return &bulk{store: segment.New(dir), free: make(chan struct{}, maxBulk), buffers: sync.Pool{New: func() any {
		p := make([]byte, bulkBuffer)
		return &p
	}}}
}

// serve answers a fetch from the stored files, and reports whether it did. What is not
// plain (an error, a transaction, a wait) is left to kfake.
func (g *guardedConn) serve(req request, r *kmsg.FetchRequest) bool {
	b := g.listener.broker
	g.mu.Lock()
	serves, turn := g.bulk && !g.due, g.bulkAnswers
	g.mu.Unlock()
	if !serves || g.listener.isDraining() {
		return false
	}
	select {
	case b.bulk.free <- struct{}{}:
		defer func() { <-b.bulk.free }()
	default:
		return false
	}
	buf := b.bulk.buffers.Get().(*[]byte)
	defer b.bulk.buffers.Put(buf)
	var list []asked
	ok := false
	b.withCluster(func(c *kfake.Cluster) { list, ok = whatIs(c, r) })
	if !ok || !b.bulk.fill(r, list, *buf, turn) || !b.still(list) {
		return false
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	g.last, g.due = req.serial, true
	delete(g.completions, req.serial)
	g.bulkAnswers++
	b.bulk.answered.Add(1)
	g.mu.Unlock()
	size, err := g.sendAnswer(req.serial, answerOf(req.corr, r, list).Frame())
	g.mu.Lock()
	g.bulk = size >= bulkBytes
	g.mu.Unlock()
	if err != nil {
		_ = g.Close() // its reader learns of it
	}
	return true
}

// still reports whether the topics are those that they were: what was read of the files
// of one that was made anew meanwhile is not to go out by the id of the other.
func (b *Broker) still(list []asked) bool {
	same := true
	b.withCluster(func(c *kfake.Cluster) {
		for i, at := range list {
			if i == 0 || at.topic.TopicID != list[i-1].topic.TopicID {
				same = same && c.TopicIDInfo(at.topic.TopicID) != nil
			}
		}
	})
	return same
}

// fill reads the batches of an answer into buf, and reports whether they are what kfake
// would have answered at once. With each turn it begins with another partition: the
// answer may be full before the last.
func (b *bulk) fill(r *kmsg.FetchRequest, list []asked, buf []byte, turn int) bool {
	for _, at := range list {
		if retention.Compacted(at.topic.Configs) {
			return false // its files are written anew at times
		}
	}
	buf = buf[:min(len(buf), int(max(r.MaxBytes, 0)))]
	sum := 0
	for i := range list {
		at := &list[(i+turn)%len(list)]
		if at.fetch.FetchOffset >= at.end(r) {
			continue
		}
		room := min(len(buf), int(max(at.fetch.PartitionMaxBytes, 0)))
		part, err := b.store.Read(at.at, segment.Range{From: at.fetch.FetchOffset, End: at.end(r), Plain: r.IsolationLevel == 1}, buf[:room:room])
		if err != nil && sum == 0 {
			return false
		}
		batches.Mark(part)
		at.stored, buf, sum = part, buf[len(part):], sum+len(part)
	}
	return sum > 0 && sum >= int(r.MinBytes)
}

// end is the offset up to which a fetch may see records.
func (a asked) end(r *kmsg.FetchRequest) int64 {
	if r.IsolationLevel == 1 {
		return a.info.LastStableOffset
	}
	return a.info.HighWatermark
}
