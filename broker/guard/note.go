package guard

import (
	"context"
	"sync"
	"time"
)

// noteTimeout bounds the question what to note, before a response is given.
const noteTimeout = 5 * time.Second

// notes keeps what kfake forgets over a kill: what requests and their responses say of
// groups and settings.
type notes struct {
	*Deps
	stopped <-chan struct{} // with the listener
	sharing sync.Mutex      // held while it is noted where share groups go on
}

// context is for the question what to note. It ends with the listener: kfake's clean stop,
// which comes next, writes down the same.
func (n *notes) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	go func() {
		select {
		case <-n.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
