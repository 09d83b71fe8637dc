// Package live holds the kfake cluster that the broker runs at the moment.
package live

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"

	"axion/broker/retention"
)

// Cluster is the kfake cluster that runs, or none while the broker is away. The zero
// value has none. It is safe for concurrent use.
type Cluster struct {
	// mu is held for reading around calls into cluster, which block for ever once it is
	// closed.
	mu      sync.RWMutex
	cluster *kfake.Cluster // nil for none

	names sync.Map // of topics by their ids, which never change
}

// Set has c be the cluster that runs; nil for none. It waits for calls under way.
func (l *Cluster) Set(c *kfake.Cluster) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cluster = c
}

// With calls fn with the cluster that runs, and keeps it from closing meanwhile. It reports
// whether there was one.
func (l *Cluster) With(fn func(*kfake.Cluster)) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.cluster == nil {
		return false
	}
	fn(l.cluster)
	return true
}

// TopicName is the name of a topic that a request names by either; empty where there is
// none.
func (l *Cluster) TopicName(name string, id [16]byte) string {
	if name != "" || id == [16]byte{} {
		return name
	}
	if known, ok := l.names.Load(id); ok {
		return known.(string)
	}
	l.With(func(c *kfake.Cluster) {
		if info := c.TopicIDInfo(id); info != nil {
			name = info.Topic
		}
	})
	if name != "" {
		l.names.Store(id, name)
	}
	return name
}

// Topic is the id of a topic, and its own settings.
func (l *Cluster) Topic(name string) (id [16]byte, settings map[string]*string, ok bool) {
	l.With(func(c *kfake.Cluster) {
		if info := c.TopicInfo(name); info != nil {
			id, settings, ok = info.TopicID, retention.Plain(info.Configs), true
		}
	})
	return id, settings, ok
}

// IsCompacted reports whether a topic is compacted, and whether there is one.
func (l *Cluster) IsCompacted(topic string) (compacted, ok bool) {
	l.With(func(c *kfake.Cluster) {
		if info := c.TopicInfo(topic); info != nil {
			compacted, ok = retention.Compacted(info.Configs), true
		}
	})
	return compacted, ok
}

// Partition is a partition as it is; nil where there is none.
func (l *Cluster) Partition(topic string, id int32) (info *kfake.PartitionInfo) {
	l.With(func(c *kfake.Cluster) { info = c.PartitionInfo(topic, id) })
	return info
}
