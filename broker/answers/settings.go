package answers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// setting is one that Kafka has, for topics or for groups.
type setting struct {
	kind  kmsg.ConfigType
	value string // by default
	// broker is the broker's setting that it follows where it is not set; empty for none.
	broker string
	// check says what is wrong with a value of the right type; nil for nothing.
	check func(value string) string
}

// settings are those of one kind of resource, by name.
type settings map[string]setting

// topicSettings are the settings of a topic in Apache Kafka 4.3.
var topicSettings = settings{
	"cleanup.policy":         list("delete", "log.cleanup.policy", oneOf("compact", "delete")),
	"compression.gzip.level": number("-1", "compression.gzip.level", either(-1, 1, 9)),
	"compression.lz4.level":  number("9", "compression.lz4.level", between(1, 17)),
	"compression.type": text("producer", "compression.type",
		oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")),
	"compression.zstd.level":                  number("3", "compression.zstd.level", between(-131072, 22)),
	"delete.retention.ms":                     long("86400000", "log.cleaner.delete.retention.ms", atLeast(0)),
	"file.delete.delay.ms":                    long("60000", "log.segment.delete.delay.ms", atLeast(0)),
	"flush.messages":                          long(forever, "log.flush.interval.messages", atLeast(1)),
	"flush.ms":                                long(forever, "log.flush.interval.ms", atLeast(0)),
	"follower.replication.throttled.replicas": list("", "", nil),
	"index.interval.bytes":                    number("4096", "log.index.interval.bytes", atLeast(0)),
	"leader.replication.throttled.replicas":   list("", "", nil),
	"local.retention.bytes":                   long("-2", "log.local.retention.bytes", atLeast(-2)),
	"local.retention.ms":                      long("-2", "log.local.retention.ms", atLeast(-2)),
	"max.compaction.lag.ms":                   long(forever, "log.cleaner.max.compaction.lag.ms", atLeast(1)),
	"max.message.bytes":                       number("1048588", "message.max.bytes", atLeast(0)),
	"message.timestamp.after.max.ms":          long("3600000", "log.message.timestamp.after.max.ms", atLeast(0)),
	"message.timestamp.before.max.ms":         long(forever, "log.message.timestamp.before.max.ms", atLeast(0)),
	"message.timestamp.type":                  text("CreateTime", "log.message.timestamp.type", oneOf("CreateTime", "LogAppendTime")),
	"min.cleanable.dirty.ratio": {kind: kmsg.ConfigTypeDouble, value: "0.5", broker: "log.cleaner.min.cleanable.ratio",
		check: ratio},
	"min.compaction.lag.ms":          long("0", "log.cleaner.min.compaction.lag.ms", atLeast(0)),
	"min.insync.replicas":            number("1", "min.insync.replicas", atLeast(1)),
	"preallocate":                    boolean("log.preallocate", nil),
	"remote.log.copy.disable":        boolean("", nil),
	"remote.log.delete.on.disable":   boolean("", nil),
	"remote.storage.enable":          boolean("", tiered),
	"retention.bytes":                long("-1", "log.retention.bytes", atLeast(-1)),
	"retention.ms":                   long("604800000", "log.retention.ms", atLeast(-1)),
	"segment.bytes":                  number("1073741824", "log.segment.bytes", atLeast(1<<20)),
	"segment.index.bytes":            number("10485760", "log.index.size.max.bytes", atLeast(4)),
	"segment.jitter.ms":              long("0", "log.roll.jitter.ms", atLeast(0)),
	"segment.ms":                     long("604800000", "log.roll.ms", atLeast(1)),
	"unclean.leader.election.enable": boolean("unclean.leader.election.enable", nil),
}

// groupSettings are those of a group that kfake has; kfake describes them without
// their values and types.
var groupSettings = settings{
	"consumer.heartbeat.interval.ms":   number("5000", "group.consumer.heartbeat.interval.ms", atLeast(1)),
	"consumer.session.timeout.ms":      number("45000", "group.consumer.session.timeout.ms", between(45000, 60000)),
	"share.auto.offset.reset":          text("latest", "", resets),
	"share.delivery.count.limit":       number("5", "group.share.delivery.count.limit", atLeast(2)),
	"share.heartbeat.interval.ms":      number("5000", "group.share.heartbeat.interval.ms", atLeast(1)),
	"share.isolation.level":            text("read_uncommitted", "", oneOf("read_committed", "read_uncommitted")),
	"share.max.share.sessions":         number("2000", "group.share.max.share.sessions", atLeast(1)),
	"share.max.size":                   number("200", "group.share.max.size", atLeast(1)),
	"share.partition.max.record.locks": number("2000", "group.share.partition.max.record.locks", atLeast(1)),
	"share.record.lock.duration.ms":    number("30000", "group.share.record.lock.duration.ms", atLeast(1)),
	"share.session.timeout.ms":         number("45000", "group.share.session.timeout.ms", between(45000, 60000)),
}

const forever = "9223372036854775807"

func number(value, broker string, check func(string) string) setting {
	return setting{kmsg.ConfigTypeInt, value, broker, check}
}

func long(value, broker string, check func(string) string) setting {
	return setting{kmsg.ConfigTypeLong, value, broker, check}
}

func text(value, broker string, check func(string) string) setting {
	return setting{kmsg.ConfigTypeString, value, broker, check}
}

func list(value, broker string, check func(string) string) setting {
	return setting{kmsg.ConfigTypeList, value, broker, check}
}

func boolean(broker string, check func(string) string) setting {
	return setting{kmsg.ConfigTypeBoolean, "false", broker, check}
}

func atLeast(least int64) func(string) string { return between(least, math.MaxInt64) }

func between(least, most int64) func(string) string { return either(least, least, most) }

// either is one number alone, or from least to most.
func either(alone, least, most int64) func(string) string {
	return func(value string) string {
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err == nil && (n == alone || n >= least && n <= most):
			return ""
		case n < least:
			return fmt.Sprintf("Value must be at least %d", least)
		}
		return fmt.Sprintf("Value must be no more than %d", most)
	}
}

