package live

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

const (
	// pollInterval is how often the state is read while a page is open.
	pollInterval = time.Second
	// PollTimeout bounds one reading.
	PollTimeout = 2 * time.Second
)

// KindSnapshot is the kind of the first message to a page: the whole state, by kind.
const KindSnapshot = "snapshot"

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

// Broadcaster polls the state while a page is open, and sends pages what changed. Its
// methods are safe for concurrent use, but for Add.
type Broadcaster struct {
	hub     *Hub
	log     *slog.Logger
	sources []*poller

	mu    sync.Mutex
	state map[string]json.RawMessage // by kind, as last sent
}

// NewBroadcaster makes a broadcaster and the hub of its pages.
func NewBroadcaster(opts Options) (*Broadcaster, *Hub) {
	b := &Broadcaster{log: opts.Log, state: map[string]json.RawMessage{}}
	b.hub = newHub(opts, b.sendSnapshot)
	return b, b.hub
}

// Add adds a part of the state, which fetch reads each second while a page is open. Call
// it before Run.
func (b *Broadcaster) Add(kind string, fetch func(context.Context) any) {
	b.sources = append(b.sources, &poller{kind, fetch, make(chan struct{}, 1)})
}

// Run polls until ctx ends. Each source has its own ticker, so that a broker that
// does not answer holds nothing else up.
func (b *Broadcaster) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range b.sources {
		group.Go(func() { b.poll(ctx, s) })
	}
	group.Wait()
}

func (b *Broadcaster) poll(ctx context.Context, s *poller) {
	tick := time.NewTicker(pollInterval)
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
		bounded, cancel := context.WithTimeout(ctx, PollTimeout)
		state := s.fetch(bounded)
		cancel()
		if ctx.Err() == nil {
			b.Publish(s.kind, state)
		}
	}
}

// sendSnapshot writes what is known and has the rest fetched at once. It holds the
// lock, so that no change falls between the snapshot and what follows.
func (b *Broadcaster) sendSnapshot(write func([]byte) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if snapshot, ok := b.encode(KindSnapshot, b.state); ok {
		_ = write(snapshot)
	}
	for _, s := range b.sources {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Publish sends state to every page if it differs from what was sent last.
func (b *Broadcaster) Publish(kind string, state any) {
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

// Send sends one message to every page, and keeps nothing of it.
func (b *Broadcaster) Send(kind string, data any) {
	if encoded, ok := b.encode(kind, data); ok {
		b.hub.Broadcast(encoded)
	}
}

// forget drops a state while no page is open: the next page would see it stale.
func (b *Broadcaster) forget(kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.state, kind)
}

func (b *Broadcaster) encode(kind string, data any) ([]byte, bool) {
	return b.encodeData(kind, message{kind, data})
}

func (b *Broadcaster) encodeData(kind string, data any) ([]byte, bool) {
	raw, err := json.Marshal(data)
	if err != nil {
		b.log.Error("page message left out", "kind", kind, "error", err)
	}
	return raw, err == nil
}
