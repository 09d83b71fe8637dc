package graph

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/dustin/go-humanize/english"

	"axion/services/bus"
	"axion/services/bus/outbox"
	"axion/services/bus/topics"
	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/readmodel"
	"axion/services/graph/slug"
	"axion/services/store"
)

// rebuildRequest has a running graph-service rebuild its read model; the
// answer is a [RebuildResult].
const rebuildRequest = "REBUILD"

// RebuildResult says how much the read model was made of.
type RebuildResult struct {
	Events   int `json:"events"`
	Projects int `json:"projects"`
}

// ErrIncomplete is the error of a rebuild from a history that lacks events which
// the read model was made of. Nothing is changed then.
var ErrIncomplete = errors.New("the history is not whole, and the read model was left as it is")

// rebuilder makes the read model again.
type rebuilder struct {
	writer *writer
	log    *slog.Logger
}

// handle answers REBUILD.
func (r *rebuilder) handle(ctx context.Context, _ *bus.Message) (any, error) {
	done, err := r.rebuild(ctx)
	var cut *topics.TruncatedTopicError
	if errors.Is(err, ErrIncomplete) || errors.As(err, &cut) {
		return nil, bus.Permanent(err)
	}
	return done, err
}

// rebuild replays the history into an empty read model. Changes wait meanwhile;
// queries see the old one until the end.
func (r *rebuilder) rebuild(ctx context.Context) (done RebuildResult, err error) {
	r.writer.rebuildLock.Lock()
	defer r.writer.rebuildLock.Unlock()
	err = store.Tx(ctx, r.writer.db, func(tx *sql.Tx) error {
		before, err := readmodel.Count(ctx, tx, "events")
		if err != nil {
			return err
		}
		if err := r.replay(ctx, tx); err != nil {
			return err
		}
		if err := slug.Refill(ctx, tx); err != nil {
			return err
		}
		if done.Projects, err = readmodel.Count(ctx, tx, "projects"); err != nil {
			return err
		}
		if done.Events, err = readmodel.Count(ctx, tx, "events"); err != nil {
			return err
		}
		if done.Events < before {
			return fmt.Errorf("%w: topic %s holds %d of %s", ErrIncomplete, history.Topic, done.Events, english.Plural(before, "event", ""))
		}
		return nil
	})
	if err != nil {
		return done, fmt.Errorf("rebuild: %w", err)
	}
	r.log.Info("read model rebuilt", "events", done.Events, "projects", done.Projects)
	return done, nil
}

// replay clears the read model and applies the history. Events of the outbox are
// not on the topic yet, or were put there while it is read; they are looked up
// first, since one that has left the outbox is on the topic.
func (r *rebuilder) replay(ctx context.Context, tx *sql.Tx) error {
	if err := readmodel.Clear(ctx, tx); err != nil {
		return err
	}
	pending, err := outbox.Pending(ctx, tx, history.Topic)
	if err != nil {
		return err
	}
	err = r.writer.bus.Topic(history.Topic).Replay(ctx, func(m *bus.Message) error {
		if m.Source != contract.Graph {
			r.log.Warn("foreign message in the history", "source", m.Source, "partition", m.Partition, "offset", m.Offset)
			return nil
		}
		_, err := readmodel.Apply(ctx, tx, history.Event{ID: m.ID, Type: m.Type, ProjectID: m.Key, Time: m.Time, Data: m.Data()})
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range pending {
		data, _ := e.Data.(json.RawMessage)
		if _, err := readmodel.Apply(ctx, tx, history.Event{ID: e.ID, Type: e.Type, ProjectID: e.Key, Time: e.Time, Data: data}); err != nil {
			return err
		}
	}
	return nil
}
