package docker_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// hangUp is the event that ends the stream of events.
const hangUp = ""

// fake speaks as much of the engine's API as is asked for.
type fake struct {
	mu        sync.Mutex
	info      string
	inspected map[string]string // JSON by id
	deaf      bool              // to /events
	listings  int
	listeners map[chan string]bool
}

func newFake() *fake {
	return &fake{info: `{"OperatingSystem": "Debian"}`, inspected: map[string]string{}, listeners: map[chan string]bool{}}
}

// socket is an address for a fake, short enough for the system.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fake")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "docker.sock")
}

// serve answers at a socket until it is asked to stop, or the test ends.
func (f *fake) serve(t *testing.T, path string) (stop func()) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: f}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(listener)
	}()
	stop = sync.OnceFunc(func() {
		server.Close()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}

// put adds or changes a container and reports it.
func (f *fake) put(id, inspected string) {
	f.mu.Lock()
	f.inspected[id] = inspected
	f.mu.Unlock()
	f.tell(`{"Type": "container", "Action": "start"}`)
}

func (f *fake) tell(event string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		l <- event
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	f.mu.Lock()
	defer f.mu.Unlock()
	switch path := r.URL.Path; {
	case path == "/_ping":
	case strings.HasSuffix(path, "/info"):
		fmt.Fprint(w, f.info)
	case strings.HasSuffix(path, "/containers/json"):
		f.listings++
		var items []string
		for id := range f.inspected {
			items = append(items, fmt.Sprintf(`{"Id": %q, "Labels": {"Traefik.enable": "true"}}`, id))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(items, ","))
	case strings.HasSuffix(path, "/events"):
		if f.deaf {
			http.Error(w, `{"message": "not allowed"}`, http.StatusForbidden)
			return
		}
		f.events(w, r)
	default:
		id := strings.TrimSuffix(path[strings.Index(path, "/containers/")+len("/containers/"):], "/json")
		if f.inspected[id] == "" {
			http.Error(w, `{"message": "no such container"}`, http.StatusNotFound)
			return
		}
		fmt.Fprint(w, f.inspected[id])
	}
}

// events streams what is reported; the lock is held but while it waits.
func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	events := make(chan string, 1000)
	f.listeners[events] = true
	http.NewResponseController(w).Flush()
	f.mu.Unlock()
	defer f.mu.Lock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, events)
	}()
	for {
		select {
		case e := <-events:
			if e == hangUp {
				return
			}
			fmt.Fprintln(w, e)
			http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (f *fake) listed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listings
}
