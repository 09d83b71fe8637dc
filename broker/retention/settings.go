// Package retention decides what the embedded broker keeps, as Apache Kafka
// does: by the age and the size of whole segments, by compaction, and by what
// is left of the disk. It says what goes before every group has read it.
//
// kfake (v0.0.0-20260918054303) does otherwise: it drops single batches, of
// which one old record takes the fresh ones before it along and a size limit
// the newest; it looks once an hour; and its compaction loses the partition
// where the process ends within it. So kfake is kept from doing either: the
// settings that would have it are kept in it under other names (see [Names]),
// and what is to go is given to it, by DeleteRecords and by its Compact.
package retention

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// DefaultAge is Kafka's log.retention.hours.
	DefaultAge = 7 * 24 * time.Hour
	// DefaultBytes is the limit of a partition's size where none is set.
	// Kafka's is none: a development machine's disk is smaller.
	DefaultBytes = 1 << 30
	// DefaultSegmentBytes is smaller than Kafka's 1 GiB, because whole
	// segments are what retention frees.
	DefaultSegmentBytes = 32 << 20
	// defaultDirtyRatio is Kafka's min.cleanable.dirty.ratio.
	defaultDirtyRatio = 0.5
)

// Settings say what the partitions of a topic keep.
type Settings struct {
	// Age is how old the newest record of a segment gets before the segment
	// goes. Negative means that age takes none away.
	Age time.Duration
	// OwnAge says that the topic itself sets Age. Then even the newest
	// segment goes, once all of it is too old.
	OwnAge bool
	// Bytes is the size from which on the oldest segments go. Negative means
	// that size takes none away.
	Bytes int64
	// Delete and Compact are the two of cleanup.policy. Without Delete, Age
	// and Bytes count for nothing.
	Delete, Compact bool
	// DirtyRatio is the part of a partition's bytes that has to have come
	// since the last compaction for the next one.
	DirtyRatio float64
	// MinLag is how old records get before they are compacted, and MaxLag
	// from when on they are, whatever DirtyRatio says.
	MinLag, MaxLag time.Duration
}

// parseSettings reads the values of a topic's configuration that count here.
// Those that are missing or are no numbers are the defaults of Kafka.
func parseSettings(values map[string]string, ownAge bool) Settings {
	policy := values[cleanupPolicy]
	s := Settings{
		Age: millis(values[retentionMs], DefaultAge), OwnAge: ownAge, Bytes: number(values[retentionBytes], -1),
		Compact: hasPolicy(policy, "compact"), DirtyRatio: defaultDirtyRatio,
		MinLag: millis(values["min.compaction.lag.ms"], 0), MaxLag: millis(values["max.compaction.lag.ms"], math.MaxInt64),
	}
	s.Delete = !s.Compact || hasPolicy(policy, "delete")
	if ratio, err := strconv.ParseFloat(values[dirtyRatio], 64); err == nil {
		s.DirtyRatio = ratio
	}
	return s
}

func hasPolicy(list, policy string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(one) == policy {
			return true
		}
	}
	return false
}

func number(text string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return otherwise
}

// millis is a duration of whole milliseconds, the longest there is where the
// number is greater.
func millis(text string, otherwise time.Duration) time.Duration {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return otherwise
	case n > math.MaxInt64/int64(time.Millisecond):
		return math.MaxInt64
	case n < 0:
		return -1
	}
	return time.Duration(n) * time.Millisecond
}

// SettingNames are the settings of a topic that [ReadSettings] reads.
func SettingNames() []string {
	var names []string
	for _, s := range settings {
		if s.topic != "" {
			names = append(names, s.topic)
		}
	}
	return names
}

// ReadSettings reads the settings of topics out of their configuration. Those
// that could not be described are left out.
func ReadSettings(resp *kmsg.DescribeConfigsResponse) map[string]Settings {
	read := make(map[string]Settings, len(resp.Resources))
	for _, resource := range resp.Resources {
		if resource.ErrorCode != 0 {
			continue
		}
		values, ownAge := map[string]string{}, false
		for _, c := range resource.Configs {
			if c.Value != nil {
				values[c.Name] = *c.Value
			}
			ownAge = ownAge || c.Name == retentionMs && c.Source == kmsg.ConfigSourceDynamicTopicConfig
		}
		read[resource.ResourceName] = parseSettings(values, ownAge)
	}
	return read
}
