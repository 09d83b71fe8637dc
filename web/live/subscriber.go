package live

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

// Channel sends one page what happens, until ctx ends: query is what the page
// sent, and each call of send one JSON message to it. Send waits while the
// page is slow, and fails once ctx has ended; a channel that keeps up with
// something faster leaves out what it cannot send, and says how much. It sends
// ten messages a second at most, several things in one. An error ends the watch,
// and is shown in the page.
type Channel = func(ctx context.Context, query url.Values, send func(any) error) error

// subscribeRequest is what a page may send: watch a channel under a number of its own, or
// unwatch that number.
type subscribeRequest struct {
	Watch   int               `json:"watch"`
	Channel string            `json:"channel"`
	Query   map[string]string `json:"query"`
	Unwatch int               `json:"unwatch"`
}

// channelMessage is a channel's message to the page. Its form begins with watchPrefix.
type channelMessage struct {
	Kind  string `json:"kind"` // "watch"
	ID    int    `json:"id"`
	Data  any    `json:"data,omitempty"`
	Error string `json:"error,omitempty"`
	Ended bool   `json:"ended,omitempty"` // nothing more comes
}

const kindWatch = "watch"

var watchPrefix = []byte(`{"kind":"watch"`)

// subscriber is one connected page and what it watches.
type subscriber struct {
	channels  map[string]Channel
	write     func([]byte) error
	log       *slog.Logger
	sendSlots chan struct{} // a slot for each channel message that is under way

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	watches map[int]context.CancelFunc
}

func newSubscriber(channels map[string]Channel, write func([]byte) error, log *slog.Logger) *subscriber {
	s := &subscriber{channels: channels, write: write, log: log, sendSlots: make(chan struct{}, maxUnsent),
		watches: map[int]context.CancelFunc{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// close ends what the page watches, and waits for it.
func (s *subscriber) close() {
	s.cancel()
	s.running.Wait()
}

// sent frees the slot of a channel message that has gone out.
func (s *subscriber) sent(text []byte) {
	if bytes.HasPrefix(text, watchPrefix) {
		select {
		case <-s.sendSlots:
		default:
		}
	}
}

// handle does what the page wants. What it cannot understand it ignores: our own
// page sends no such thing.
func (s *subscriber) handle(text []byte) {
	var a subscribeRequest
	if err := json.Unmarshal(text, &a); err != nil {
		return
	}
	if a.Unwatch != 0 {
		s.unwatch(a.Unwatch)
	}
	if a.Watch != 0 {
		s.watch(a)
	}
}

func (s *subscriber) unwatch(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.watches[id]; cancel != nil {
		cancel()
		delete(s.watches, id)
	}
}

func (s *subscriber) watch(a subscribeRequest) {
	channel := s.channels[a.Channel]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil || s.watches[a.Watch] != nil:
		return
	case channel == nil:
		s.end(a.Watch, "there is no channel "+a.Channel)
		return
	case len(s.watches) == maxWatches:
		s.end(a.Watch, "the page watches too many things at once")
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.watches[a.Watch] = cancel
	query := url.Values{}
	for name, value := range a.Query {
		query.Set(name, value)
	}
	s.running.Go(func() {
		defer cancel()
		err := recovered(channel)(ctx, query,
			func(data any) error { return s.send(ctx, channelMessage{Kind: kindWatch, ID: a.Watch, Data: data}) })
		if ctx.Err() != nil {
			return
		}
		s.unwatch(a.Watch)
		reason := ""
		if err != nil {
			reason = err.Error()
		}
		s.end(a.Watch, reason)
	})
}

// recovered makes an error of a panic, which in a goroutine would end the whole stack.
func recovered(channel Channel) Channel {
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
func (s *subscriber) send(ctx context.Context, m channelMessage) error {
	text, err := json.Marshal(m)
	if err != nil {
		s.log.Error("page message left out", "error", err)
		return nil
	}
	select {
	case s.sendSlots <- struct{}{}:
		return s.write(text)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end reports to the page that a watch is over. It never waits.
func (s *subscriber) end(id int, reason string) {
	text, err := json.Marshal(channelMessage{Kind: kindWatch, ID: id, Error: reason, Ended: true})
	if err == nil {
		_ = s.write(text) // the page is gone
	}
}
