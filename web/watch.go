package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
)

const (
	// maxWatches bounds what one page watches at once.
	maxWatches = 16
	// maxUnsent bounds the channel messages that wait for a page to read them.
	maxUnsent = 16
)

// Channel tells one page what happens, until ctx ends: query is what the page
// asks for, and each call of send one JSON message to it. Send waits while the
// page is slow, and fails once ctx has ended; a channel that keeps up with
// something faster leaves out what it cannot send, and says how much. It sends
// ten messages a second at most, several things in one. An error ends the watch,
// and is shown in the page.
type Channel = func(ctx context.Context, query url.Values, send func(any) error) error

// asked is what a page may send: watch a channel under a number of its own, or
// unwatch that number.
type asked struct {
	Watch   int               `json:"watch"`
	Channel string            `json:"channel"`
	Query   map[string]string `json:"query"`
	Unwatch int               `json:"unwatch"`
}

// told is a channel's message to the page. Its form begins with watchPrefix.
type told struct {
	Kind  string `json:"kind"` // "watch"
	ID    int    `json:"id"`
	Data  any    `json:"data,omitempty"`
	Error string `json:"error,omitempty"`
	Ended bool   `json:"ended,omitempty"` // nothing more comes
}

const kindWatch = "watch"

var watchPrefix = []byte(`{"kind":"watch"`)

// viewer is one connected page and what it watches.
type viewer struct {
	channels map[string]Channel
	write    func([]byte) error
	log      *slog.Logger
	unsent   chan struct{} // a slot for each channel message that is under way

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	watches map[int]context.CancelFunc
}

func newViewer(channels map[string]Channel, write func([]byte) error, log *slog.Logger) *viewer {
	v := &viewer{channels: channels, write: write, log: log, unsent: make(chan struct{}, maxUnsent), watches: map[int]context.CancelFunc{}}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

// close ends what the page watches, and waits for it.
func (v *viewer) close() {
	v.cancel()
	v.running.Wait()
}

// sent frees the slot of a channel message that has gone out.
func (v *viewer) sent(text []byte) {
	if bytes.HasPrefix(text, watchPrefix) {
		select {
		case <-v.unsent:
		default:
		}
	}
}

// asked does what the page wants. What it cannot understand it ignores: our own
// page sends no such thing.
func (v *viewer) asked(text []byte) {
	var a asked
	if err := json.Unmarshal(text, &a); err != nil {
		return
	}
	if a.Unwatch != 0 {
		v.unwatch(a.Unwatch)
	}
	if a.Watch != 0 {
		v.watch(a)
	}
}

func (v *viewer) unwatch(id int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if cancel := v.watches[id]; cancel != nil {
		cancel()
		delete(v.watches, id)
	}
}

func (v *viewer) watch(a asked) {
	channel := v.channels[a.Channel]
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.ctx.Err() != nil || v.watches[a.Watch] != nil:
		return
	case channel == nil:
		v.end(a.Watch, "there is no channel "+a.Channel)
		return
	case len(v.watches) == maxWatches:
		v.end(a.Watch, "the page watches too many things at once")
		return
	}
	ctx, cancel := context.WithCancel(v.ctx)
	v.watches[a.Watch] = cancel
	query := url.Values{}
	for name, value := range a.Query {
		query.Set(name, value)
	}
	v.running.Go(func() {
		defer cancel()
		err := guarded(channel)(ctx, query, func(data any) error { return v.send(ctx, told{Kind: kindWatch, ID: a.Watch, Data: data}) })
		if ctx.Err() != nil {
			return
		}
		v.unwatch(a.Watch)
		reason := ""
		if err != nil {
			reason = err.Error()
		}
		v.end(a.Watch, reason)
	})
}

// guarded makes an error of a panic, which in a goroutine would end the whole stack.
func guarded(channel Channel) Channel {
	return func(ctx context.Context, query url.Values, send func(any) error) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("the channel broke off: %v", cause)
			}
		}()
		return channel(ctx, query, send)
	}
}

// send writes a channel's message once there is a slot for it.
func (v *viewer) send(ctx context.Context, m told) error {
	text, err := json.Marshal(m)
	if err != nil {
		v.log.Error("page message left out", "error", err)
		return nil
	}
	select {
	case v.unsent <- struct{}{}:
		return v.write(text)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end tells the page that a watch is over. It never waits.
func (v *viewer) end(id int, reason string) {
	text, err := json.Marshal(told{Kind: kindWatch, ID: id, Error: reason, Ended: true})
	if err == nil {
		_ = v.write(text) // the page is gone
	}
}
