// Package projectevents reads the graph service's messages about projects, and gives them to
// the pages.
package projectevents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/websocket"

	"axion/web/client"
)

const (
	// SinceEpoch asks for all that the graph service still has, so that pages
	// know of what happened before this process began.
	SinceEpoch = "1970-01-01T00:00:00Z"
	// maxMessage bounds a message of the graph service, in bytes.
	maxMessage = 256 << 10
	// readTimeout is how long the upstream may say nothing, not even a ping,
	// before it counts as lost. Melody pings every 54 s.
	readTimeout = 75 * time.Second
	// stableAfter is how long a connection lasts that is opened again without a wait.
	// It is more than a dial may take.
	stableAfter = 2 * client.Timeout
)

// Kinds of messages to pages.
const (
	kindLink  = "link"
	KindEvent = "event"
)

// ConnectionState is the state of the connection over which project events arrive.
type ConnectionState struct {
	// State is "off" without a client, else "connecting", "connected" or "lost".
	State string `json:"state"`
	// Error says why it was lost.
	Error string `json:"error,omitempty"`
}

// Publisher sends messages to pages: Publish a state, Send what happened.
type Publisher interface {
	Publish(kind string, state any)
	Send(kind string, data any)
}

// Stream keeps one WebSocket to the graph service open and hands what it says to the
// pages. Its methods are safe for concurrent use.
type Stream struct {
	client *client.Client
	out    Publisher
	log    *slog.Logger
	events eventLog
	last   string // "at" of the last message; only Run's goroutine uses it
}

// New makes a stream, whose state is "off" until Run is called.
func New(c *client.Client, out Publisher, log *slog.Logger) *Stream {
	out.Publish(kindLink, ConnectionState{State: "off"})
	return &Stream{client: c, out: out, log: log, last: SinceEpoch}
}

// eventList is the answer of /api/events: what this process has seen, none from
// before its start, and of many only the newest.
type eventList struct {
	Items []Event `json:"items"`
	Next  string  `json:"next"` // always empty: the list is given whole
}

// Register adds /api/events.
func (s *Stream) Register(api huma.API) {
	huma.Get(api, "/api/events", func(_ context.Context, in *struct {
		Project string `query:"project" doc:"The id of the project whose events are wanted; all by default."`
	}) (*struct{ Body eventList }, error) {
		return &struct{ Body eventList }{eventList{Items: s.events.list(in.Project)}}, nil
	})
}

// event keeps e and sends it to the pages, unless it is a repetition.
func (s *Stream) event(e Event) {
	if s.events.add(e) {
		s.out.Send(KindEvent, e)
	}
}

// Run reconnects until ctx ends. A connection that lasted is opened again at
// once and without a word: the graph service ends each when its token expires.
func (s *Stream) Run(ctx context.Context) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 250 * time.Millisecond
	wait.MaxInterval = 10 * time.Second
	s.out.Publish(kindLink, ConnectionState{State: "connecting"})
	level := slog.LevelWarn // the first loss is news, those that follow are not
	for {
		began := time.Now()
		err := s.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > stableAfter {
			s.log.Debug("project events reconnect", "error", err)
			wait.Reset()
			level = slog.LevelWarn
			continue
		}
		pause := wait.NextBackOff()
		s.log.Log(ctx, level, "project events lost", "error", err, "retry", pause)
		level = slog.LevelDebug
		s.out.Publish(kindLink, ConnectionState{State: "lost", Error: err.Error()})
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// listen connects and relays until the connection ends.
func (s *Stream) listen(ctx context.Context) error {
	conn, err := s.client.Dial(ctx, s.last)
	if err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer release()
	defer func() { _ = conn.Close() }()

	conn.SetReadLimit(maxMessage)
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(readTimeout)) }
	conn.SetPingHandler(func(data string) error {
		deadline := time.Now().Add(time.Second)
		return errors.Join(alive(), conn.WriteControl(websocket.PongMessage, []byte(data), deadline))
	})
	s.out.Publish(kindLink, ConnectionState{State: "connected"})
	for {
		if err := alive(); err != nil {
			return fmt.Errorf("read project events: %w", err)
		}
		_, message, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("read project events: %w", err)
		}
		var event Event
		if err := json.Unmarshal(message, &event); err != nil || event.Type == "" {
			s.log.Warn("project event left out: not in the form of an event", "bytes", len(message))
			continue
		}
		if event.At != "" {
			s.last = event.At
		}
		s.event(event)
	}
}