func oneOf(known ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(known, value) {
			return ""
		}
		return "String must be one of: " + strings.Join(known, ", ")
	}
}

func ratio(value string) string {
	if f, err := strconv.ParseFloat(value, 64); err != nil || !(f >= 0 && f <= 1) {
		return "Value must be at least 0 and no more than 1"
	}
	return ""
}

func tiered(value string) string {
	if strings.EqualFold(value, "true") {
		return "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
	}
	return ""
}

// resets are where a share group starts: a duration (ISO 8601) is by_duration:PT1H.
func resets(value string) string {
	if after, ok := strings.CutPrefix(value, "by_duration:"); ok {
		value = after
		if strings.HasPrefix(value, "P") {
			return ""
		}
	}
	return oneOf("earliest", "latest")(value)
}

// problem says why a setting is refused; nil for not.
func (s settings) problem(name string, value *string) *problem {
	known, ok := s[name]
	switch {
	case !ok:
		return problemf(kerr.InvalidConfig, "Unknown topic config name: %s", name)
	case value == nil:
		return problemf(kerr.InvalidConfig, "Null value not supported for topic configs: %s", name)
	}
	if wrong := known.wrong(strings.TrimSpace(*value)); wrong != "" {
		return problemf(kerr.InvalidConfig, "Invalid value %s for configuration %s: %s", *value, name, wrong)
	}
	return nil
}

// wrong says what is wrong with a value; empty for nothing.
func (s setting) wrong(value string) string {
	size, parts := 64, []string{value}
	switch s.kind {
	case kmsg.ConfigTypeInt, kmsg.ConfigTypeLong:
		if s.kind == kmsg.ConfigTypeInt {
			size = 32
		}
		if _, err := strconv.ParseInt(value, 10, size); err != nil {
			return "Not a number of type " + s.kind.String()
		}
	case kmsg.ConfigTypeBoolean:
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return "Expected value to be either true or false"
		}
	case kmsg.ConfigTypeList:
		if parts = nil; value != "" {
			parts = strings.Split(value, ",")
		}
	}
	if s.check == nil {
		return ""
	}
	for _, part := range parts {
		if wrong := s.check(strings.TrimSpace(part)); wrong != "" {
			return wrong
		}
	}
	return ""
}

// defaults are all settings where nothing is set.
func (s settings) defaults() []kmsg.CreateTopicsResponseTopicConfig {
	all := make([]kmsg.CreateTopicsResponseTopicConfig, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		c, value := kmsg.NewCreateTopicsResponseTopicConfig(), s[name].value
		c.Name, c.Value, c.Source = name, &value, int8(kmsg.ConfigSourceDefaultConfig)
		all = append(all, c)
	}
	return all
}
