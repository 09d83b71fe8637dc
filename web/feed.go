package web

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
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

// source is one part of the state that is polled.
type source struct {
	kind  string
	fetch func(context.Context) any
	wake  chan struct{}
}

// feed watches the stack while a page is open, and tells pages what changed.
type feed struct {
	hub     *hub
	log     *slog.Logger
	sources []*source
	events  journal

	mu    sync.Mutex
	state map[string]json.RawMessage // by kind, as last sent
}

func newFeed(opts Options, h *hub) *feed {
	f := &feed{hub: h, log: opts.Log, state: map[string]json.RawMessage{}}
	f.add(kindSystem, func(ctx context.Context) any { return opts.system(ctx) })
	f.add(kindRoutes, func(context.Context) any { return opts.routes() })
	f.add(kindTopics, func(ctx context.Context) any { return opts.topics(ctx) })
	f.publish(kindLink, Link{State: "off"})
	h.greet = f.greet
	return f
}

func (f *feed) add(kind string, fetch func(context.Context) any) {
	f.sources = append(f.sources, &source{kind, fetch, make(chan struct{}, 1)})
}

// run polls until ctx ends. Each source has its own pace, so that a broker that
// does not answer holds nothing else up.
func (f *feed) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range f.sources {
		group.Go(func() { f.poll(ctx, s) })
	}
	group.Wait()
}

func (f *feed) poll(ctx context.Context, s *source) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
		if f.hub.pages() == 0 {
			f.forget(s.kind)
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, pollTimeout)
		state := s.fetch(bounded)
		cancel()
		if ctx.Err() == nil {
			f.publish(s.kind, state)
		}
	}
}

// greet writes what is known and has the rest fetched at once. It holds the
// lock, so that no change falls between the snapshot and what follows.
func (f *feed) greet(write func([]byte) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if snapshot, ok := f.encode(kindSnapshot, f.state); ok {
		_ = write(snapshot)
	}
	for _, s := range f.sources {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// publish sends state to every page if it differs from what was sent last.
func (f *feed) publish(kind string, state any) {
	raw, ok := f.encodeData(kind, state)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if bytes.Equal(f.state[kind], raw) {
		return
	}
	f.state[kind] = raw
	if encoded, ok := f.encode(kind, json.RawMessage(raw)); ok {
		f.hub.broadcast(encoded)
	}
}

// event keeps e and sends it on, unless it is a repetition.
func (f *feed) event(e Event) {
	if !f.events.add(e) {
		return
	}
	if encoded, ok := f.encode(kindEvent, e); ok {
		f.hub.broadcast(encoded)
	}
}

// forget drops a state that nobody looks at: the next page would see it stale.
func (f *feed) forget(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.state, kind)
}

func (f *feed) encode(kind string, data any) ([]byte, bool) {
	return f.encodeData(kind, message{kind, data})
}

func (f *feed) encodeData(kind string, data any) ([]byte, bool) {
	raw, err := json.Marshal(data)
	if err != nil {
		f.log.Error("page message left out", "kind", kind, "error", err)
	}
	return raw, err == nil
}
