package retention

import (
	"maps"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	cleanupPolicy  = "cleanup.policy"
	retentionMs    = "retention.ms"
	retentionBytes = "retention.bytes"
	segmentBytes   = "segment.bytes"
	dirtyRatio     = "min.cleanable.dirty.ratio"

	logRetentionMs    = "log.retention.ms"
	logRetentionBytes = "log.retention.bytes"
	logSegmentBytes   = "log.segment.bytes"
	logCleanup        = "log.cleanup.policy"
	cleanerBackoff    = "log.cleaner.backoff.ms"

	// hidden begins the names under which kfake keeps what it is not to act on.
	hidden = "axion."
)

// hide is the name under which kfake keeps a setting.
func hide(name string) string {
	switch name {
	case cleanupPolicy, retentionMs, retentionBytes, logRetentionMs, logRetentionBytes, logCleanup, cleanerBackoff:
		return hidden + name
	}
	return name
}

// ClientID is the client whose requests reach kfake as they are.
const ClientID = "axion-retention"

// Names are the configuration of the broker as clients see it, and as kfake has
// it.
type Names struct {
	// AgeMs and Bytes are what partitions keep whose topics set nothing, where
	// SetAge and SetBytes say so. Negative means that they take nothing away.
	AgeMs, Bytes int64
	// SetAge and SetBytes say that they were set; else the defaults count.
	SetAge, SetBytes bool
	// Others are settings that kfake is started with besides.
	Others map[string]string
}

// minSegment is Kafka's least segment.bytes, since 4.0 (KIP-1030).
const minSegment = 1 << 20

// segmentBytes is the size of a segment. A small limit of a partition's size
// has small ones, or it would be no limit.
func (n Names) segmentBytes() int64 {
	if !n.SetBytes || n.Bytes < 0 {
		return DefaultSegmentBytes
	}
	return min(max(n.Bytes/8, minSegment), DefaultSegmentBytes)
}

// Kfake is the configuration to start kfake with, so that it drops nothing by
// itself.
func (n Names) Kfake() map[string]string {
	all := map[string]string{
		logSegmentBytes:   strconv.FormatInt(n.segmentBytes(), 10),
		logRetentionBytes: "-1",
		logRetentionMs:    "-1",
		// The longest pause that kfake can bear between two compactions,
		// some centuries.
		cleanerBackoff: "9000000000000",
	}
	maps.Copy(all, n.Others)
	return all
}

// Hide renames in place what a request sets, and reports whether it did.
func (n Names) Hide(req kmsg.Request) (changed bool) {
	switch r := req.(type) {
	case *kmsg.CreateTopicsRequest:
		for i := range r.Topics {
			for j := range r.Topics[i].Configs {
				changed = rename(&r.Topics[i].Configs[j].Name) || changed
			}
		}
	case *kmsg.IncrementalAlterConfigsRequest:
		for i := range r.Resources {
			changed = n.hideAltered(r.Resources[i].Configs) || changed
		}
	case *kmsg.AlterConfigsRequest:
		for i := range r.Resources {
			changed = n.hideSet(&r.Resources[i]) || changed
		}
	}
	return changed
}

// rename renames one setting in place, and reports whether it did.
func rename(at *string) bool {
	before := *at
	*at = hide(before)
	return *at != before
}

// hideAltered is Hide for a resource of which some settings change.
func (n Names) hideAltered(configs []kmsg.IncrementalAlterConfigsRequestResourceConfig) (changed bool) {
	for i := range configs {
		c := &configs[i]
		changed = rename(&c.Name) || changed
		if c.Name == logSegmentBytes && c.Op == kmsg.IncrementalAlterConfigOpDelete {
			// kfake would fall back to its own default.
			value := strconv.FormatInt(n.segmentBytes(), 10)
			c.Op, c.Value, changed = kmsg.IncrementalAlterConfigOpSet, &value, true
		}
	}
	return changed
}

// hideSet is Hide for a resource of which all settings are set anew.
func (n Names) hideSet(resource *kmsg.AlterConfigsRequestResource) (changed bool) {
	for i := range resource.Configs {
		changed = rename(&resource.Configs[i].Name) || changed
	}
	if resource.ResourceType == kmsg.ConfigResourceTypeBroker {
		n.complete(resource)
		changed = true
	}
	return changed
}

// complete adds what a request does not set to the one that sets all of the
// broker's configuration anew: kfake would forget it.
func (n Names) complete(resource *kmsg.AlterConfigsRequestResource) {
	set := map[string]bool{}
	for _, c := range resource.Configs {
		set[c.Name] = true
	}
	for name, value := range n.Kfake() {
		if !set[name] {
			c := kmsg.NewAlterConfigsRequestResourceConfig()
			c.Name, c.Value = name, &value
			resource.Configs = append(resource.Configs, c)
		}
	}
}

// RevealCreated renames in place what the answer to a creation has.
func RevealCreated(resp *kmsg.CreateTopicsResponse) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Configs {
			c := &resp.Topics[i].Configs[j]
			c.Name = strings.TrimPrefix(c.Name, hidden)
		}
	}
}

// Plain is a topic's configuration in kfake, by the names that clients know.
func Plain(configs map[string]*string) map[string]*string {
	plain := make(map[string]*string, len(configs))
	for name, value := range configs {
		plain[strings.TrimPrefix(name, hidden)] = value
	}
	return plain
}

// Compacted reports whether a topic is compacted, by its configuration in kfake.
func Compacted(configs map[string]*string) bool {
	policy := configs[hide(cleanupPolicy)]
	return policy != nil && hasPolicy(*policy, "compact")
}
