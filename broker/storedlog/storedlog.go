// Package storedlog reads and shortens the partitions of the broker for its retention.
package storedlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
	"axion/broker/live"
	"axion/broker/retention"
	"axion/broker/segment"
)

// Log is the partitions of a kfake cluster, as retention drives them.
type Log struct {
	Cluster *live.Cluster
	Admin   *admin.Admin
	Files   *segment.Store
	// Connect makes a client of kfake's that gets settings under their own names.
	Connect func() (*kgo.Client, error)
}

var _ retention.Log = Log{}

// errAway says that the broker is not running.
var errAway = errors.New("the broker is away")

// Settings implements [retention.Log].
func (l Log) Settings(ctx context.Context, topics []string) (map[string]retention.Settings, error) {
	resp, err := l.Admin.DescribeRetention(ctx, topics)
	if err != nil {
		return nil, err
	}
	return retention.ReadSettings(resp), nil
}

// Offsets implements [retention.Log].
func (l Log) Offsets(p retention.Partition) (at retention.Offsets, ok bool) {
	l.Cluster.With(func(c *kfake.Cluster) {
		if info := c.PartitionInfo(p.Topic, p.ID); info != nil {
			at, ok = retention.Offsets{Start: info.LogStartOffset, Stable: info.LastStableOffset, End: info.HighWatermark}, true
		}
	})
	return at, ok
}

// DeleteRecords implements [retention.Log].
func (l Log) DeleteRecords(p retention.Partition, offset int64) error {
	err := errAway
	l.Cluster.With(func(c *kfake.Cluster) { err = c.DeleteRecords(p.Topic, p.ID, offset) })
	return err
}

// Committed implements [retention.Log].
func (l Log) Committed(ctx context.Context, topics map[string]bool) (map[string]map[retention.Partition]int64, error) {
	listed, err := l.Admin.Kadm().ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	committed := map[string]map[retention.Partition]int64{}
	for name := range listed {
		var info *kfake.GroupInfo
		l.Cluster.With(func(c *kfake.Cluster) { info = c.GroupInfo(name) })
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
