package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(configs.alterConfigs)
	on(configs.incrementalAlterConfigs)
}

// resource is what settings belong to.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

// alterConfigs refuses the settings of topics that Kafka refuses: kfake takes any name
// and value. They are then not changed.
func (configs) alterConfigs(req *kmsg.AlterConfigsRequest) Exchange {
	before := len(req.Resources)
	kept, refused := splitConfigs(req.Resources, func(r *kmsg.AlterConfigsRequestResource) resource {
		return resource{r.ResourceType, r.ResourceName}
	}, func(r *kmsg.AlterConfigsRequestResource) *problem {
		for _, c := range r.Configs {
			if p := alterProblem(r.ResourceType, c.Name, c.Value, kmsg.IncrementalAlterConfigOpSet); p != nil {
				return p
			}
		}
		return nil
	})
	req.Resources = kept
	return Exchange{Changed: len(kept) < before, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.AlterConfigsResponse)
		for _, r := range refused {
			answer := kmsg.NewAlterConfigsResponseResource()
			answer.ResourceType, answer.ResourceName, answer.ErrorCode, answer.ErrorMessage = r.kind, r.name, r.code, &r.text
			a.Resources = append(a.Resources, answer)
		}
	}}
}

func (m configs) incrementalAlterConfigs(req *kmsg.IncrementalAlterConfigsRequest) Exchange {
	before := len(req.Resources)
	kept, refused := splitConfigs(req.Resources, func(r *kmsg.IncrementalAlterConfigsRequestResource) resource {
		return resource{r.ResourceType, r.ResourceName}
	}, func(r *kmsg.IncrementalAlterConfigsRequestResource) *problem {
		seen := make(map[string]bool)
		for _, c := range r.Configs {
			if seen[c.Name] {
				return problemf(kerr.InvalidRequest, "Error due to duplicate config keys")
			}
			seen[c.Name] = true
			if p := alterProblem(r.ResourceType, c.Name, c.Value, c.Op); p != nil {
				return p
			}
		}
		return nil
	})
	changed := len(kept) < before
	for _, r := range kept {
		changed = m.setLists(r) || changed
	}
	req.Resources = kept
	return Exchange{Changed: changed, Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.IncrementalAlterConfigsResponse)
		for _, r := range refused {
			answer := kmsg.NewIncrementalAlterConfigsResponseResource()
			answer.ResourceType, answer.ResourceName, answer.ErrorCode, answer.ErrorMessage = r.kind, r.name, r.code, &r.text
			a.Resources = append(a.Resources, answer)
		}
	}}
}

// setLists has a topic's lists set to what is appended to or subtracted from them, and
// reports whether there are any. kfake appends to nothing where the default holds, and
// what is there already.
func (m configs) setLists(r kmsg.IncrementalAlterConfigsRequestResource) bool {
	if r.ResourceType != kmsg.ConfigResourceTypeTopic {
		return false
	}
	_, own, ok := m.cluster.Topic(r.ResourceName)
	changed := false
	for i := range r.Configs {
		c := &r.Configs[i]
		known := topicSettings[c.Name]
		appends := c.Op == kmsg.IncrementalAlterConfigOpAppend
		if !ok || known.kind != kmsg.ConfigTypeList || c.Value == nil || !appends && c.Op != kmsg.IncrementalAlterConfigOpSubtract {
			continue
		}
		now := known.value
		if set := own[c.Name]; set != nil {
			now = *set
		}
		items := slices.DeleteFunc(strings.Split(now, ","), func(item string) bool { return item == "" })
		for item := range strings.SplitSeq(*c.Value, ",") {
			at := slices.Index(items, item)
			if appends && at < 0 {
				items = append(items, item)
			} else if !appends && at >= 0 {
				items = slices.Delete(items, at, at+1)
			}
		}
		value := strings.Join(items, ",")
		c.Op, c.Value, changed = kmsg.IncrementalAlterConfigOpSet, &value, true
	}
	return changed
}

// refusedResource is one whose settings are not changed, and why.
type refusedResource struct {
	resource
	*problem
}

// splitConfigs parts the resources to pass on from those that are refused: those that are
// there more than once, and those of which check says so.
func splitConfigs[R any](all []R, of func(*R) resource, check func(*R) *problem) (kept []R, refused []refusedResource) {
	times := make(map[resource]int)
	for i := range all {
		times[of(&all[i])]++
	}
	for i := range all {
		r, p := of(&all[i]), check(&all[i])
		if times[r] > 1 {
			p = problemf(kerr.InvalidRequest, "Each resource must appear at most once.")
		}
		if p == nil {
			kept = append(kept, all[i])
		} else {
			refused = append(refused, refusedResource{r, p})
		}
	}
	return kept, refused
}

// brokerProblem says why a change of a broker's setting is refused; nil for not. What is
// accepted is followed, by kfake or package retention.
func brokerProblem(name string, op kmsg.IncrementalAlterConfigOp) *problem {
	switch {
	case readOnly(name):
		return problemf(kerr.InvalidRequest, "Cannot update these configs dynamically: [%s]", name)
	case op == kmsg.IncrementalAlterConfigOpDelete, strings.HasPrefix(name, "group."):
		return nil
	}
	switch name {
	case "log.cleaner.backoff.ms", "log.retention.bytes", "log.retention.ms", "log.segment.bytes":
		return nil
	}
	for topic, s := range topicSettings {
		if s.broker == name {
			return problemf(kerr.InvalidRequest, "%s is not supported for the broker: set %s of the topics", name, topic)
		}
	}
	return problemf(kerr.InvalidRequest, "%s is not supported", name)
}

// alterProblem says why a change is refused; nil for not.
func alterProblem(kind kmsg.ConfigResourceType, name string, value *string, op kmsg.IncrementalAlterConfigOp) *problem {
	known := topicSettings
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
	case kmsg.ConfigResourceTypeGroupConfig:
		known = groupSettings
		if _, ok := known[name]; !ok {
			return nil // kfake refuses it
		}
	case kmsg.ConfigResourceTypeBroker:
		return brokerProblem(name, op)
	default:
		return nil
	}
	switch op {
	case kmsg.IncrementalAlterConfigOpDelete:
		return nil
	case kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract:
		if s, ok := known[name]; ok && s.kind != kmsg.ConfigTypeList {
			return problemf(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.", op, name)
		}
	}
	if value == nil && op == kmsg.IncrementalAlterConfigOpSet {
		return &problem{kerr.InvalidRequest.Code, fmt.Sprintf("Null value not supported for : %s", name)}
	}
	return known.problem(name, value)
}
