package store

import (
	"context"
	"sync"
	"time"
)

// busyTimeout is how long a writer waits for others, in this process and beyond it.
const busyTimeout = 5 * time.Second

// writerQueue orders the writers of this process to an SQLite file by their arrival.
// SQLite itself would have them try again and again, each time a little later, in any
// order.
type writerQueue struct{ held chan struct{} }

// writerQueues are those of all files that were opened, by their paths.
var writerQueues sync.Map

var waiting = &description{name: waitName}

func writerQueueOf(path string) *writerQueue {
	found, _ := writerQueues.LoadOrStore(path, &writerQueue{make(chan struct{}, 1)})
	return found.(*writerQueue)
}

// acquire waits for its turn, which the caller ends by done. After busyTimeout it goes on
// without: SQLite then refuses it, or not.
func (t *writerQueue) acquire(ctx context.Context) (done func(), err error) {
	select {
	case t.held <- struct{}{}:
		return t.release, nil
	default:
	}
	span := waiting.start(ctx)
	defer endSpan(span, nil)
	timer := time.NewTimer(busyTimeout)
	defer timer.Stop()
	select {
	case t.held <- struct{}{}:
		return t.release, nil
	case <-timer.C:
		return func() {}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *writerQueue) release() { <-t.held }
