package explorer

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
)

const (
	// tailInterval is how often a tail looks for more, and sends what it found.
	tailInterval = 100 * time.Millisecond
	// maxBatch bounds the messages of one batch, and batchBytes what it has of each
	// value. Of more than maxQueue that wait, the newest batch is kept and the
	// others are counted.
	maxBatch   = 50
	batchBytes = 2 << 10
	maxQueue   = 500
	// maxLag bounds the records of a partition that a tail catches up with: it
	// leaves out what comes before, and counts that.
	maxLag = 5000
	// progressInterval is how often a tail that finds nothing says where it stands.
	progressInterval = time.Second
	// refreshInterval is how often a tail looks for partitions that were added, or had no
	// leader.
	refreshInterval = time.Second
	// retryDelay is how long it waits after an error, and maxRetries how often it
	// tries again.
	retryDelay = time.Second
	maxRetries = 30
)

// tailBatch is what a tail sends.
type tailBatch struct {
	// Items are messages, the oldest first.
	Items []Message `json:"items"`
	// At is where to go on: a tail that begins there neither repeats nor misses.
	At string `json:"at"`
	// Seen counts the messages that were looked at, Dropped those among them that
	// fit the filter and are not in Items, and Skipped those that nobody looked at
	// because the tail was too far behind.
	Seen    int64 `json:"seen"`
	Dropped int64 `json:"left"`
	Skipped int64 `json:"unread"`
}

// tail follows one topic.
type tail struct {
	reader      *Reader
	query       Query
	m           *matcher
	topic       kadm.TopicDetail
	from        cursor    // where it was asked to begin
	at          cursor    // where it is
	startedAt   time.Time // zero before it has
	refreshedAt time.Time // when it last asked about the topic
	sentAt      time.Time
	batch       tailBatch
	// queue was found and is not sent yet, the oldest first.
	queue []*kgo.Record
}

