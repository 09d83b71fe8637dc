package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/services/host/hosttest"
)

// TestStuckClient pushes until the buffers on the way to a client that does not
// read are full. It goes past the database: that many events take long.
func TestStuckClient(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	s, err := open(t.Context(), hosttest.Options(t, cluster, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	url := "ws" + strings.TrimPrefix(hosttest.Start(t, s.Host, nil).URL, "http") + "/ws?token=alice"
	stuck, fine := dial(t, url), dial(t, url)
	padding, err := json.Marshal(strings.Repeat("x", 16<<10))
	if err != nil {
		t.Fatal(err)
	}
	push := func(id string) {
		t.Helper()
		s.hub.mu.Lock()
		s.hub.send(Message{DeploymentID: id, Data: padding}, slices.Collect(maps.Keys(s.hub.sessions["alice"]))...)
		s.hub.mu.Unlock()
		if _, text, err := fine.ReadMessage(); err != nil || !strings.Contains(string(text), `"`+id+`"`) {
			t.Fatalf("the client that reads got %.80s, %v, want %s", text, err, id)
		}
	}
	for start := time.Now(); s.open("alice") != 2; runtime.Gosched() { // nothing tells a client that it is in
		if time.Since(start) > hosttest.Deadline {
			t.Fatal("the clients are not connected")
		}
	}
	const most = 6000 // about 100 MB: no system buffers that much
	for i := 0; s.open("alice") == 2; i++ {
		if i == most {
			t.Fatal("the stuck client is still connected")
		}
		push(fmt.Sprint("d", i))
	}
	push("end")
	for {
		_, text, err := stuck.ReadMessage()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the stuck client hears nothing of its end")
		}
		if err != nil {
			return // it comes back with ?after=
		}
		if strings.Contains(string(text), `"end"`) {
			t.Fatal("the stuck client was kept, and has a gap")
		}
	}
}

// open counts a user's WebSockets.
func (s *service) open(user string) int {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return len(s.hub.sessions[user])
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(hosttest.Deadline)); err != nil {
		t.Fatal(err)
	}
	return conn
}
