package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// TestStuckClient sends until the buffers on the way to a client that does not
// read are full. It goes past the database: that many events take long.
func TestStuckClient(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	service, err := host.New(t.Context(), contract.Graph, os.DirFS("../migrations"), hosttest.Options(t, cluster, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	h := New(service)
	url := "ws" + strings.TrimPrefix(hosttest.Start(t, service, nil).URL, "http") + "/ws?token=alice"
	stuck, fine := dial(t, url), dial(t, url)
	padding, err := json.Marshal(strings.Repeat("x", 16<<10))
	if err != nil {
		t.Fatal(err)
	}
	send := func(id string) {
		t.Helper()
		h.mu.Lock()
		h.send(Message{DeploymentID: id, Data: padding}, slices.Collect(maps.Keys(h.sessions["alice"]))...)
		h.mu.Unlock()
		if _, text, err := fine.ReadMessage(); err != nil || !strings.Contains(string(text), `"`+id+`"`) {
			t.Fatalf("the client that reads got %.80s, %v, want %s", text, err, id)
		}
	}
	for start := time.Now(); h.connected("alice") != 2; runtime.Gosched() { // clients are not notified that they are connected
		if time.Since(start) > hosttest.Deadline {
			t.Fatal("the clients are not connected")
		}
	}
	const most = 6000 // about 100 MB: no system buffers that much
	for i := 0; h.connected("alice") == 2; i++ {
		if i == most {
			t.Fatal("the stuck client is still connected")
		}
		send(fmt.Sprint("d", i))
	}
	send("end")
	for {
		_, text, err := stuck.ReadMessage()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the stuck client is not notified of its end")
		}
		if err != nil {
			return // it comes back with ?after=
		}
		if strings.Contains(string(text), `"end"`) {
			t.Fatal("the stuck client was kept, and has a gap")
		}
	}
}

// connected counts a user's WebSockets.
func (h *Hub) connected(user string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions[user])
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
