package graph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/services/contract"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/host/hosttest"
)

// socket is a client's WebSocket. It reads all the time.
type socket struct {
	*websocket.Conn
	messages chan []byte
	pong     chan struct{}
	end      error // set once messages is closed
}

func newSocket(conn *websocket.Conn) *socket {
	s := &socket{Conn: conn, messages: make(chan []byte, 10_000), pong: make(chan struct{}, 1)}
	conn.SetPongHandler(func(string) error { s.pong <- struct{}{}; return nil })
	go func() {
		defer close(s.messages)
		for {
			_, text, err := conn.ReadMessage()
			if err != nil {
				s.end = err
				return
			}
			s.messages <- text
		}
	}()
	return s
}

// join waits until the server reads the socket: from then on it is sent all.
func (s *socket) join(t *testing.T) {
	t.Helper()
	if err := s.WriteControl(websocket.PingMessage, nil, time.Now().Add(hosttest.Deadline)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.pong:
	case <-time.After(hosttest.Deadline):
		t.Fatal("no pong")
	}
}

// upgrade tries to open one; header is "Name: value" lines.
func (r *rig) upgrade(t *testing.T, path string, header ...string) (*socket, *http.Response) {
	t.Helper()
	h := http.Header{}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	dialer := websocket.Dialer{HandshakeTimeout: hosttest.Deadline}
	conn, res, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(r.URL, "http")+path, h)
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, res
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := newSocket(conn)
	s.join(t)
	return s, res
}

// dial opens a user's WebSocket; after is the last message's time, or "".
func (r *rig) dial(t *testing.T, token, after string) *socket {
	t.Helper()
	s, res := r.upgrade(t, "/ws?"+url.Values{"token": {token}, "after": {after}}.Encode())
	if s == nil {
		t.Fatalf("not upgraded: %s", res.Status)
	}
	return s
}

func (s *socket) raw(t *testing.T) []byte {
	t.Helper()
	select {
	case text, ok := <-s.messages:
		if !ok {
			t.Fatalf("no message: %v", s.end)
		}
		return text
	case <-time.After(hosttest.Deadline):
		t.Fatal("no message")
	}
	return nil
}

