package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on((*Mender).alterConfigs)
	on((*Mender).incrementalAlterConfigs)
}

// resource is what settings belong to.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

// alterConfigs refuses the settings of topics that Kafka refuses: kfake takes any name
// and value. They are then not changed.
func (m *Mender) alterConfigs(req *kmsg.AlterConfigsRequest) Exchange {
	all := make([]resource, len(req.Resources))
	for i, r := range req.Resources {
		all[i] = resource{r.ResourceType, r.ResourceName}
	}
	refused := refuseConfigs(all, func(i int) *problem {
		for _, c := range req.Resources[i].Configs {
			if p := alterProblem(all[i].kind, c.Name, c.Value, kmsg.IncrementalAlterConfigOpSet); p != nil {
				return p
			}
		}
		return nil
	})
	kept := req.Resources[:0:0]
	for i, r := range req.Resources {
		if refused[i] == nil {
			kept = append(kept, r)
		}
	}
	req.Resources = kept
	return Exchange{Changed: len(kept) < len(all), Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.AlterConfigsResponse)
		for i, r := range all {
			if p := refused[i]; p != nil {
				answer := kmsg.NewAlterConfigsResponseResource()
				answer.ResourceType, answer.ResourceName, answer.ErrorCode, answer.ErrorMessage = r.kind, r.name, p.code, &p.text
				a.Resources = append(a.Resources, answer)
			}
		}
	}}
}

func (m *Mender) incrementalAlterConfigs(req *kmsg.IncrementalAlterConfigsRequest) Exchange {
	all := make([]resource, len(req.Resources))
	for i, r := range req.Resources {
		all[i] = resource{r.ResourceType, r.ResourceName}
	}
	refused := refuseConfigs(all, func(i int) *problem {
		seen := make(map[string]bool)
		for _, c := range req.Resources[i].Configs {
			if seen[c.Name] {
				return problemf(kerr.InvalidRequest, "Error due to duplicate config keys")
			}
			seen[c.Name] = true
			if p := alterProblem(all[i].kind, c.Name, c.Value, c.Op); p != nil {
				return p
			}
		}
		return nil
	})
	changed := false
	kept := req.Resources[:0:0]
	for i, r := range req.Resources {
		if refused[i] == nil {
			changed = m.setLists(r) || changed
			kept = append(kept, r)
		}
	}
	req.Resources = kept
	return Exchange{Changed: changed || len(kept) < len(all), Complete: func(resp kmsg.Response) {
		a := resp.(*kmsg.IncrementalAlterConfigsResponse)
		for i, r := range all {
			if p := refused[i]; p != nil {
				answer := kmsg.NewIncrementalAlterConfigsResponseResource()
				answer.ResourceType, answer.ResourceName, answer.ErrorCode, answer.ErrorMessage = r.kind, r.name, p.code, &p.text
				a.Resources = append(a.Resources, answer)
			}
		}
	}}
}

// setLists has a topic's lists set to what is appended to or subtracted from them, and
// reports whether there are any. kfake appends to nothing where the default holds, and
// what is there already.
func (m *Mender) setLists(r kmsg.IncrementalAlterConfigsRequestResource) bool {
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

// refuseConfigs finds the resources that are refused, by index: those that are there
// more than once, and those of which check says so.
func refuseConfigs(all []resource, check func(i int) *problem) map[int]*problem {
	refused := make(map[int]*problem)
	times := make(map[resource]int)
	for _, r := range all {
		times[r]++
	}
	for i, r := range all {
		p := check(i)
		if times[r] > 1 {
			p = problemf(kerr.InvalidRequest, "Each resource must appear at most once.")
		}
		if p != nil {
			refused[i] = p
		}
	}
	return refused
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
