package fetch

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/live"
	"axion/broker/retention"
	"axion/broker/segment"
)

const (
	// buffer is what is read for one response; maxReads bounds how many are read and
	// sent at one time.
	buffer   = 4 << 20
	maxReads = 16
)

// Files answers fetches from the stored files. It is safe for concurrent use.
type Files struct {
	// Store reads the files.
	Store *segment.Store
	// Answered counts the fetches that were answered.
	Answered atomic.Int64

	buffers sync.Pool
	slots   chan struct{}
}

// NewFiles is for the files of a data directory.
func NewFiles(dir string) *Files {
	return &Files{Store: segment.New(dir), slots: make(chan struct{}, maxReads), buffers: sync.Pool{New: func() any {
		p := make([]byte, buffer)
		return &p
	}}}
}

// Read reads what a fetch asks for, and reports whether that is what kfake would have
// answered at once: what is not plain (an error, a transaction, a wait) is left to kfake,
// and so is what comes while many are read. Then it has send called, which returns before
// the memory is used again. With each turn it begins with another partition: the response
// may be full before the last.
func (f *Files) Read(cluster *live.Cluster, r *kmsg.FetchRequest, turn int, send func([]Partition)) bool {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return false
	}
	buf := f.buffers.Get().(*[]byte)
	defer f.buffers.Put(buf)
	var list []Partition
	ok := false
	cluster.With(func(c *kfake.Cluster) { list, ok = Look(c, r) })
	if !ok || !f.fill(r, list, *buf, turn) || !still(cluster, list) {
		return false
	}
	send(list)
	return true
}

// still reports whether the topics are those that they were: what was read of the files
// of one that was made anew meanwhile is not to go out by the id of the other.
func still(cluster *live.Cluster, list []Partition) bool {
	same := true
	cluster.With(func(c *kfake.Cluster) {
		for i, at := range list {
			if i == 0 || at.topic.TopicID != list[i-1].topic.TopicID {
				same = same && c.TopicIDInfo(at.topic.TopicID) != nil
			}
		}
	})
	return same
}

// fill reads the batches of a response into buf, and reports whether they are what kfake
// would have answered at once.
func (f *Files) fill(r *kmsg.FetchRequest, list []Partition, buf []byte, turn int) bool {
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
		part, err := f.Store.Read(at.at, segment.Range{From: at.fetch.FetchOffset, End: at.end(r), Plain: r.IsolationLevel == 1}, buf[:room:room])
		if err != nil && sum == 0 {
			return false
		}
		batches.Mark(part)
		at.stored, buf, sum = part, buf[len(part):], sum+len(part)
	}
	return sum > 0 && sum >= int(r.MinBytes)
}
