package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

// ShareStarts returns the offsets at which a share group goes on.
func (a *Admin) ShareStarts(ctx context.Context, group string) (membership.Starts, error) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	about := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	about.GroupID = group
	req.Groups = append(req.Groups, about)
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return nil, fmt.Errorf("share group %s: %w", group, err)
	}
	starts := make(membership.Starts)
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 || p.StartOffset < 0 {
					continue
				}
				if starts[t.Topic] == nil {
					starts[t.Topic] = make(map[int32]int64)
				}
				starts[t.Topic][p.Partition] = p.StartOffset
			}
		}
	}
	return starts, nil
}
