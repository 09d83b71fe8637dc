package graph

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/olahol/melody"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

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
	buffer      = keep + 256
	maxSessions = 100 // of one user
)

// hub pushes messages to the WebSockets of the users whom they concern. What it
// sends is what it reads in the feed, so that it makes no difference which instance
// of the service wrote it there; its lock keeps each WebSocket's messages in order.
type hub struct {
	host   *host.Host
	melody *melody.Melody
	pushes pushes

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

func newHub(h *host.Host) *hub {
	m := melody.New()
	m.Upgrader.CheckOrigin = host.LocalOrigin
	m.Config.MaxMessageSize = maxInbound
	m.Config.MessageBufferSize = buffer
	b := &hub{host: h, melody: m, sessions: map[string]map[*melody.Session]struct{}{}, count: map[string]int{}}
	b.pushes = newPushes(h.Meter, b.open)
	m.HandleConnect(b.connect)
	m.HandleDisconnect(b.disconnect)
	m.HandleMessage(func(s *melody.Session, text []byte) { // clients have nothing to say
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
	return b
}

// connect lets a client take part, from the last message that it had on.
func (b *hub) connect(s *melody.Session) {
	c := clientOf(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed { // registered all the same: close waits for those that are
		_ = s.CloseWithMsg(goingAway())
	}
	of := b.sessions[c.id.UserID]
	if of == nil {
		of = map[*melody.Session]struct{}{}
		b.sessions[c.id.UserID] = of
	}
	of[s] = struct{}{}
	b.catchUp(c.id.UserID)
	// A token that has run out must not go on reading.
	c.expire = time.AfterFunc(time.Until(c.id.ExpiresAt), func() {
		_ = s.CloseWithMsg(melody.FormatCloseMessage(melody.ClosePolicyViolation, "token expired"))
	})
}

func (b *hub) disconnect(s *melody.Session) {
	c := clientOf(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.expire != nil {
		c.expire.Stop()
	}
	delete(b.sessions[c.id.UserID], s)
	if len(b.sessions[c.id.UserID]) == 0 {
		delete(b.sessions, c.id.UserID)
	}
}

// deliver sends a user's WebSockets what they have not had of the feed. It
// returns how many there are.
func (b *hub) deliver(user string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(user)
	return len(b.sessions[user])
}

// push is deliver, with a span of what is told.
func (b *hub) push(ctx context.Context, h *host.Host, told, user string) {
	_, span := h.Span(ctx, "push "+told, trace.SpanKindProducer)
	defer span.End()
	clients := b.deliver(user)
	span.SetAttributes(attribute.String("network.protocol.name", "websocket"), attribute.Int("axion.websocket.clients", clients))
}

// readTime bounds the reading of a feed, which keeps all WebSockets waiting.
const readTime = 5 * time.Second

// catchUp is deliver for who holds mu.
func (b *hub) catchUp(user string) {
	of := b.sessions[user]
	if len(of) == 0 {
		return
	}
	had := int64(math.MaxInt64)
	for s := range of {
		had = min(had, clientOf(s).after)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	missed, err := since(ctx, b.host.DB, user, had)
	if err != nil { // they come back with ?after=
		if !b.failing {
			b.host.Log.Error("messages not sent; those to come wait until the feed can be read", "error", err)
		}
		b.failing = true
		for s := range of {
			_ = s.Close()
		}
		return
	}
	if b.failing {
		b.host.Log.Info("messages sent again")
	}
	b.failing = false
	for _, m := range missed {
		at := m.At.UnixNano()
		var to []*melody.Session
		for s := range of {
			if c := clientOf(s); c.after < at {
				c.after, to = at, append(to, s)
			}
		}
		b.send(m, to...)
	}
}

func (b *hub) send(m Message, to ...*melody.Session) {
	if len(to) == 0 {
		return
	}
	text, err := contract.JSON(m)
	if err != nil {
		b.host.Log.Error("message not sent", "type", m.Type, "error", err)
		return
	}
	b.pushes.add(len(to))
	for _, s := range to {
		_ = s.Write(text) // an error is the session's end, which disconnect sees
	}
}

// open is how many WebSockets there are.
func (b *hub) open() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.sessions {
		n += len(of)
	}
	return n
}

// goodbye is how long clients have to take the close frame.
const goodbye = time.Second

// close ends all sessions, and returns when they are over: the HTTP server does
// not know hijacked connections.
func (b *hub) close() {
	b.each(func(s *melody.Session) { _ = s.CloseWithMsg(goingAway()) })
	stuck := time.AfterFunc(goodbye, func() {
		b.each(func(s *melody.Session) { _ = host.Conn(s.Request.Context()).Close() })
	})
	b.running.Wait()
	stuck.Stop()
	_ = b.melody.Close()
}

// each lets nobody in any more, and does fn to those who are.
func (b *hub) each(fn func(*melody.Session)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, of := range b.sessions {
		for s := range of {
			fn(s)
		}
	}
}

func goingAway() []byte { return melody.FormatCloseMessage(melody.CloseGoingAway, "stopping") }

func clientOf(s *melody.Session) *client {
	c, _ := s.MustGet(clientKey).(*client)
	return c
}
