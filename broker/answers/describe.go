package answers

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() { on(configs.describeConfigs) }

// The types of kmsg are long to write.
type (
	config  = kmsg.DescribeConfigsResponseResourceConfig
	synonym = kmsg.DescribeConfigsResponseResourceConfigConfigSynonym
)

// describeConfigs lists all settings that Kafka has, with their types and the values
// in force. kfake gives a topic the broker's settings by the broker's names, and not of
// those that it does not follow. All names are asked for, since a topic's values may
// come from the broker's.
func (m configs) describeConfigs(req *kmsg.DescribeConfigsRequest) Exchange {
	wanted := make(map[resource][]string)
	for i := range req.Resources {
		r := &req.Resources[i]
		if r.ConfigNames != nil {
			wanted[resource{r.ResourceType, r.ResourceName}] = r.ConfigNames
			r.ConfigNames = nil
		}
	}
	x := complete(func(a *kmsg.DescribeConfigsResponse) {
		for i := range a.Resources {
			r := &a.Resources[i]
			if r.ErrorCode != 0 {
				continue
			}
			m.describe(r)
			if names, ok := wanted[resource{r.ResourceType, r.ResourceName}]; ok {
				r.Configs = slices.DeleteFunc(r.Configs, func(c config) bool { return !slices.Contains(names, c.Name) })
			}
			if !req.IncludeSynonyms {
				for j := range r.Configs {
					r.Configs[j].ConfigSynonyms = nil
				}
			}
		}
	})
	x.Changed = len(wanted) > 0
	return x
}

// kept are the settings of what is kept, which package retention describes in full.
var kept = map[string]bool{
	"retention.ms": true, "retention.bytes": true, "segment.bytes": true, "cleanup.policy": true, "min.cleanable.dirty.ratio": true,
	"min.compaction.lag.ms": true, "max.compaction.lag.ms": true, "log.retention.ms": true, "log.retention.bytes": true,
	"log.segment.bytes": true, "log.cleanup.policy": true, "log.cleaner.backoff.ms": true,
}

func (m configs) describe(r *kmsg.DescribeConfigsResponseResource) {
	switch r.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		r.Configs = topicSettings.describe(r.Configs, kmsg.ConfigSourceDynamicTopicConfig)
	case kmsg.ConfigResourceTypeGroupConfig:
		r.Configs = groupSettings.describe(r.Configs, kmsg.ConfigSourceGroupConfig)
	case kmsg.ConfigResourceTypeBroker:
		r.Configs = m.describeBroker(r.ResourceName, r.Configs)
	}
}

// describe makes the description of a topic or group from kfake's: own is the source of
// what is set for it alone.
func (s settings) describe(listed []config, own kmsg.ConfigSource) []config {
	byName := make(map[string]config, len(listed))
	for _, c := range listed {
		byName[c.Name] = c
	}
	all := make([]config, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		known := s[name]
		var from []synonym
		add := func(name string, value *string, source kmsg.ConfigSource) {
			c := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			c.Name, c.Value, c.Source = name, value, source
			from = append(from, c)
		}
		if c, ok := byName[name]; ok && kept[name] && len(c.ConfigSynonyms) > 0 {
			all = append(all, c)
			continue
		}
		if c, ok := byName[name]; ok && c.Source == own {
			add(name, c.Value, own)
		}
		broker := known.broker
		if c, ok := byName[broker]; ok && broker != "" && c.Source != own && c.Source != kmsg.ConfigSourceDefaultConfig {
			add(broker, c.Value, c.Source)
		}
		if broker == "" {
			broker = name
		}
		add(broker, &known.value, kmsg.ConfigSourceDefaultConfig)
		c := kmsg.NewDescribeConfigsResponseResourceConfig()
		c.Name, c.Value, c.Source, c.ConfigType, c.ConfigSynonyms = name, from[0].Value, from[0].Source, known.kind, from
		c.IsDefault = c.Source == kmsg.ConfigSourceDefaultConfig
		all = append(all, c)
	}
	return all
}

