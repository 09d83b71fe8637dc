// Package hosttest runs one service in a test as the stack would: on a real
// broker and a real socket, beside stand-ins for the services that it asks. Only
// tests import it.
package hosttest

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/store"
)

// Deadline bounds every wait; nothing depends on its length.
const Deadline = 30 * time.Second

// Cluster is a broker with the system's topics, for as long as the test runs.
func Cluster(t testing.TB) *clustertest.Broker {
	t.Helper()
	return clustertest.NewBroker(t, contract.Topics()...)
}

// Options are a service's, on a free port with its state below dir.
func Options(t testing.TB, cluster *clustertest.Broker, dir string) host.Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return host.Options{
		Listener: l, Dir: dir, Database: database(t, dir), Brokers: cluster.ListenAddrs(), Version: "test",
		Issuer: "https://auth.localhost", Tracer: noop.NewTracerProvider(), Log: slog.New(slog.DiscardHandler),
	}
}

var databases sync.Map // by test and directory

// database is the one of a directory, so that a service finds its data again
// where it is started a second time.
func database(t testing.TB, dir string) string {
	if url, ok := databases.Load(dir); ok {
		return url.(string)
	}
	url, _ := databases.LoadOrStore(dir, clustertest.Database(t))
	return url.(string)
}

// Open opens a service's database as it will find it below dir, migrated with the
// bus's tables and the given ones.
func Open(t testing.TB, dir, service string, migrations fs.FS) *sql.DB {
	t.Helper()
	sets := []store.Migrations{{Name: "bus", FS: bus.Migrations()}, {Name: "service", FS: migrations}}
	var db *sql.DB
	var err error
	if url := database(t, dir); url != "" {
		db, err = store.Connect(t.Context(), url, service, sets...)
	} else {
		db, err = store.Open(t.Context(), filepath.Join(dir, "services", service, "data.db"), sets...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Service is a service that runs.
type Service struct {
	*host.Host
	URL string // "http://127.0.0.1:port"
	// Stop ends the service; a second call does nothing. The test's end calls it.
	Stop func()
	// Kill ends it as a crash would, as far as that can be done in one process:
	// without waiting for anything that is under way.
	Kill func()
}

// Start starts a service that its package has just made: it takes the results of
// its New.
func Start(t testing.TB, h *host.Host, err error) *Service {
	t.Helper()
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	var once sync.Once
	stop := func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), Deadline)
			defer cancel()
			if err := h.Stop(ctx); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
	}
	kill := func() {
		once.Do(func() {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			_ = h.Stop(ended) // it says what it did not wait for
		})
	}
	t.Cleanup(stop)
	if err := h.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &Service{Host: h, URL: "http://" + h.Addr().String(), Stop: stop, Kill: kill}
}

// Answer stands in for a service: it handles messages of the given types until
// the test ends, or until the function that it returns is called.
func Answer(t testing.TB, cluster *clustertest.Broker, service string, handlers map[string]bus.Handler) (stop func()) {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Options{Service: service, Brokers: cluster.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	for typ, h := range handlers {
		b.Handle(typ, h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", service, err)
		}
		b.Close()
	})
	t.Cleanup(stop)
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatalf("%s: %v", service, err)
	case <-time.After(Deadline):
		t.Fatalf("%s: no partitions", service)
	}
	return stop
}

// Auth stands in for the auth service. The token "alice" belongs to the user
// alice, and "alice.3s" to her too, but for 3 s only; so with bob. It refuses all
// others.
func Auth(t testing.TB, cluster *clustertest.Broker) {
	t.Helper()
	Answer(t, cluster, contract.Auth, map[string]bus.Handler{
		contract.ValidateSession: func(_ context.Context, m *bus.Message) (any, error) {
			var req contract.ValidateSessionRequest
			if err := m.Decode(&req); err != nil {
				return nil, err
			}
			user, lifetime, limited := strings.Cut(req.Token, ".")
			if user != "alice" && user != "bob" {
				return nil, bus.Permanent(errors.New("no such session"))
			}
			life := time.Hour
			if limited {
				var err error
				if life, err = time.ParseDuration(lifetime); err != nil {
					return nil, bus.Permanent(err)
				}
			}
			return contract.Session{
				UserID: user, Email: user + "@example.test", ExpiresAt: time.Now().Add(life).UTC().Format(time.RFC3339Nano),
			}, nil
		},
		contract.GetKeys: func(context.Context, *bus.Message) (any, error) {
			return map[string][]string{"keys": {}}, nil
		},
	})
}
