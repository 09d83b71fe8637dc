package broker

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
)

const (
	// tailEvery is how often a tail looks for more, and sends what it found.
	tailEvery = 100 * time.Millisecond
	// maxTold bounds the messages of one batch, and toldBytes what it has of each
	// value. Of more than maxPending that wait, the newest batch is kept and the
	// others are counted.
	maxTold    = 50
	toldBytes  = 2 << 10
	maxPending = 500
	// maxBehind bounds the records of a partition that a tail catches up with: it
	// leaves out what comes before, and counts that.
	maxBehind = 5000
	// quietEvery is how often a tail that finds nothing says where it stands.
	quietEvery = time.Second
	// joinEvery is how often a tail looks for partitions that were added, or had no
	// leader.
	joinEvery = time.Second
	// tailWait is how long it waits after an error, and tailTries how often it
	// tries again.
	tailWait  = time.Second
	tailTries = 30
)

// tailBatch is what a tail sends.
type tailBatch struct {
	// Items are messages, the oldest first.
	Items []Message `json:"items"`
	// At is where to go on: a tail that begins there neither repeats nor misses.
	At string `json:"at"`
	// Seen counts the messages that were looked at, Left those among them that
	// fit the filter and are not in Items, and Unread those that nobody looked at
	// because the tail was too far behind.
	Seen   int64 `json:"seen"`
	Left   int64 `json:"left"`
	Unread int64 `json:"unread"`
}

// follower is one tail.
type follower struct {
	admin  *Admin
	query  Query
	m      *matcher
	topic  kadm.TopicDetail
	from   cursor    // where it was asked to begin
	at     cursor    // where it is
	began  time.Time // zero before it has
	joined time.Time // when it last asked about the topic
	told   time.Time
	batch  tailBatch
	// pending were found and are not told yet, the oldest first.
	pending []*kgo.Record
}

// tail follows a topic. Of query it takes topic, partition, the parts of a
// [Filter], and from: where to begin, as an answer or an earlier batch gave it;
// without, it begins at the end.
func (e *Explorer) tail(ctx context.Context, query url.Values, send func(any) error) error {
	f := &follower{admin: e.admin}
	if err := f.begin(ctx, query); err != nil {
		return err
	}
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for tries := 0; ; {
		err := f.look(ctx)
		if errors.Is(err, ErrNoTopic) { // there may be a new one, which has another id
			if err = f.join(ctx); errors.Is(err, ErrNoTopic) {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			tries = 0
		case tries == tailTries:
			return err
		default: // such as a leader that has moved
			tries++
			f.joined = time.Time{}
			if err := pause(ctx, tailWait); err != nil {
				return err
			}
			continue
		}
		if err := f.tell(send); err != nil {
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
func (f *follower) begin(ctx context.Context, query url.Values) (err error) {
	f.query = Query{
		Topic: query.Get("topic"), Partition: -1, Offset: -1, After: query.Get("from"), Oldest: true,
		Filter: Filter{Key: query.Get("key"), Text: query.Get("text"), Header: query.Get("header"), Path: query.Get("path")},
	}
	if text := query.Get("partition"); text != "" {
		id, err := strconv.ParseInt(text, 10, 32)
		if err != nil || id < 0 {
			return &FilterError{"partition", "is no number"}
		}
		f.query.Partition = int32(id)
	}
	if f.m, err = f.query.compile(); err != nil {
		return err
	}
	if f.from, err = parseCursor(f.query.After); err != nil {
		return &FilterError{"from", err.Error()}
	}
	f.at.at = map[int32]int64{}
	err = f.join(ctx)
	f.began = time.Now()
	if errors.Is(err, errNoLeader) {
		return nil // there may be one soon: the topic may just have been made
	}
	return err
}

// join asks about the topic: its leaders, its id, and partitions that are new to the
// tail. At first it begins at their ends; of those that it finds later, with what came
// since it began.
func (f *follower) join(ctx context.Context) error {
	topic, err := f.admin.topic(ctx, f.query.Topic)
	if err == nil {
		err = f.query.checkPartition(topic)
	}
	if err != nil {
		return err
	}
	f.topic, f.joined = topic, time.Now()
	var added []int32
	for id := range f.topic.Partitions {
		if _, has := f.at.at[id]; !has && f.query.wants(id) {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		return nil
	}
	bounds, err := f.admin.bounds(ctx, f.topic, Filter{Since: f.began})
	for _, id := range added {
		b, known := bounds[id]
		if !known {
			continue
		}
		at := b.end
		if !f.began.IsZero() {
			at = min(b.lo, b.end)
		}
		if from, ok := f.from.at[id]; ok {
			at = min(from, b.end) // an offset past the end is of an older topic of that name
		}
		f.at.at[id] = at
	}
	return err
}

// look reads what has come since.
func (f *follower) look(ctx context.Context) error {
	if time.Since(f.joined) > joinEvery {
		// Whether the topic is gone is for its leaders to say.
		if err := f.join(ctx); err != nil && !errors.Is(err, ErrNoTopic) {
			return err
		}
	}
	answers, err := f.admin.fetch(ctx, f.topic, f.at.at, 1<<20)
	if err != nil {
		return err
	}
	var found []*kgo.Record
	for id, got := range answers {
		at := f.at.at[id]
		if got.gone {
			f.at.at[id] = got.start
			f.batch.Unread += max(got.start-at, 0)
			continue
		}
		if behind := got.end - at; behind > maxBehind {
			f.at.at[id] = got.end - maxBehind/5
			f.batch.Unread += f.at.at[id] - at
			continue
		}
		f.at.at[id] = max(at, got.next)
		f.batch.Seen += int64(len(got.records))
		for _, r := range got.records {
			if f.m.match(r) {
				found = append(found, r)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *kgo.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	f.pending = append(f.pending, found...)
	if surplus := len(f.pending) - maxTold; len(f.pending) > maxPending {
		f.batch.Left += int64(surplus)
		f.pending = slices.Clone(f.pending[surplus:])
	}
	return nil
}

// tell sends what there is to say.
func (f *follower) tell(send func(any) error) error {
	told := f.pending[:min(len(f.pending), maxTold)]
	quiet := len(told) == 0 && f.batch.Left == 0 && f.batch.Unread == 0
	if quiet && (f.batch.Seen == 0 || time.Since(f.told) < quietEvery) {
		return nil
	}
	f.batch.Items = make([]Message, len(told))
	for i, r := range told {
		f.batch.Items[i] = messageOf(r, toldBytes)
	}
	f.pending = f.pending[len(told):]
	f.batch.At = f.place().String()
	err := send(f.batch)
	f.batch, f.told = tailBatch{}, time.Now()
	return err
}

// place is where a tail would go on that has been told what this one was.
func (f *follower) place() cursor {
	at := cursor{at: maps.Clone(f.at.at)}
	for _, r := range f.pending {
		at.at[r.Partition] = min(at.at[r.Partition], r.Offset)
	}
	return at
}

// lag tells how far groups are behind, at first for the last fifteen minutes, then
// again whenever there is a new sample. Of query it takes group and topic; one of
// them or both.
func (e *Explorer) lag(ctx context.Context, query url.Values, send func(any) error) error {
	for {
		lags, updated := e.history.of(query.Get("group"), query.Get("topic"))
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
