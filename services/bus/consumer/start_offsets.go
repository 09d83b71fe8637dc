package consumer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/topics"
)

// commitStartOffsets has the group commit where it starts on the partitions that it has no
// offset of. The next member that they are assigned to then starts there too: a KafkaJS
// consumer, which else would start at the end, misses nothing that was sent in between.
func (s *session) commitStartOffsets(
	ctx context.Context, offsets map[string]map[int32]kgo.Offset,
) (map[string]map[int32]kgo.Offset, error) {
	fresh := make(map[string][]int32)
	for topic, parts := range offsets {
		for id, o := range parts {
			s.reader.Begin(topic, id, o.EpochOffset().Offset)
			if o.EpochOffset().Offset < 0 {
				fresh[topic] = append(fresh[topic], id)
			}
		}
	}
	if len(fresh) == 0 {
		return offsets, nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	starts, err := topics.RetryUntil(ctx, func(ctx context.Context) (kadm.ListedOffsets, error) {
		return s.startOffsets(ctx, fresh)
	})
	if err != nil { // we start there all the same
		s.conn.Log.Warn("first offsets not committed", "error", err)
		return offsets, nil
	}
	for topic, ids := range fresh {
		for _, id := range ids {
			o, _ := starts.Lookup(topic, id)
			if p := s.partition(topic, id); p != nil {
				p.setStartOffset(o.Offset)
			}
			// kgo's SetOffsets, which gets it past a batch, is for offsets that it knows.
			offsets[topic][id] = kgo.NewOffset().At(o.Offset)
			s.reader.Begin(topic, id, o.Offset)
		}
	}
	return offsets, nil
}

// startOffsets are those of all of the partitions, or it fails: a topic that was
// just made may not be known to the client yet.
func (s *session) startOffsets(ctx context.Context, of map[string][]int32) (kadm.ListedOffsets, error) {
	starts, err := s.conn.Admin.ListStartOffsets(ctx, slices.Collect(maps.Keys(of))...)
	if err != nil {
		return nil, fmt.Errorf("read start offsets: %w", err)
	}
	for topic, ids := range of {
		for _, id := range ids {
			o, ok := starts.Lookup(topic, id)
			if !ok {
				return nil, fmt.Errorf("read start offset of %s/%d: no such partition", topic, id)
			}
			if o.Err != nil {
				return nil, fmt.Errorf("read start offset of %s/%d: %w", topic, id, o.Err)
			}
		}
	}
	return starts, nil
}