// tailTopic follows a topic. Of query it takes topic, partition, the parts of a
// [Filter], and from: where to begin, as an answer or an earlier batch gave it;
// without, it begins at the end.
func (e *Explorer) tailTopic(ctx context.Context, query url.Values, send func(any) error) error {
	t := &tail{reader: e.Reader}
	if err := t.begin(ctx, query); err != nil {
		return err
	}
	tick := time.NewTicker(tailInterval)
	defer tick.Stop()
	for tries := 0; ; {
		err := t.poll(ctx)
		if errors.Is(err, admin.ErrNoTopic) { // there may be a new one, which has another id
			if err = t.refreshTopic(ctx); errors.Is(err, admin.ErrNoTopic) {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			tries = 0
		case tries == maxRetries:
			return err
		default: // such as a leader that has moved
			tries++
			t.refreshedAt = time.Time{}
			if err := pause(ctx, retryDelay); err != nil {
				return err
			}
			continue
		}
		if err := t.send(send); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// begin reads the query, and finds the place to begin.
func (t *tail) begin(ctx context.Context, query url.Values) (err error) {
	t.query = Query{
		Topic: query.Get("topic"), Partition: -1, Offset: -1, After: query.Get("from"), Oldest: true,
		Filter: Filter{Key: query.Get("key"), Text: query.Get("text"), Header: query.Get("header"), Path: query.Get("path")},
	}
	if text := query.Get("partition"); text != "" {
		id, err := strconv.ParseInt(text, 10, 32)
		if err != nil || id < 0 {
			return &FilterError{"partition", "is no number"}
		}
		t.query.Partition = int32(id)
	}
	if t.m, err = t.query.compile(); err != nil {
		return err
	}
	if t.from, err = parseCursor(t.query.After); err != nil {
		return &FilterError{"from", err.Error()}
	}
	t.at.at = map[int32]int64{}
	err = t.refreshTopic(ctx)
	t.startedAt = time.Now()
	if errors.Is(err, errNoLeader) {
		return nil // there may be one soon: the topic may just have been made
	}
	return err
}

// refreshTopic asks about the topic: its leaders, its id, and partitions that are new to the
// tail. At first it begins at their ends; of those that it finds later, with what came
// since it began.
func (t *tail) refreshTopic(ctx context.Context) error {
	topic, err := t.reader.admin.DescribeTopic(ctx, t.query.Topic)
	if err == nil {
		err = t.query.checkPartition(topic)
	}
	if err != nil {
		return err
	}
	t.topic, t.refreshedAt = topic, time.Now()
	var added []int32
	for id := range t.topic.Partitions {
		if _, has := t.at.at[id]; !has && t.query.wants(id) {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		return nil
	}
	bounds, err := t.reader.offsetRanges(ctx, t.topic, Filter{Since: t.startedAt})
	for _, id := range added {
		b, known := bounds[id]
		if !known {
			continue
		}
		at := b.end
		if !t.startedAt.IsZero() {
			at = min(b.lo, b.end)
		}
		if from, ok := t.from.at[id]; ok {
			at = min(from, b.end) // an offset past the end is of an older topic of that name
		}
		t.at.at[id] = at
	}
	return err
}

// poll reads what has come since.
func (t *tail) poll(ctx context.Context) error {
	if time.Since(t.refreshedAt) > refreshInterval {
		// Whether the topic is gone is for its leaders to say.
		if err := t.refreshTopic(ctx); err != nil && !errors.Is(err, admin.ErrNoTopic) {
			return err
		}
	}
	answers, err := t.reader.fetch(ctx, t.topic, t.at.at, 1<<20)
	if err != nil {
		return err
	}
	var found []*kgo.Record
	for id, got := range answers {
		at := t.at.at[id]
		if got.gone {
			t.at.at[id] = got.start
			t.batch.Skipped += max(got.start-at, 0)
			continue
		}
		if behind := got.end - at; behind > maxLag {
			t.at.at[id] = got.end - maxLag/5
			t.batch.Skipped += t.at.at[id] - at
			continue
		}
		t.at.at[id] = max(at, got.next)
		t.batch.Seen += int64(len(got.records))
		for _, r := range got.records {
			if t.m.match(r) {
				found = append(found, r)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *kgo.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	t.queue = append(t.queue, found...)
	if surplus := len(t.queue) - maxBatch; len(t.queue) > maxQueue {
		t.batch.Dropped += int64(surplus)
		t.queue = slices.Clone(t.queue[surplus:])
	}
	return nil
}

// send sends what was found.
func (t *tail) send(send func(any) error) error {
	batch := t.queue[:min(len(t.queue), maxBatch)]
	quiet := len(batch) == 0 && t.batch.Dropped == 0 && t.batch.Skipped == 0
	if quiet && (t.batch.Seen == 0 || time.Since(t.sentAt) < progressInterval) {
		return nil
	}
	t.batch.Items = make([]Message, len(batch))
	for i, r := range batch {
		t.batch.Items[i] = messageOf(r, batchBytes)
	}
	t.queue = t.queue[len(batch):]
	t.batch.At = t.resumeCursor().String()
	err := send(t.batch)
	t.batch, t.sentAt = tailBatch{}, time.Now()
	return err
}

// resumeCursor is where a tail would go on that has been sent what this one was.
func (t *tail) resumeCursor() cursor {
	at := cursor{at: maps.Clone(t.at.at)}
	for _, r := range t.queue {
		at.at[r.Partition] = min(at.at[r.Partition], r.Offset)
	}
	return at
}

// lag says how far groups are behind, at first for the last fifteen minutes, then
// again whenever there is a new sample. Of query it takes group and topic; one of
// them or both.
func (e *Explorer) lag(ctx context.Context, query url.Values, send func(any) error) error {
	for {
		lags, updated := e.history.series(query.Get("group"), query.Get("topic"))
		if err := send(lags); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-updated:
		}
	}
}
