package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Settings returns those of a group, or of a subscription to client metrics, that are set.
func (a *Admin) Settings(ctx context.Context, kind kmsg.ConfigResourceType, name string) (map[string]*string, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	about := kmsg.NewDescribeConfigsRequestResource()
	about.ResourceType, about.ResourceName = kind, name
	req.Resources = append(req.Resources, about)
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", name, err)
	}
	set := make(map[string]*string)
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, fmt.Errorf("settings of %s: %w", name, err)
		}
		for _, c := range r.Configs {
			if c.Source == kmsg.ConfigSourceGroupConfig || c.Source == kmsg.ConfigSourceClientMetricsConfig {
				set[c.Name] = c.Value
			}
		}
	}
	return set, nil
}
