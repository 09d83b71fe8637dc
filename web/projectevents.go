package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
)

const (
	// sinceEpoch asks for all that the graph service still has, so that pages
	// know of what happened before this process began.
	sinceEpoch = "1970-01-01T00:00:00Z"
	// maxMessage bounds a message of the graph service, in bytes.
	maxMessage = 256 << 10
	// readTimeout is how long the upstream may say nothing, not even a ping,
	// before it counts as lost. Melody pings every 54 s.
	readTimeout = 75 * time.Second
	// stableAfter is how long a connection lasts that is opened again without a wait.
	// It is more than a dial may take.
	stableAfter = 2 * callTimeout
)

// ConnectionState is the state of the connection over which project events arrive.
type ConnectionState struct {
	// State is "off" without a client, else "connecting", "connected" or "lost".
	State string `json:"state"`
	// Error says why it was lost.
	Error string `json:"error,omitempty"`
}

// projectEvents keeps one WebSocket to the graph service open and hands what it
// says to the broadcaster.
type projectEvents struct {
	client *caller
	out    *broadcaster
	log    *slog.Logger
	last   string // "at" of the last message; only run's goroutine uses it
}

func newProjectEvents(client *caller, out *broadcaster, log *slog.Logger) *projectEvents {
	return &projectEvents{client: client, out: out, log: log, last: sinceEpoch}
}

// run reconnects until ctx ends. A connection that lasted is opened again at
// once and without a word: the graph service ends each when its token expires.
func (u *projectEvents) run(ctx context.Context) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 250 * time.Millisecond
	wait.MaxInterval = 10 * time.Second
	u.out.publish(kindLink, ConnectionState{State: "connecting"})
	level := slog.LevelWarn // the first loss is news, those that follow are not
	for {
		began := time.Now()
		err := u.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > stableAfter {
			u.log.Debug("project events reconnect", "error", err)
			wait.Reset()
			level = slog.LevelWarn
			continue
		}
		pause := wait.NextBackOff()
		u.log.Log(ctx, level, "project events lost", "error", err, "retry", pause)
		level = slog.LevelDebug
		u.out.publish(kindLink, ConnectionState{State: "lost", Error: err.Error()})
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// listen connects and relays until the connection ends.
func (u *projectEvents) listen(ctx context.Context) error {
	conn, err := u.client.dial(ctx, u.last)
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
	u.out.publish(kindLink, ConnectionState{State: "connected"})
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
			u.log.Warn("project event left out: not in the form of an event", "bytes", len(message))
			continue
		}
		if event.At != "" {
			u.last = event.At
		}
		u.out.event(event)
	}
}
