package retention

import (
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Description is the answer to a DescribeConfigs on its way to the client.
type Description struct {
	names Names
	asked []kmsg.DescribeConfigsRequestResource
}

// Ask widens a request in place, so that kfake's answer has all that
// [Description.Reveal] needs: every setting of what is asked for, and those of
// the broker besides.
func (n Names) Ask(r *kmsg.DescribeConfigsRequest) *Description {
	d := &Description{names: n, asked: slices.Clone(r.Resources)}
	for i := range r.Resources {
		switch r.Resources[i].ResourceType {
		case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeTopic:
			r.Resources[i].ConfigNames = nil
		}
	}
	broker := kmsg.NewDescribeConfigsRequestResource()
	broker.ResourceType = kmsg.ConfigResourceTypeBroker
	r.Resources = append(r.Resources, broker)
	return d
}

// Reveal changes kfake's answer in place to the one for the client.
func (d *Description) Reveal(resp *kmsg.DescribeConfigsResponse) {
	if len(resp.Resources) != len(d.asked)+1 {
		return // kfake refuses the request
	}
	dynamic := brokerOverrides(resp.Resources[len(d.asked)])
	resp.Resources = resp.Resources[:len(d.asked)]
	for i := range resp.Resources {
		resource := &resp.Resources[i]
		if resource.ErrorCode != 0 {
			continue
		}
		switch resource.ResourceType {
		case kmsg.ConfigResourceTypeTopic:
			d.names.reveal(resource, topicNames, dynamic)
		case kmsg.ConfigResourceTypeBroker:
			d.names.reveal(resource, brokerNames, dynamic)
		default:
			continue
		}
		only(resource, d.asked[i].ConfigNames)
	}
}

// only leaves those of the names, where there are any: nil stands for all.
func only(resource *kmsg.DescribeConfigsResponseResource, names []string) {
	if names == nil {
		return
	}
	resource.Configs = slices.DeleteFunc(resource.Configs, func(c kmsg.DescribeConfigsResponseResourceConfig) bool {
		return !slices.Contains(names, c.Name)
	})
}

// brokerOverrides are the values that clients have set for the whole broker.
func brokerOverrides(resource kmsg.DescribeConfigsResponseResource) map[string]string {
	set := map[string]string{}
	for _, c := range resource.Configs {
		if c.Source == kmsg.ConfigSourceDynamicBrokerConfig && c.Value != nil {
			set[c.Name] = *c.Value
		}
	}
	return set
}

// setting is one that the answer has anew: its names for a topic and for the
// broker, of which either may be empty, and its type.
type setting struct {
	topic, broker string
	kind          kmsg.ConfigType
}

var settings = []setting{
	{retentionMs, logRetentionMs, kmsg.ConfigTypeLong},
	{retentionBytes, logRetentionBytes, kmsg.ConfigTypeLong},
	{segmentBytes, logSegmentBytes, kmsg.ConfigTypeInt},
	{cleanupPolicy, logCleanup, kmsg.ConfigTypeList},
	{"", cleanerBackoff, kmsg.ConfigTypeLong},
	{dirtyRatio, "", kmsg.ConfigTypeDouble},
	{"min.compaction.lag.ms", "", kmsg.ConfigTypeLong},
	{"max.compaction.lag.ms", "", kmsg.ConfigTypeLong},
}

func topicNames(s setting) string  { return s.topic }
func brokerNames(s setting) string { return s.broker }

// reveal replaces what kfake says of the settings by the values in force.
func (n Names) reveal(resource *kmsg.DescribeConfigsResponseResource, named func(setting) string, dynamic map[string]string) {
	own := map[string]string{} // what the topic itself sets
	for _, c := range resource.Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig && c.Value != nil {
			own[c.Name] = *c.Value
		}
	}
	resource.Configs = slices.DeleteFunc(resource.Configs, func(c kmsg.DescribeConfigsResponseResourceConfig) bool {
		return strings.HasPrefix(c.Name, hidden) || slices.ContainsFunc(settings, func(s setting) bool { return named(s) == c.Name })
	})
	for i, c := range resource.Configs { // what kfake is started with is no client's doing
		if value, ok := n.Others[c.Name]; ok && c.Source == kmsg.ConfigSourceDynamicBrokerConfig && c.Value != nil && *c.Value == value {
			resource.Configs[i].Source = kmsg.ConfigSourceStaticBrokerConfig
		}
	}
	for _, s := range settings {
		if named(s) == "" {
			continue
		}
		config := kmsg.NewDescribeConfigsResponseResourceConfig()
		config.Name, config.ConfigType = named(s), s.kind
		config.ConfigSynonyms = n.synonyms(s, own, dynamic)
		config.Value, config.Source = config.ConfigSynonyms[0].Value, config.ConfigSynonyms[0].Source
		config.IsDefault = config.Source == kmsg.ConfigSourceDefaultConfig
		resource.Configs = append(resource.Configs, config)
	}
}

// synonyms are where a value comes from, the one in force first, as Kafka
// orders them.
func (n Names) synonyms(s setting, own, dynamic map[string]string) []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym {
	var all []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym
	add := func(name, value string, source kmsg.ConfigSource) {
		synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		synonym.Name, synonym.Value, synonym.Source = name, &value, source
		all = append(all, synonym)
	}
	if value, ok := own[hide(s.topic)]; ok && s.topic != "" {
		add(s.topic, value, kmsg.ConfigSourceDynamicTopicConfig)
	}
	static, isSet := n.static(s.broker)
	if value, ok := dynamic[hide(s.broker)]; ok && s.broker != "" && value != n.Kfake()[hide(s.broker)] {
		add(s.broker, value, kmsg.ConfigSourceDynamicBrokerConfig)
	}
	if isSet {
		add(s.broker, static, kmsg.ConfigSourceStaticBrokerConfig)
	}
	name := s.broker
	if name == "" {
		name = s.topic
	}
	add(name, builtin(s), kmsg.ConfigSourceDefaultConfig)
	return all
}

// static is what a flag sets.
func (n Names) static(name string) (value string, set bool) {
	switch name {
	case logRetentionMs:
		return strconv.FormatInt(n.AgeMs, 10), n.SetAge
	case logRetentionBytes:
		return strconv.FormatInt(n.Bytes, 10), n.SetBytes
	case logSegmentBytes:
		return strconv.FormatInt(n.segmentBytes(), 10), n.segmentBytes() != DefaultSegmentBytes
	}
	return "", false
}

// builtin is the value where nobody sets one.
func builtin(s setting) string {
	switch {
	case s.topic == retentionMs:
		return strconv.FormatInt(DefaultAge.Milliseconds(), 10)
	case s.topic == retentionBytes:
		return strconv.FormatInt(DefaultBytes, 10)
	case s.topic == segmentBytes:
		return strconv.FormatInt(DefaultSegmentBytes, 10)
	case s.topic == cleanupPolicy:
		return "delete"
	case s.broker == cleanerBackoff:
		return strconv.FormatInt(cleanEvery.Milliseconds(), 10)
	case s.topic == dirtyRatio:
		return strconv.FormatFloat(defaultDirtyRatio, 'f', -1, 64)
	case s.topic == "max.compaction.lag.ms":
		return "9223372036854775807"
	}
	return "0"
}
