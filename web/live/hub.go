// Package live keeps the WebSockets of the pages that are open, and sends them what changes:
// to each every change of the state, and what the channels that it subscribes to send.
package live

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/olahol/melody"

	"axion/services/closeframe"
)

const (
	// maxPages bounds the pages that are connected at once.
	maxPages = 64
	// MaxRequest bounds a message of a page, in bytes.
	MaxRequest = 4 << 10
)

type connKey struct{}

// WithConn lets a WebSocket's handler reach its connection: melody hides it,
// and a session with a full buffer cannot be closed by one more message.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// Hub holds the pages that are connected. Its methods are safe for concurrent use.
type Hub struct {
	melody *melody.Melody
	opts   Options
	// onConnect writes the first message to a page.
	onConnect func(write func([]byte) error)

	mu       sync.RWMutex // keeps broadcasts and arrivals off a closed melody
	closed   bool
	open     int // pages that are connected or about to be
	sessions map[*melody.Session]*subscriber
	live     sync.WaitGroup

	sent, sentBytes atomic.Int64
}

// Options are what [NewBroadcaster] needs.
type Options struct {
	// Log is required.
	Log *slog.Logger
	// Channels are what pages may subscribe to, by name.
	Channels map[string]Channel
	// CheckOrigin reports whether a request may open a WebSocket. Required.
	CheckOrigin func(*http.Request) bool
	// Refuse answers a page that comes while the hub is closed or full. Required.
	Refuse http.HandlerFunc
	// Buffer is how many messages wait for a page that is slow; one that falls further
	// behind is cut off, and connects again.
	Buffer int
}

// newHub makes a hub without pages. OnConnect writes the first message to a page.
func newHub(opts Options, onConnect func(write func([]byte) error)) *Hub {
	h := &Hub{melody: melody.New(), opts: opts, onConnect: onConnect, sessions: map[*melody.Session]*subscriber{}}
	h.melody.Upgrader.CheckOrigin = opts.CheckOrigin
	h.melody.Upgrader.HandshakeTimeout = 5 * time.Second
	h.melody.Config.MaxMessageSize = MaxRequest
	h.melody.Config.MessageBufferSize = opts.Buffer
	h.melody.Config.WriteWait = 2 * time.Second
	h.melody.HandleConnect(h.connected)
	h.melody.HandleDisconnect(h.disconnected)
	h.melody.HandleMessage(func(s *melody.Session, text []byte) {
		if !utf8.Valid(text) {
			_ = s.CloseWithMsg(melody.FormatCloseMessage(melody.CloseInvalidFramePayloadData, "text is not UTF-8"))
			return
		}
		if v := h.subscriber(s); v != nil {
			v.handle(text)
		}
	})
	h.melody.HandleSentMessage(func(s *melody.Session, text []byte) {
		h.sent.Add(1)
		h.sentBytes.Add(int64(len(text)))
		if v := h.subscriber(s); v != nil {
			v.sent(text)
		}
	})
	h.melody.HandleError(func(s *melody.Session, err error) {
		if !errors.Is(err, melody.ErrMessageBufferFull) {
			return
		}
		// The page is too slow. It reconnects and is sent the present state.
		if conn, ok := s.Request.Context().Value(connKey{}).(net.Conn); ok {
			_ = conn.Close()
		}
	})
	return h
}

// ServeHTTP upgrades the request and holds it until the page leaves.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.acquire() {
		h.opts.Refuse(w, r)
		return
	}
	defer h.release()
	// Upgrade answers a refused handshake by itself.
	if err := h.melody.HandleRequest(closeframe.Writer(w), r); err != nil {
		h.opts.Log.Debug("page not connected", "error", err)
	}
}

// acquire counts a page in unless the hub is closed or full.
func (h *Hub) acquire() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.open >= maxPages {
		return false
	}
	h.open++
	h.live.Add(1)
	return true
}

func (h *Hub) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	h.live.Done()
}

// connected keeps the session for close: melody adds it to its own list at some
// later time. One that came in after close leaves by itself.
func (h *Hub) connected(s *melody.Session) {
	h.mu.Lock()
	closed := h.closed
	h.sessions[s] = newSubscriber(h.opts.Channels, s.Write, h.opts.Log)
	h.mu.Unlock()
	if closed {
		_ = s.CloseWithMsg(closeMessage())
		return
	}
	h.onConnect(s.Write)
}

func (h *Hub) disconnected(s *melody.Session) {
	h.mu.Lock()
	v := h.sessions[s]
	delete(h.sessions, s)
	h.mu.Unlock()
	if v != nil {
		v.close()
	}
}

func (h *Hub) subscriber(s *melody.Session) *subscriber {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sessions[s]
}

// Broadcast sends to every page; after close it does nothing.
func (h *Hub) Broadcast(message []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.closed {
		_ = h.melody.Broadcast(message)
	}
}

// Pages is how many pages are connected or about to be.
func (h *Hub) Pages() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.open
}

// Close closes every page's WebSocket and returns once their handlers have ended.
// Melody stops only then: a handler that leaves later would wait for it for ever.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	sessions := slices.Collect(maps.Keys(h.sessions))
	h.mu.Unlock()
	for _, s := range sessions {
		_ = s.CloseWithMsg(closeMessage())
	}
	h.live.Wait()
	_ = h.melody.Close()
}

func closeMessage() []byte {
	return melody.FormatCloseMessage(melody.CloseGoingAway, "the dashboard is closing")
}
