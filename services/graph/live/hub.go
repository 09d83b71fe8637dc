// Package live notifies clients of what happens to their projects: it keeps
// a feed of messages for each user, and sends it to the user's WebSockets, of whichever
// instance of the service.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/olahol/melody"

	"axion/services/auth/verifier"
	"axion/services/contract"
	"axion/services/host"
)

// Message is what a client's WebSocket receives. At grows from message to
// message: a client that reconnects with the last one it saw as ?after= gets
// what it missed.
type Message struct {
	Type         string          `json:"type"`
	ProjectID    string          `json:"projectId"`
	DeploymentID string          `json:"deploymentId"`
	At           time.Time       `json:"at"`
	Data         json.RawMessage `json:"data"`
}

// Bounds of a WebSocket. The buffer holds a whole replay and then some; a client
// that is further behind is closed, and comes back with ?after=.
const (
	maxInbound  = 4 << 10
	buffer      = maxMessages + 256
	maxSessions = 100 // of one user
)

// Hub sends messages to the WebSockets of the users whom they concern. What it
// sends is what it reads in the feed, so that it makes no difference which instance
// of the service wrote it there; its lock keeps each WebSocket's messages in order.
type Hub struct {
	host   *host.Host
	melody *melody.Melody
	pushes pushMetrics

	mu       sync.Mutex
	sessions map[string]map[*melody.Session]struct{} // by user
	count    map[string]int                          // of those and of upgrades under way, by user
	closed   bool
	failing  bool // the feed cannot be read
	running  sync.WaitGroup
}

// clientKey is where a session keeps its client.
const clientKey = "client"

// client is what a session was opened with.
type client struct {
	id     verifier.Identity
	after  int64 // the last message it had, in nanoseconds since 1970
	expire *time.Timer
}

// New returns the hub of a service, at which it answers /ws and / on the service's HTTP
// server. It stops with the service.
func New(service *host.Host) *Hub {
	m := melody.New()
	m.Upgrader.CheckOrigin = host.LocalOrigin
	m.Config.MaxMessageSize = maxInbound
	m.Config.MessageBufferSize = buffer
	h := &Hub{host: service, melody: m, sessions: map[string]map[*melody.Session]struct{}{}, count: map[string]int{}}
	h.pushes = newPushMetrics(service.Meter, h.open)
	m.HandleConnect(h.connect)
	m.HandleDisconnect(h.disconnect)
	m.HandleMessage(func(s *melody.Session, text []byte) { // clients send nothing
		if !utf8.Valid(text) {
			_ = s.CloseWithMsg(melody.FormatCloseMessage(melody.CloseInvalidFramePayloadData, "text is not UTF-8"))
		}
	})
	m.HandleError(func(s *melody.Session, err error) {
		if errors.Is(err, melody.ErrMessageBufferFull) {
			// Not s.Close: it would queue a close frame on the same full buffer.
			_ = host.Conn(s.Request.Context()).Close()
		}
	})
	service.Mux.Handle("GET /ws", h)
	service.Mux.Handle("GET /{$}", h)
	service.OnStop(h.close)
	if service.Shared {
		service.Go("feed", h.tail)
	}
	return h
}

// connect adds a client, from the last message that it had on.
func (h *Hub) connect(s *melody.Session) {
	c := clientOf(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed { // registered all the same: close waits for those that are
		_ = s.CloseWithMsg(closeMessage())
	}
	of := h.sessions[c.id.UserID]
	if of == nil {
		of = map[*melody.Session]struct{}{}
		h.sessions[c.id.UserID] = of
	}
	of[s] = struct{}{}
	h.sendPending(c.id.UserID)
	// A token that has run out must not go on reading.
	c.expire = time.AfterFunc(time.Until(c.id.ExpiresAt), func() {
		_ = s.CloseWithMsg(melody.FormatCloseMessage(melody.ClosePolicyViolation, "token expired"))
	})
}

func (h *Hub) disconnect(s *melody.Session) {
	c := clientOf(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.expire != nil {
		c.expire.Stop()
	}
	delete(h.sessions[c.id.UserID], s)
	if len(h.sessions[c.id.UserID]) == 0 {
		delete(h.sessions, c.id.UserID)
	}
}

// sendAll sends a user's WebSockets what they have not had of the feed. It returns how
// many there are.
func (h *Hub) sendAll(user string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sendPending(user)
	return len(h.sessions[user])
}

// readTimeout bounds the reading of a feed, for which all WebSockets wait.
const readTimeout = 5 * time.Second

// sendPending is sendAll while mu is held.
func (h *Hub) sendPending(user string) {
	of := h.sessions[user]
	if len(of) == 0 {
		return
	}
	had := int64(math.MaxInt64)
	for s := range of {
		had = min(had, clientOf(s).after)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	missed, err := since(ctx, h.host.DB, user, had)
	if err != nil { // they come back with ?after=
		if !h.failing {
			h.host.Log.Error("messages not sent; those to come wait until the feed can be read", "error", err)
		}
		h.failing = true
		for s := range of {
			_ = s.Close()
		}
		return
	}
	if h.failing {
		h.host.Log.Info("messages sent again")
	}
	h.failing = false
	for _, m := range missed {
		at := m.At.UnixNano()
		var to []*melody.Session
		for s := range of {
			if c := clientOf(s); c.after < at {
				c.after, to = at, append(to, s)
			}
		}
		h.send(m, to...)
	}
}

func (h *Hub) send(m Message, to ...*melody.Session) {
	if len(to) == 0 {
		return
	}
	text, err := contract.JSON(m)
	if err != nil {
		h.host.Log.Error("message not sent", "type", m.Type, "error", err)
		return
	}
	h.pushes.add(len(to))
	for _, s := range to {
		_ = s.Write(text) // an error is the session's end, which disconnect sees
	}
}

// open is how many WebSockets there are.
func (h *Hub) open() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.sessions {
		n += len(of)
	}
	return n
}

// closeTimeout is how long clients have to read the close frame.
const closeTimeout = time.Second

// close ends all sessions, and returns when they are over: the HTTP server does not
// know hijacked connections.
func (h *Hub) close() {
	h.closeAll(func(s *melody.Session) { _ = s.CloseWithMsg(closeMessage()) })
	stuck := time.AfterFunc(closeTimeout, func() {
		h.closeAll(func(s *melody.Session) { _ = host.Conn(s.Request.Context()).Close() })
	})
	h.running.Wait()
	stuck.Stop()
	_ = h.melody.Close()
}

// closeAll accepts no more sessions, and closes those that there are by fn.
func (h *Hub) closeAll(fn func(*melody.Session)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, of := range h.sessions {
		for s := range of {
			fn(s)
		}
	}
}

func closeMessage() []byte { return melody.FormatCloseMessage(melody.CloseGoingAway, "stopping") }

func clientOf(s *melody.Session) *client {
	c, _ := s.MustGet(clientKey).(*client)
	return c
}
