package stacktest

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// Project is what graph answers with.
type Project struct {
	ID, UserID, Name, Slug, Template string
	Config                           map[string]any
	CreatedAt, UpdatedAt             time.Time
}

// Create creates a project as the development user, or as whom token says.
func (s *Stack) Create(t testing.TB, token, name, template string) Project {
	t.Helper()
	if token == "" {
		token = s.Token
	}
	var p Project
	s.Do(t, http.MethodPost, s.URL(contract.GraphHost, "/api/projects"), token,
		map[string]any{"name": name, "template": template}).Decode(t, http.StatusCreated, &p)
	return p
}

// Message is what graph pushes.
type Message struct {
	Type         string          `json:"type"`
	ProjectID    string          `json:"projectId"`
	DeploymentID string          `json:"deploymentId"`
	At           time.Time       `json:"at"`
	Data         json.RawMessage `json:"data"`
}

// Socket is an open WebSocket to graph.
type Socket struct{ conn *websocket.Conn }

// WebSocket opens path on graph through the gateway.
func (s *Stack) WebSocket(t testing.TB, path string) *Socket {
	t.Helper()
	return s.WebSocketAt(t, "wss"+s.URL(contract.GraphHost, path)[len("https"):])
}

// WebSocketAt opens an address of the gateway.
func (s *Stack) WebSocketAt(t testing.TB, address string) *Socket {
	t.Helper()
	dialer := websocket.Dialer{TLSClientConfig: s.tls, NetDialContext: s.dial, HandshakeTimeout: Timeout}
	conn, res, err := dialer.DialContext(t.Context(), address, nil)
	if err != nil {
		t.Fatalf("open WebSocket %s: %v (%v)", address, err, res)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Socket{conn}
}

// Next waits for the next message.
func (w *Socket) Next(t testing.TB) Message {
	t.Helper()
	var m Message
	_ = w.conn.SetReadDeadline(time.Now().Add(Timeout))
	if err := w.conn.ReadJSON(&m); err != nil {
		t.Fatalf("read WebSocket: %v", err)
	}
	return m
}

// ReadUntil reads up to the first message of a project with that type, and returns
// it and the types on the way, its own last.
func (w *Socket) ReadUntil(t testing.TB, projectID, typ string) (Message, []string) {
	t.Helper()
	var types []string
	for {
		m := w.Next(t)
		if m.ProjectID != projectID {
			continue
		}
		if types = append(types, m.Type); m.Type == typ {
			return m, types
		}
	}
}

// Ended reads until the server ends the WebSocket, and gives the code that it closed
// with, 0 where there was none.
func (w *Socket) Ended() int {
	_ = w.conn.SetReadDeadline(time.Now().Add(Timeout))
	for {
		_, _, err := w.conn.ReadMessage()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			return 0
		}
	}
}

// Close drops the connection.
func (w *Socket) Close() { _ = w.conn.Close() }

// Kafka is a plain client of the broker.
func (s *Stack) Kafka(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.Summary.Kafka)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
