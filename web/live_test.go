package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"axion/web/live"
	"axion/web/projectevents"
	"axion/web/view"

	"github.com/gorilla/websocket"
)

// page is a WebSocket to the dashboard, as a browser's page has one.
type page struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *stack) page(t *testing.T) *page {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.address+"/ws", http.Header{"Origin": {"http://" + s.address}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &page{t, conn}
}

// next reads until a message of kind comes, and returns its data.
func (p *page) next(kind string) json.RawMessage {
	p.t.Helper()
	for {
		_ = p.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		var m struct {
			Kind string
			Data json.RawMessage
		}
		if err := p.conn.ReadJSON(&m); err != nil {
			p.t.Fatalf("no message of kind %s: %v", kind, err)
		}
		if m.Kind == kind {
			return m.Data
		}
	}
}

// closed reads until the server closes, and checks the code.
func (p *page) closed(code int) {
	p.t.Helper()
	for {
		_ = p.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		if _, _, err := p.conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, code) {
				p.t.Errorf("got %v, want close code %d", err, code)
			}
			return
		}
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	t.Run("OKSnapshotThenChanges", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		s.start(t, s.options(t, "127.0.0.1:0", nil))
		first := s.page(t)
		first.next(live.KindSnapshot)
		first.next(kindTopics)
		s.change(func(s *stack) { s.topics = []view.Topic{topicOf("axion.events", 6)} })
		want := `{"items":[{"name":"axion.events","messages":6,"partitions":[{"id":0,"start":0,"end":3},{"id":1,"start":40,"end":42},{"id":2,"start":0,"end":1}],"rate":0,"groups":[]}],"next":""}`
		if got := string(first.next(kindTopics)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		var snapshot map[string]json.RawMessage
		if err := json.Unmarshal(s.page(t).next(live.KindSnapshot), &snapshot); err != nil {
			t.Fatal(err)
		}
		if got := string(snapshot[kindTopics]); got != want {
			t.Errorf("got %s in a later snapshot\nwant %s", got, want)
		}
	})
	t.Run("OKTopicsFail", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		s.topicErr = errBroker
		s.start(t, s.options(t, "127.0.0.1:0", nil))
		want := `{"items":[],"next":"","error":"the broker at 127.0.0.1:9092 does not answer"}`
		if got := string(s.page(t).next(kindTopics)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("ErrOrigin", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		s.start(t, s.options(t, "127.0.0.1:0", nil))
		for _, origin := range []string{"https://evil.example", "http://shop.apps.localhost", "null"} {
			_, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.address+"/ws", http.Header{"Origin": {origin}})
			if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
				t.Errorf("origin %s: got error %v and answer %v, want 403", origin, err, res)
			}
			if res != nil {
				_ = res.Body.Close()
			}
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		s.start(t, s.options(t, "127.0.0.1:0", nil))
		p := s.page(t)
		_ = p.conn.WriteMessage(websocket.TextMessage, make([]byte, live.MaxRequest+1))
		p.closed(websocket.CloseMessageTooBig)
	})
	t.Run("ErrNotUTF8", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		s.start(t, s.options(t, "127.0.0.1:0", nil))
		p := s.page(t)
		_ = p.conn.WriteMessage(websocket.TextMessage, []byte("\xff"))
		p.closed(websocket.CloseInvalidFramePayloadData)
		p = s.page(t) // in fragments: two frames of one byte, whose mask changes nothing
		_, _ = p.conn.NetConn().Write([]byte("\x01\x81\x00\x00\x00\x00\xc3\x80\x81\x00\x00\x00\x00("))
		p.closed(websocket.CloseInvalidFramePayloadData)
		p = s.page(t) // the reason of a close frame
		_, _ = p.conn.NetConn().Write([]byte("\x88\x83\x00\x00\x00\x00\x03\xe8\xff"))
		p.closed(websocket.CloseInvalidFramePayloadData)
	})
}

// TestSlowPage holds a page that does not read: it must be cut off, and must
// hold nothing up.
func TestSlowPage(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	p := s.page(t)
	p.next(live.KindSnapshot)
	large := append(append([]byte(`{"kind":"event","data":"`), bytes.Repeat([]byte("x"), 64<<10)...), `"}`...)
	for range 3 * projectevents.MaxKept {
		s.server.hub.Broadcast(large)
	}
	for {
		_ = p.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		if _, _, err := p.conn.ReadMessage(); err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the slow page was not cut off")
			}
			break
		}
	}
	other := s.page(t)
	other.next(live.KindSnapshot)
	s.server.broadcaster.Send(projectevents.KindEvent, projectevents.Event{Type: "DEPLOYMENT_STARTED"})
	other.next(projectevents.KindEvent)
}
