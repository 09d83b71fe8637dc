package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"axion/services/auth/verifier"
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

// hub pushes messages to the WebSockets of the users whom they concern. Its lock
// makes one order of all of them: a message is recorded, numbered and sent under
// it, and so is a replay, so that no client can miss one in between.
type hub struct {
	host   *host.Host
	melody *melody.Melody

	mu       sync.Mutex
	last     time.Time
	sessions map[string]map[*melody.Session]struct{} // by user
}

// clientKey is where a session keeps its client.
const clientKey = "client"

// client is what a session was opened with.
type client struct {
	id     verifier.Identity
	after  time.Time // zero: no replay
	expire *time.Timer
}

func newHub(h *host.Host) *hub {
	m := melody.New()
	m.Upgrader.CheckOrigin = host.LocalOrigin
	m.Config.MaxMessageSize = maxInbound
	m.Config.MessageBufferSize = buffer
	b := &hub{host: h, melody: m, sessions: map[string]map[*melody.Session]struct{}{}}
	m.HandleConnect(b.connect)
	m.HandleDisconnect(b.disconnect)
	m.HandleError(func(s *melody.Session, err error) {
		if errors.Is(err, melody.ErrMessageBufferFull) {
			// Not s.Close: it would queue a close frame on the same full buffer.
			_ = host.Conn(s.Request.Context()).Close()
		}
	})
	return b
}

// ServeHTTP upgrades a request that bears a token, in the header or in ?token=,
// since browsers set no headers on WebSockets.
func (b *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !websocket.IsWebSocketUpgrade(r) {
		host.WriteProblem(w, http.StatusUpgradeRequired, "this address speaks WebSocket; the API is described at /openapi.json")
		return
	}
	token := verifier.Bearer(r.Header.Get("Authorization"))
	if token == "" {
		token = query.Get("token")
	}
	id, err := b.host.Verifier.Verify(r.Context(), token)
	switch {
	case errors.Is(err, verifier.ErrUnauthorized):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		host.WriteProblem(w, http.StatusUnauthorized, err.Error())
		return
	case err != nil:
		b.host.Log.Error("token not verified", "error", err)
		host.WriteProblem(w, http.StatusServiceUnavailable, "the auth service does not answer; try again")
		return
	}
	c := &client{id: id}
	if after := query.Get("after"); after != "" {
		if c.after, err = time.Parse(time.RFC3339Nano, after); err != nil {
			host.WriteProblem(w, http.StatusUnprocessableEntity, "after: must be the RFC 3339 time of a message, its \"at\"")
			return
		}
	}
	if !b.room(id.UserID) {
		host.WriteProblem(w, http.StatusTooManyRequests, fmt.Sprintf("you have %d WebSockets open; close one", maxSessions))
		return
	}
	// Errors are the upgrader's, which has answered.
	_ = b.melody.HandleRequestWithKeys(w, r, map[string]any{clientKey: c})
}

func (b *hub) room(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions[user]) < maxSessions
}

// connect replays what the client missed and then lets it take part.
func (b *hub) connect(s *melody.Session) {
	c := clientOf(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.after.IsZero() {
		missed, err := since(s.Request.Context(), b.host.DB, c.id.UserID, c.after)
		if err != nil {
			b.host.Log.Error("no replay", "error", err)
			_ = s.Close()
			return
		}
		for _, m := range missed {
			b.send(s, m)
		}
	}
	of := b.sessions[c.id.UserID]
	if of == nil {
		of = map[*melody.Session]struct{}{}
		b.sessions[c.id.UserID] = of
	}
	of[s] = struct{}{}
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

// push numbers a message, has commit store it, and sends it to whom commit says;
// nobody where that is empty.
func (b *hub) push(commit func(at time.Time) (user string, m Message, err error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() {
		if err := b.resume(); err != nil {
			return err
		}
	}
	at := time.Now().UTC()
	if !at.After(b.last) { // the clock may stand still, or go back
		at = b.last.Add(1)
	}
	b.last = at
	user, m, err := commit(at)
	if err != nil || user == "" {
		return err
	}
	for s := range b.sessions[user] {
		b.send(s, m)
	}
	return nil
}

// resume takes up the numbering where the last run left it.
func (b *hub) resume() error {
	var at int64
	if err := b.host.DB.QueryRowContext(context.Background(), `SELECT coalesce(max(at), 1) FROM feed`).Scan(&at); err != nil {
		return fmt.Errorf("read feed: %w", err)
	}
	b.last = time.Unix(0, at).UTC()
	return nil
}

func (b *hub) send(s *melody.Session, m Message) {
	text, err := json.Marshal(m)
	if err != nil {
		b.host.Log.Error("message not sent", "type", m.Type, "error", err)
		return
	}
	_ = s.Write(text) // an error is the session's end, which disconnect sees
}

// close ends all sessions: the HTTP server does not know hijacked connections.
func (b *hub) close() {
	_ = b.melody.CloseWithMsg(melody.FormatCloseMessage(melody.CloseGoingAway, "stopping"))
}

func clientOf(s *melody.Session) *client {
	c, _ := s.MustGet(clientKey).(*client)
	return c
}
