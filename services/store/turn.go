package store

import (
	"context"
	"sync"
	"time"
)

// busyTime is how long a writer waits for others, in this process and beyond it.
const busyTime = 5 * time.Second

// turn has those of this process who write to an SQLite file do so one after the other,
// in the order in which they came. SQLite itself would have them try again and again, each
// time a little later, whoever came first.
type turn struct{ held chan struct{} }

// turns are those of all files that were opened, by their paths.
var turns sync.Map

var waiting = &description{name: waitName}

func turnOf(path string) *turn {
	found, _ := turns.LoadOrStore(path, &turn{make(chan struct{}, 1)})
	return found.(*turn)
}

// take waits for its turn, which the caller ends by done. After busyTime it goes on
// without: SQLite then refuses it, or lets it in.
func (t *turn) take(ctx context.Context) (done func(), err error) {
	select {
	case t.held <- struct{}{}:
		return t.end, nil
	default:
	}
	span := waiting.start(ctx)
	defer endSpan(span, nil)
	timer := time.NewTimer(busyTime)
	defer timer.Stop()
	select {
	case t.held <- struct{}{}:
		return t.end, nil
	case <-timer.C:
		return func() {}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *turn) end() { <-t.held }
