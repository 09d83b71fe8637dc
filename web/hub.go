package web

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
	// maxAsked bounds a message of a page, in bytes.
	maxAsked = 4 << 10
)

type connKey struct{}

// withConn lets a WebSocket's handler reach its connection: melody hides it,
// and a session with a full buffer cannot be closed by one more message.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// hub holds the pages that are connected. Each hears of every change of the
// state, and of the channels that it watches.
type hub struct {
	melody   *melody.Melody
	log      *slog.Logger
	channels map[string]Channel
	// greet gives the first message to a session. Set it before serving.
	greet func(write func([]byte) error)

	mu       sync.RWMutex // keeps broadcasts and arrivals off a closed melody
	closed   bool
	open     int // pages that are connected or about to be
	sessions map[*melody.Session]*viewer
	live     sync.WaitGroup

	sent, sentBytes atomic.Int64
}

func newHub(log *slog.Logger, channels map[string]Channel) *hub {
	h := &hub{melody: melody.New(), log: log, channels: channels, sessions: map[*melody.Session]*viewer{}}
	h.melody.Upgrader.CheckOrigin = sameOrigin
	h.melody.Upgrader.HandshakeTimeout = 5 * time.Second
	h.melody.Config.MaxMessageSize = maxAsked
	h.melody.Config.MessageBufferSize = 2 * maxEvents // a whole replay, and then some
	h.melody.Config.WriteWait = 2 * time.Second
	h.melody.HandleConnect(h.connected)
	h.melody.HandleDisconnect(h.disconnected)
	h.melody.HandleMessage(func(s *melody.Session, text []byte) {
		if !utf8.Valid(text) {
			_ = s.CloseWithMsg(melody.FormatCloseMessage(melody.CloseInvalidFramePayloadData, "text is not UTF-8"))
			return
		}
		if v := h.viewer(s); v != nil {
			v.asked(text)
		}
	})
	h.melody.HandleSentMessage(func(s *melody.Session, text []byte) {
		h.sent.Add(1)
		h.sentBytes.Add(int64(len(text)))
		if v := h.viewer(s); v != nil {
			v.sent(text)
		}
	})
	h.melody.HandleError(func(s *melody.Session, err error) {
		if !errors.Is(err, melody.ErrMessageBufferFull) {
			return
		}
		// The page is too slow. It reconnects and is told the present state.
		if conn, ok := s.Request.Context().Value(connKey{}).(net.Conn); ok {
			_ = conn.Close()
		}
	})
	return h
}

// ServeHTTP upgrades the request and holds it until the page leaves.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		writeProblem(w, http.StatusServiceUnavailable, "the dashboard is closing or has too many pages open")
		return
	}
	defer h.leave()
	// Upgrade answers a refused handshake by itself.
	if err := h.melody.HandleRequest(closeframe.Writer(w), r); err != nil {
		h.log.Debug("page not connected", "error", err)
	}
}

// enter counts a page in unless the hub is closed or full.
func (h *hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.open >= maxPages {
		return false
	}
	h.open++
	h.live.Add(1)
	return true
}

func (h *hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	h.live.Done()
}

// connected keeps the session for close: melody adds it to its own list at some
// later time. One that came in after close leaves by itself.
func (h *hub) connected(s *melody.Session) {
	h.mu.Lock()
	closed := h.closed
	h.sessions[s] = newViewer(h.channels, s.Write, h.log)
	h.mu.Unlock()
	if closed {
		_ = s.CloseWithMsg(goodbye())
		return
	}
	if h.greet != nil {
		h.greet(s.Write)
	}
}

func (h *hub) disconnected(s *melody.Session) {
	h.mu.Lock()
	v := h.sessions[s]
	delete(h.sessions, s)
	h.mu.Unlock()
	if v != nil {
		v.close()
	}
}

func (h *hub) viewer(s *melody.Session) *viewer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sessions[s]
}

// broadcast sends to every page; after close it does nothing.
func (h *hub) broadcast(message []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.closed {
		_ = h.melody.Broadcast(message)
	}
}

// pages tells how many are connected or about to be.
func (h *hub) pages() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.open
}

// close says goodbye to every page and returns once their handlers have ended.
// Melody stops only then: a handler that leaves later would wait for it for ever.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	sessions := slices.Collect(maps.Keys(h.sessions))
	h.mu.Unlock()
	for _, s := range sessions {
		_ = s.CloseWithMsg(goodbye())
	}
	h.live.Wait()
	_ = h.melody.Close()
}

func goodbye() []byte {
	return melody.FormatCloseMessage(melody.CloseGoingAway, "the dashboard is closing")
}
