package explorer

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
	"axion/broker/undecodable"
	"axion/web/view"
)

// What one search may cost.
const (
	searchNewest  = 200 // records of each partition
	searchTimeout = time.Second
	searchBytes   = 16 << 20 // of one fetch
	snippetBytes  = 120      // bytes of a value in a hit
)

// Search looks for a text, in any case, in the keys, headers and values of the
// newest 200 records of each partition of all topics but Kafka's own. It gives the
// newest matches, at most limit, and takes a second at most.
func (r *Reader) Search(ctx context.Context, text string, limit int) (view.Matches, error) {
	found := view.Matches{Items: []view.Match{}}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	topics, err := r.admin.Topics(ctx)
	if err != nil {
		return found, fmt.Errorf("search messages: %w", err)
	}
	from, left := newest(topics)
	if len(left) == 0 {
		return found, nil
	}
	h := &search{wanted: bytes.ToLower([]byte(text)), left: left, found: found}
	h.reader = undecodable.New(func(b *undecodable.Batch) error {
		h.passed(topicPartition{b.Topic, b.Partition}, b.Next)
		return nil
	})
	for topic, parts := range from {
		for id, at := range parts {
			h.reader.Begin(topic, id, at.EpochOffset().Offset)
		}
	}
	client, err := kgo.NewClient(append(r.admin.Client().Opts(), kgo.ConsumePartitions(from), kgo.FetchMaxBytes(searchBytes),
		kgo.ClientID("axion-search"), kgo.WithHooks(h.reader))...)
	if err != nil {
		return found, fmt.Errorf("search messages: %w", err)
	}
	defer client.Close()
	if err := h.run(ctx, client); err != nil {
		return h.found, fmt.Errorf("search messages: %w", err)
	}
	found = h.found
	slices.SortFunc(found.Items, func(a, b view.Match) int { return b.Time.Compare(a.Time) })
	found.Items = found.Items[:min(len(found.Items), limit)]
	return found, nil
}

// search is one that runs.
type search struct {
	wanted []byte
	reader *undecodable.Reader
	left   map[topicPartition]int64 // the ends of the partitions that are not read yet
	found  view.Matches
}

// passed notes that a partition is read up to an offset.
func (s *search) passed(at topicPartition, next int64) {
	if end, ok := s.left[at]; ok && next >= end {
		delete(s.left, at)
	}
}

// run reads until nothing is left or ctx ends, where what is found is cut.
func (s *search) run(ctx context.Context, client *kgo.Client) error {
	for len(s.left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			s.found.Cut = true
			return nil
		}
		if err := fetches.Err0(); err != nil && undecodable.Other(fetches) != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			s.passed(topicPartition{r.Topic, r.Partition}, r.Offset+1)
			s.found.Searched++
			if m, ok := match(r, s.wanted); ok {
				s.found.Items = append(s.found.Items, m)
			}
		})
		if _, err := s.reader.Polled(ctx, client, fetches); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// topicPartition is a partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

// newest is where to begin in each partition that holds anything, and where
// it ends.
func newest(topics []admin.Topic) (from map[string]map[int32]kgo.Offset, ends map[topicPartition]int64) {
	from, ends = map[string]map[int32]kgo.Offset{}, map[topicPartition]int64{}
	for _, t := range topics {
		if strings.HasPrefix(t.Name, "__") {
			continue
		}
		for _, p := range t.Partitions {
			if p.End == p.Start {
				continue
			}
			if from[t.Name] == nil {
				from[t.Name] = map[int32]kgo.Offset{}
			}
			from[t.Name][p.ID] = kgo.NewOffset().At(max(p.Start, p.End-searchNewest))
			ends[topicPartition{t.Name, p.ID}] = p.End
		}
	}
	return from, ends
}

// match finds where a record holds the text.
func match(r *kgo.Record, wanted []byte) (view.Match, bool) {
	m := view.Match{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp.UTC(),
		Key: strings.ToValidUTF8(string(r.Key), "�")}
	if at := bytes.Index(bytes.ToLower(r.Value), wanted); at >= 0 {
		m.Text = snippet(r.Value, at)
		return m, true
	}
	for _, h := range r.Headers {
		if bytes.Contains(bytes.ToLower(h.Value), wanted) {
			m.Text = h.Key + ": " + snippet(h.Value, 0)
			return m, true
		}
	}
	m.Text = snippet(r.Value, 0)
	return m, bytes.Contains(bytes.ToLower(r.Key), wanted)
}

// snippet is what is at a place of a text, cut to a line.
func snippet(text []byte, at int) string {
	from := min(max(0, at-snippetBytes/3), len(text))
	piece := string(text[from:min(len(text), from+snippetBytes)])
	return strings.Join(strings.Fields(strings.ToValidUTF8(piece, "")), " ")
}
