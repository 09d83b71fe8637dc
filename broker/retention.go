package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"axion/broker/retention"
)

// storedLog is the broker as retention drives it.
type storedLog struct{ broker *Broker }

var _ retention.Log = storedLog{}

// errAway says that the broker is not running.
var errAway = errors.New("the broker is away")

// Settings implements [retention.Log].
func (l storedLog) Settings(ctx context.Context, topics []string) (map[string]retention.Settings, error) {
	resp, err := l.broker.admin.DescribeRetention(ctx, topics)
	if err != nil {
		return nil, err
	}
	return retention.ReadSettings(resp), nil
}

// Offsets implements [retention.Log].
func (l storedLog) Offsets(p retention.Partition) (at retention.Offsets, ok bool) {
	l.broker.withCluster(func(c *kfake.Cluster) {
		if info := c.PartitionInfo(p.Topic, p.ID); info != nil {
			at, ok = retention.Offsets{Start: info.LogStartOffset, Stable: info.LastStableOffset, End: info.HighWatermark}, true
		}
	})
	return at, ok
}

// DeleteRecords implements [retention.Log].
func (l storedLog) DeleteRecords(p retention.Partition, offset int64) error {
	err := errAway
	l.broker.withCluster(func(c *kfake.Cluster) { err = c.DeleteRecords(p.Topic, p.ID, offset) })
	return err
}

// Committed implements [retention.Log].
func (l storedLog) Committed(ctx context.Context, topics map[string]bool) (map[string]map[retention.Partition]int64, error) {
	listed, err := l.broker.admin.Kadm().ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	committed := map[string]map[retention.Partition]int64{}
	for name := range listed {
		var info *kfake.GroupInfo
		l.broker.withCluster(func(c *kfake.Cluster) { info = c.GroupInfo(name) })
		if info == nil {
			continue
		}
		for topic, partitions := range info.Commits {
			for id, commit := range partitions {
				if !topics[topic] {
					continue
				}
				if committed[name] == nil {
					committed[name] = map[retention.Partition]int64{}
				}
				committed[name][retention.Partition{Topic: topic, ID: id}] = commit.Offset
			}
		}
	}
	return committed, nil
}

// prepareRetention makes what keeps the broker's partitions to their settings. It comes
// before the first client.
func (b *Broker) prepareRetention() {
	o := b.options
	b.journal = retention.NewJournal(o.Log)
	b.space = retention.NewSpace(o.Dir, b.journal, o.disk, o.now)
	b.cleaner = retention.New(retention.Options{
		Dir: o.Dir, Log: storedLog{b}, Journal: b.journal, Space: b.space, Logger: b.log,
		Now: o.now, Every: o.retentionEvery, CleanEvery: o.retentionEvery,
	})
}

// Problems are what people should know of what is kept, such as records that
// went before a group had read them, and of the disk as it is now.
func (b *Broker) Problems() []retention.Problem {
	_ = b.space.Ask() // the journal has it
	return b.journal.Problems()
}

// retentionMillis is -1 where nothing goes for its age.
func (o Options) retentionMillis() int64 {
	if o.Retention < 0 {
		return -1
	}
	return o.Retention.Milliseconds()
}

// names are the settings in force, by [Options].
func (o Options) names() retention.Names {
	return retention.Names{
		AgeMs: o.retentionMillis(), SetAge: o.Retention != 0,
		Bytes: max(o.RetentionBytes, -1), SetBytes: o.RetentionBytes != 0,
		Others: map[string]string{
			// Members of the newer group protocol learn of a rebalance by
			// their heartbeats, which this paces. Kafka's 5 s is for many.
			"group.consumer.heartbeat.interval.ms": "500",
		},
	}
}

// compactTimeout bounds the wait for the broker to begin a compaction.
const compactTimeout = 10 * time.Second