func (s *socket) next(t *testing.T) (m live.Message) {
	t.Helper()
	if err := json.Unmarshal(s.raw(t), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// until reads up to the first message of a deployment, and returns all.
func (s *socket) until(t *testing.T, deployment string) (all []live.Message) {
	t.Helper()
	for {
		all = append(all, s.next(t))
		if all[len(all)-1].DeploymentID == deployment {
			return all
		}
	}
}

// closed waits until the server ends it, and returns the close frame's code and
// text, 0 where there was none.
func (s *socket) closed(t *testing.T) (int, string) {
	t.Helper()
	deadline := time.After(hosttest.Deadline)
	for {
		select {
		case _, open := <-s.messages:
			if open {
				continue
			}
			var ce *websocket.CloseError
			if errors.As(s.end, &ce) {
				return ce.Code, ce.Text
			}
			return 0, ""
		case <-deadline:
			t.Fatal("still open")
		}
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	p, q := r.create("alice", "Hers"), r.create("bob", "His")
	t.Run("OK/doors", func(t *testing.T) {
		n := 0
		for path, header := range map[string]string{
			"/ws?token=alice": "Accept: */*", "/?token=alice": "Accept: */*", "/ws": hosttest.As("alice"), "/": hosttest.As("alice"),
			"/ws?token=alice&x=": "Origin: https://graph.localhost", "/?token=alice&x=": "Origin: http://localhost:5173",
		} {
			s, res := r.upgrade(t, path, header)
			if s == nil {
				t.Errorf("%s with %s: got %s", path, header, res.Status)
				continue
			}
			n++
			event(kafka, contract.DeploymentStarted, p.ID, fmt.Sprint("door", n), fmt.Sprint("door", n), "")
			s.until(t, fmt.Sprint("door", n))
		}
	})
	t.Run("OK/shape", func(t *testing.T) { testShape(t, r, kafka, p) })
	t.Run("OK/own", func(t *testing.T) {
		alice, alice2, bob := r.dial(t, "alice", ""), r.dial(t, "alice", ""), r.dial(t, "bob", "")
		event(kafka, contract.DeploymentStarted, q.ID, "his", "his", "")
		if got := bob.next(t); got.ProjectID != q.ID {
			t.Errorf("bob got %+v", got)
		}
		event(kafka, contract.DeploymentStarted, p.ID, "hers", "hers", "")
		for _, s := range []*socket{alice, alice2} {
			if got := s.next(t); got.DeploymentID != "hers" {
				t.Errorf("alice got %+v, want only hers", got)
			}
		}
	})
	t.Run("ErrHandshake", func(t *testing.T) { testBadHandshake(t, r) })
	t.Run("ErrExpired", func(t *testing.T) {
		s := r.dial(t, "alice.3s", "")
		if code, text := s.closed(t); code != websocket.ClosePolicyViolation || text != "token expired" {
			t.Errorf("closed with %d %q", code, text)
		}
	})
	t.Run("ErrLongMessage", func(t *testing.T) {
		s := r.dial(t, "alice", "")
		if err := s.WriteMessage(websocket.TextMessage, make([]byte, 8<<10)); err != nil {
			t.Fatal(err)
		}
		s.closed(t)
	})
	t.Run("ErrMany", func(t *testing.T) {
		for range 100 {
			r.dial(t, "bob", "")
		}
		if s, res := r.upgrade(t, "/ws?token=bob"); s != nil || res.StatusCode != 429 {
			t.Errorf("one more: got %s, want 429", res.Status)
		}
	})
}

func testShape(t *testing.T, r *rig, kafka *hosttest.Kafka, p readmodel.Project) {
	s := r.dial(t, "alice", "")
	before := time.Now()
	kafka.Event(graphTopic, p.ID, contract.DeploymentProgress, "shape",
		`{"projectId":"`+p.ID+`","deploymentId":"d","step":"codegen","extra":[1]}`)
	text := s.raw(t)
	m, names := hosttest.Fields(t, text)
	if want := []string{"at", "data", "deploymentId", "projectId", "type"}; !slices.Equal(names, want) {
		t.Errorf("fields: got %q, want %q", names, want)
	}
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(m["at"]))
	if err != nil || at.Location() != time.UTC || at.Before(before.Add(-time.Second)) {
		t.Errorf("at: got %v (%v)", m["at"], err)
	}
	data := map[string]any{"projectId": p.ID, "deploymentId": "d", "step": "codegen", "extra": []any{1.0}}
	if m["type"] != contract.DeploymentProgress || m["projectId"] != p.ID || m["deploymentId"] != "d" ||
		fmt.Sprint(m["data"]) != fmt.Sprint(data) {
		t.Errorf("got %s", text)
	}
}

func testBadHandshake(t *testing.T, r *rig) {
	for name, tt := range map[string]struct {
		path, header string
		status       int
	}{
		"NoToken": {"/ws", "Accept: */*", 401}, "BadToken": {"/ws?token=mallory", "Accept: */*", 401},
		"BadHeader": {"/", hosttest.As("mallory"), 401}, "Origin": {"/ws?token=alice", "Origin: https://example.com", 403},
		"NullOrigin": {"/ws?token=alice", "Origin: null", 403}, "After": {"/ws?token=alice&after=yesterday", "Accept: */*", 422},
		"Host": {"/ws?token=alice", "Host: example.com", 421},
	} {
		s, res := r.upgrade(t, tt.path, tt.header)
		if s != nil || res.StatusCode != tt.status || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %s, %v, want a problem with %d", name, res.Status, res.Header, tt.status)
		}
		if tt.status == 401 && res.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
	}
	reply := r.do("alice", "GET", "/ws", "")
	hosttest.WantProblem(t, reply, 426)
	if got := reply.Header.Get("Upgrade"); got != "websocket" {
		t.Errorf("Upgrade: got %q", got)
	}
	if index := r.do("", "GET", "/", ""); index.Status != 200 || !strings.Contains(index.Body, "/openapi.json") {
		t.Errorf("index: got %d %s, want where to read on", index.Status, index.Body)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	p, q := r.create("alice", "Hers"), r.create("bob", "His")
	open := r.dial(t, "alice", "")
	send := func(from, to int) {
		for i := from; i < to; i++ {
			event(kafka, contract.DeploymentProgress, p.ID, fmt.Sprint("d", i), fmt.Sprint("e", i), `,"step":"codegen"`)
			event(kafka, contract.DeploymentProgress, q.ID, fmt.Sprint("x", i), fmt.Sprint("x", i), `,"step":"codegen"`)
		}
	}
	send(0, 10)
	seen := open.until(t, "d9")
	check := func(t *testing.T, got []live.Message, from, to int) {
		t.Helper()
		for i, m := range got {
			if m.DeploymentID != fmt.Sprint("d", from+i) {
				t.Fatalf("message %d: got %s, want d%d", i, m.DeploymentID, from+i)
			}
			if i > 0 && !m.At.After(got[i-1].At) {
				t.Errorf("at does not grow: %v after %v", m.At, got[i-1].At)
			}
		}
		if len(got) != to-from {
			t.Errorf("got %d messages, want %d", len(got), to-from)
		}
	}
	check(t, seen, 0, 10)
	stamp := func(m live.Message) string { return m.At.Format(time.RFC3339Nano) }
	t.Run("OK", func(t *testing.T) {
		for _, i := range []int{0, 4, 8} {
			check(t, r.dial(t, "alice", stamp(seen[i])).until(t, "d9"), i+1, 10)
		}
		for _, beginning := range []string{"1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2001-01-01T00:00:00+02:00"} {
			all := r.dial(t, "alice", beginning).until(t, "d9")
			if m := all[0]; m.Type != contract.ProjectCreated || m.ProjectID != p.ID {
				t.Errorf("the first message: got %+v", m)
			}
			check(t, all[1:], 0, 10)
		}
	})
	t.Run("OK/last", func(t *testing.T) {
		sockets := []*socket{r.dial(t, "alice", stamp(seen[9])), r.dial(t, "alice", "9999-01-01T00:00:00Z"), r.dial(t, "alice", "")}
		send(10, 11)
		for _, s := range sockets {
			check(t, s.until(t, "d10"), 10, 11)
		}
	})
	t.Run("OK/whileMoreCome", func(t *testing.T) {
		// Clients come in the middle of a stream, each from a message that another
		// has seen, and must all see the rest of it, each once.
		sent := make(chan struct{})
		go func() { defer close(sent); send(11, 60) }()
		var at []live.Message
		for i := 11; i < 50; i++ {
			m := open.until(t, fmt.Sprint("d", i))
			at = append(at, m[len(m)-1])
			if i%10 == 0 {
				from := at[len(at)-5]
				check(t, r.dial(t, "alice", stamp(from)).until(t, "d59"), i-3, 60)
			}
		}
		<-sent
	})
	t.Run("OK/restart", func(t *testing.T) {
		r.Stop()
		r.start()
		s := r.dial(t, "alice", stamp(seen[9]))
		send(60, 61)
		check(t, s.until(t, "d60"), 10, 61)
	})
}

// TestClockBack restarts the service on a clock that is behind the messages of
// the run before.
func TestClockBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := r.events()
	p := r.create("alice", "Hers")
	s := r.dial(t, "alice", "")
	event(kafka, contract.DeploymentStarted, p.ID, "d1", "e1", "")
	ahead := s.next(t).At.Add(time.Hour)
	if _, err := r.DB.Exec(`UPDATE feed SET at = $1 WHERE deployment_id = 'd1'`, ahead.UnixNano()); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	r.start()
	s = r.dial(t, "alice", ahead.Format(time.RFC3339Nano))
	event(kafka, contract.DeploymentSucceeded, p.ID, "d1", "e2", "")
	m := s.next(t)
	if m.Type != contract.DeploymentSucceeded || !m.At.After(ahead) {
		t.Errorf("got %s at %v, want what came after %v", m.Type, m.At, ahead)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sockets := []*socket{r.dial(t, "alice", ""), r.dial(t, "bob", "")}
	r.Stop()
	for _, s := range sockets {
		if code, _ := s.closed(t); code != websocket.CloseGoingAway {
			t.Errorf("closed with %d, want %d", code, websocket.CloseGoingAway)
		}
	}
}

// frame is one of a client's, whose mask changes nothing.
func frame(first byte, text string) string {
	return string([]byte{first, 0x80 | byte(len(text)), 0, 0, 0, 0}) + text
}

// TestNotUTF8 sends text in one frame and in several (RFC 6455, section 8.1).
func TestNotUTF8(t *testing.T) {
	t.Parallel()
	const text, more, last, whole = 0x01, 0x00, 0x80, 0x81
	r := newRig(t)
	for name, tc := range map[string]struct {
		frames string
		code   int
	}{
		"Whole":      {frame(whole, "a\xff"), websocket.CloseInvalidFramePayloadData},
		"Surrogate":  {frame(whole, "\xed\xa0\x80"), websocket.CloseInvalidFramePayloadData},
		"Second":     {frame(whole, "fine") + frame(whole, "\xc3"), websocket.CloseInvalidFramePayloadData},
		"Fragments":  {frame(text, "\xc3") + frame(more, "") + frame(last, "("), websocket.CloseInvalidFramePayloadData},
		"Unfinished": {frame(text, "a") + frame(last, "\xe2\x82"), websocket.CloseInvalidFramePayloadData},
		"Reason":     {frame(0x88, "\x03\xe8\xff"), websocket.CloseInvalidFramePayloadData},
		"OKSplit":    {frame(text, "\xe2\x82") + frame(last, "\xac") + frame(0x88, "\x03\xe8"), websocket.CloseNormalClosure},
		"OKBinary":   {frame(0x82, "\xff") + frame(0x88, "\x03\xe8"), websocket.CloseNormalClosure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := r.dial(t, "alice", "")
			if _, err := s.NetConn().Write([]byte(tc.frames)); err != nil {
				t.Fatal(err)
			}
			if code, reason := s.closed(t); code != tc.code {
				t.Errorf("closed with %d %q, want %d", code, reason, tc.code)
			}
		})
	}
}