// readOnly reports whether a broker's setting is only read when it starts: of those that
// are listed, all but these.
func readOnly(name string) bool {
	switch name {
	case "compression.type", "log.message.timestamp.type", "log.cleaner.backoff.ms", "log.retention.bytes",
		"log.retention.ms", "log.segment.bytes", "log.roll.ms", "message.max.bytes", "min.insync.replicas", "unclean.leader.election.enable",
		"log.cleanup.policy":
		return false
	}
	_, known := brokerSettings[name]
	return known
}

// brokerSettings are types of settings of the broker.
var brokerSettings = map[string]kmsg.ConfigType{
	"advertised.listeners": kmsg.ConfigTypeString, "auto.create.topics.enable": kmsg.ConfigTypeBoolean, "broker.id": kmsg.ConfigTypeInt,
	"default.replication.factor": kmsg.ConfigTypeInt, "delete.topic.enable": kmsg.ConfigTypeBoolean,
	"group.max.session.timeout.ms": kmsg.ConfigTypeInt,
	"group.min.session.timeout.ms": kmsg.ConfigTypeInt, "log.dir": kmsg.ConfigTypeString, "log.dirs": kmsg.ConfigTypeString,
	"node.id": kmsg.ConfigTypeInt, "num.partitions": kmsg.ConfigTypeInt, "offsets.retention.minutes": kmsg.ConfigTypeInt,
	"transaction.max.timeout.ms": kmsg.ConfigTypeInt, "transactional.id.expiration.ms": kmsg.ConfigTypeInt,
}

// defaultsForAll are the settings that clients have made for all brokers. kfake returns
// those that it was started with too.
func defaultsForAll(listed []config) []config {
	listed = slices.DeleteFunc(listed, func(c config) bool {
		switch c.Name {
		case "log.segment.bytes", "log.retention.bytes", "log.retention.ms", "group.consumer.heartbeat.interval.ms":
			return true
		}
		return c.Source != kmsg.ConfigSourceDynamicBrokerConfig
	})
	for i := range listed {
		listed[i].Source = kmsg.ConfigSourceDynamicDefaultBrokerConfig
	}
	return listed
}

// describeBroker corrects what kfake says of itself. Without a name, what is set for
// all brokers is asked for: only that.
func (m configs) describeBroker(name string, listed []config) []config {
	if name == "" {
		return defaultsForAll(listed)
	}
	fixed := map[string]string{
		"log.dir": m.cluster.Dir(), "log.dirs": m.cluster.Dir(), "default.replication.factor": "1", "node.id": strconv.Itoa(Node),
		"advertised.listeners": "PLAINTEXT://" + m.cluster.Addr(), "auto.create.topics.enable": "true", "delete.topic.enable": "true",
		"num.partitions": strconv.Itoa(int(m.cluster.Partitions())), "log.cleanup.policy": "delete", "unclean.leader.election.enable": "false",
	}
	listed = slices.DeleteFunc(listed, func(c config) bool {
		_, known := fixed[c.Name]
		// Without a login there are no mechanisms and no users for them.
		return known || c.Name == "sasl.enabled.mechanisms" || c.Name == "super.users" || strings.HasPrefix(c.Name, "kfake.")
	})
	for i := range listed {
		c := &listed[i]
		if kept[c.Name] && len(c.ConfigSynonyms) > 0 {
			continue
		}
		own := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		own.Name, own.Value, own.Source = c.Name, c.Value, c.Source
		c.ConfigSynonyms = append([]synonym{own}, c.ConfigSynonyms...)
		c.ReadOnly = c.ReadOnly || readOnly(c.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		c, value := kmsg.NewDescribeConfigsResponseResourceConfig(), fixed[name]
		c.Name, c.Value, c.Source = name, &value, kmsg.ConfigSourceStaticBrokerConfig
		c.ReadOnly, c.ConfigType = readOnly(name), brokerSettings[name]
		switch name {
		case "log.cleanup.policy":
			c.Source, c.ConfigType = kmsg.ConfigSourceDefaultConfig, kmsg.ConfigTypeList
		case "unclean.leader.election.enable":
			c.Source, c.ConfigType = kmsg.ConfigSourceDefaultConfig, kmsg.ConfigTypeBoolean
		}
		listed = append(listed, c)
	}
	return listed
}
