package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

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
	count    map[string]int                          // of those and of upgrades under way, by user
	closed   bool
	running  sync.WaitGroup
}

// clientKey is where a session keeps its client.
const clientKey = "client"

// client is what a session was opened with.
type client struct {
	id     verifier.Identity
	after  int64 // replay what is later, in nanoseconds since 1970; negative: nothing
	expire *time.Timer
}

func newHub(h *host.Host) *hub {
	m := melody.New()
	m.Upgrader.CheckOrigin = host.LocalOrigin
	m.Config.MaxMessageSize = maxInbound
	m.Config.MessageBufferSize = buffer
	b := &hub{host: h, melody: m, sessions: map[string]map[*melody.Session]struct{}{}, count: map[string]int{}}
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

// connect replays what the client missed and then lets it take part.
func (b *hub) connect(s *melody.Session) {
	c := clientOf(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed { // registered all the same: close waits for those that are
		_ = s.CloseWithMsg(goingAway())
	}
	if c.after >= 0 {
		missed, err := since(s.Request.Context(), b.host.DB, c.id.UserID, c.after)
		if err != nil {
			b.host.Log.Error("no replay", "error", err)
			_ = s.Close()
			return
		}
		for _, m := range missed {
			b.send(m, s)
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
	b.send(m, slices.Collect(maps.Keys(b.sessions[user]))...)
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

func (b *hub) send(m Message, to ...*melody.Session) {
	if len(to) == 0 {
		return
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.host.Log.Error("message not sent", "type", m.Type, "error", err)
		return
	}
	for _, s := range to {
		_ = s.Write(text) // an error is the session's end, which disconnect sees
	}
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
