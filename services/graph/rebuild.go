package graph

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/dustin/go-humanize/english"

	"axion/services/bus"
	"axion/services/bus/outbox"
	"axion/services/bus/topics"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/store"
)

// rebuildRequest asks a running graph-service to rebuild its read model; the
// answer is a [Rebuilt].
const rebuildRequest = "REBUILD"

// Rebuilt tells how much the read model was made of.
type Rebuilt struct {
	Events   int `json:"events"`
	Projects int `json:"projects"`
}

// ErrIncomplete is the error of a rebuild from a history that lacks events which
// the read model was made of. Nothing is changed then.
var ErrIncomplete = errors.New("the history is not whole, and the read model was left as it is")

// Rebuild drops the read model of a graph-service that does not run, and makes
// it again from the whole history. It is one transaction: a rebuild that fails or
// is cut short leaves what was there. o is what the service is started with; its
// Listener may be nil. A history that was cut or lost events is a
// [topics.TruncatedTopicError] or [ErrIncomplete].
func Rebuild(ctx context.Context, o host.Options) (done Rebuilt, err error) {
	if o.Listener == nil { // the service is opened, though it serves nobody
		if o.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return done, fmt.Errorf("rebuild: %w", err)
		}
	}
	s, err := open(ctx, o)
	if err != nil {
		return done, fmt.Errorf("rebuild: %w", err)
	}
	done, err = s.rebuild(ctx)
	return done, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
}

// answerRebuild answers REBUILD.
func (s *service) answerRebuild(ctx context.Context, _ *bus.Message) (any, error) {
	done, err := s.rebuild(ctx)
	var cut *topics.TruncatedTopicError
	if errors.Is(err, ErrIncomplete) || errors.As(err, &cut) {
		return nil, bus.Permanent(err)
	}
	return done, err
}

// rebuild replays the history into an empty read model. Changes wait meanwhile;
// queries see the old one until the end.
func (s *service) rebuild(ctx context.Context) (done Rebuilt, err error) {
	s.gate.Lock()
	defer s.gate.Unlock()
	err = store.Tx(ctx, s.DB, func(tx *sql.Tx) error {
		before, err := count(ctx, tx, "events")
		if err != nil {
			return err
		}
		if err := s.replay(ctx, tx); err != nil {
			return err
		}
		if err := refillSlugs(ctx, tx); err != nil {
			return err
		}
		if done.Projects, err = count(ctx, tx, "projects"); err != nil {
			return err
		}
		if done.Events, err = count(ctx, tx, "events"); err != nil {
			return err
		}
		if done.Events < before {
			return fmt.Errorf("%w: topic %s holds %d of %s", ErrIncomplete, history, done.Events, english.Plural(before, "event", ""))
		}
		return nil
	})
	if err != nil {
		return done, fmt.Errorf("rebuild: %w", err)
	}
	s.Log.Info("read model rebuilt", "events", done.Events, "projects", done.Projects)
	return done, nil
}

// replay drops the read model and applies the history. Events of the outbox are
// not on the topic yet, or were put there while it is read; they are looked up
// first, since one that has left the outbox is on the topic.
func (s *service) replay(ctx context.Context, tx *sql.Tx) error {
	if err := drop(ctx, tx); err != nil {
		return err
	}
	pending, err := outbox.Pending(ctx, tx, history)
	if err != nil {
		return err
	}
	err = s.Bus.Topic(history).Replay(ctx, func(m *bus.Message) error {
		if m.Source != contract.Graph {
			s.Log.Warn("foreign message in the history", "source", m.Source, "partition", m.Partition, "offset", m.Offset)
			return nil
		}
		_, err := apply(ctx, tx, event{ID: m.ID, Type: m.Type, ProjectID: m.Key, Time: m.Time, Data: m.Data()})
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range pending {
		data, _ := e.Data.(json.RawMessage)
		if _, err := apply(ctx, tx, event{ID: e.ID, Type: e.Type, ProjectID: e.Key, Time: e.Time, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

// drop empties the read model. Projects come first: in PostgreSQL their rows
// hold off who would change them, and the rest of one that is made meanwhile
// stays with it.
func drop(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		`DELETE FROM projects`,
		`DELETE FROM deployments WHERE project_id NOT IN (SELECT id FROM projects)`,
		`DELETE FROM graphs WHERE project_id NOT IN (SELECT id FROM projects)`,
		`DELETE FROM events WHERE project_id NOT IN (SELECT id FROM projects)`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("drop read model: %w", err)
		}
	}
	return nil
}

// refillSlugs takes the slugs of the projects that there are.
func refillSlugs(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM slugs`); err != nil {
		return fmt.Errorf("drop slugs: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, slug FROM projects`)
	if err != nil {
		return fmt.Errorf("read slugs: %w", err)
	}
	slugs := map[string]string{}
	for rows.Next() {
		var id, slug string
		if err := rows.Scan(&id, &slug); err != nil {
			return errors.Join(fmt.Errorf("read slugs: %w", err), rows.Close())
		}
		slugs[id] = slug
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read slugs: %w", err)
	}
	for id, slug := range slugs {
		if _, err := insertSlug(ctx, tx, id, slug); err != nil {
			return err
		}
	}
	return nil
}

func count(ctx context.Context, tx *sql.Tx, table string) (n int, err error) {
	if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}
