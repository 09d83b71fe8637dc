package web

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"axion/web/live"
)

const (
	// pollEvery is how often the stack is looked at while a page is open.
	pollEvery = time.Second
	// pollTimeout bounds one look.
	pollTimeout = 2 * time.Second
)

// Kinds of messages to pages. Each but events carries a whole state, which
// replaces the one before.
const (
	kindSnapshot = "snapshot"
	kindSystem   = "system"
	kindRoutes   = "routes"
	kindTopics   = "topics"
	kindLink     = "link"
	kindEvent    = "event"
)

// message is what pages receive.
type message struct {
	Kind string `json:"kind"`
	Data any    `json:"data"`
}

// poller is one part of the state that is polled.
type poller struct {
	kind  string
	fetch func(context.Context) any
	wake  chan struct{}
}

// broadcaster polls the stack while a page is open, and tells pages what changed.
type broadcaster struct {
	hub     *live.Hub
	log     *slog.Logger
	sources []*poller
	events  eventLog

	mu    sync.Mutex
	state map[string]json.RawMessage // by kind, as last sent
}

func newBroadcaster(opts Options, channels map[string]live.Channel) *broadcaster {
	b := &broadcaster{log: opts.Log, state: map[string]json.RawMessage{}}
	b.hub = live.NewHub(live.Options{
		Log: opts.Log, Channels: channels, CheckOrigin: sameOrigin, OnConnect: b.sendSnapshot,
		Buffer: 2 * maxEvents, // a whole replay, and then some
		Refuse: func(w http.ResponseWriter, _ *http.Request) {
			writeProblem(w, http.StatusServiceUnavailable, "the dashboard is closing or has too many pages open")
		},
	})
	b.add(kindSystem, func(ctx context.Context) any { return opts.system(ctx) })
	b.add(kindRoutes, func(context.Context) any { return opts.routes() })
	b.add(kindTopics, func(ctx context.Context) any { return opts.topics(ctx) })
	b.publish(kindLink, ConnectionState{State: "off"})
	return b
}

func (b *broadcaster) add(kind string, fetch func(context.Context) any) {
	b.sources = append(b.sources, &poller{kind, fetch, make(chan struct{}, 1)})
}

// run polls until ctx ends. Each source has its own pace, so that a broker that
// does not answer holds nothing else up.
func (b *broadcaster) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range b.sources {
		group.Go(func() { b.poll(ctx, s) })
	}
	group.Wait()
}

func (b *broadcaster) poll(ctx context.Context, s *poller) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
		if b.hub.Pages() == 0 {
			b.forget(s.kind)
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, pollTimeout)
		state := s.fetch(bounded)
		cancel()
		if ctx.Err() == nil {
			b.publish(s.kind, state)
		}
	}
}

// sendSnapshot writes what is known and has the rest fetched at once. It holds the
// lock, so that no change falls between the snapshot and what follows.
func (b *broadcaster) sendSnapshot(write func([]byte) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if snapshot, ok := b.encode(kindSnapshot, b.state); ok {
		_ = write(snapshot)
	}
	for _, s := range b.sources {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// publish sends state to every page if it differs from what was sent last.
func (b *broadcaster) publish(kind string, state any) {
	raw, ok := b.encodeData(kind, state)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes.Equal(b.state[kind], raw) {
		return
	}
	b.state[kind] = raw
	if encoded, ok := b.encode(kind, json.RawMessage(raw)); ok {
		b.hub.Broadcast(encoded)
	}
}

// event keeps e and sends it on, unless it is a repetition.
func (b *broadcaster) event(e Event) {
	if !b.events.add(e) {
		return
	}
	if encoded, ok := b.encode(kindEvent, e); ok {
		b.hub.Broadcast(encoded)
	}
}

// forget drops a state that nobody looks at: the next page would see it stale.
func (b *broadcaster) forget(kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.state, kind)
}

func (b *broadcaster) encode(kind string, data any) ([]byte, bool) {
	return b.encodeData(kind, message{kind, data})
}

func (b *broadcaster) encodeData(kind string, data any) ([]byte, bool) {
	raw, err := json.Marshal(data)
	if err != nil {
		b.log.Error("page message left out", "kind", kind, "error", err)
	}
	return raw, err == nil
}
