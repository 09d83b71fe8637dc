package broker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logged keeps what is logged. It is safe for concurrent use.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// isRefused connects once more than the broker lets in. A mere end is what clients
// take for a broker that asks for TLS: it is a reset, while dialing or after.
func isRefused(t *testing.T, b *Broker) {
	t.Helper()
	conn, err := net.Dial("tcp", b.options.Listener.Addr().String())
	if err == nil {
		defer func() { _ = conn.Close() }()
		err = readEnd(testContext(t), conn)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want the connection reset", err)
	}
}

// TestFlood: connections from outside that fill the broker keep no client of this
// process out, each that is refused is counted, and they are warned of once.
func TestFlood(t *testing.T) {
	t.Parallel()
	out := &logged{}
	b := start(t, Options{Topics: []string{"a"}, Log: out.logger()})
	const limit, refused = 8, 5
	b.limiter.SetLimit(limit)
	idle := make([]net.Conn, limit)
	for i := range idle {
		idle[i] = dial(t, b)
	}
	eventually(t, "all connections", func() bool { open, _, _ := b.limiter.Counts(); return open == limit })
	for range refused {
		isRefused(t, b)
	}
	if err := b.Healthy(testContext(t)); err != nil {
		t.Errorf("the broker's own client: %v", err)
	}
	for range 3 {
		own, err := kgo.NewClient(append(b.Client(), kgo.SeedBrokers(b.Seeds()...), kgo.ConsumeTopics("a"))...)
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		if err := own.ProduceSync(testContext(t), &kgo.Record{Topic: "a"}).FirstErr(); err != nil {
			t.Fatalf("a client of this process: %v", err)
		}
		consume(t, own, 1)
	}
	if open, _, got := b.limiter.Counts(); open != limit || got != refused {
		t.Errorf("got %d open, %d refused; want %d, %d", open, got, limit, refused)
	}
	if n := strings.Count(out.String(), "too many connections"); n != 1 {
		t.Errorf("told %d times, want once: %s", n, out)
	}
	if b.embedded.current.Load().guard.OwnConns() == 0 {
		t.Error("own connections are not counted")
	}
	// A restart ends them all, and there is room again.
	if err := errors.Join(b.embedded.GoOffline(), b.embedded.GoOnline()); err != nil {
		t.Fatal(err)
	}
	if open, _, _ := b.limiter.Counts(); open != 0 {
		t.Errorf("%d connections are counted after a restart, want none", open)
	}
	works(t, b.options.Listener.Addr().String(), "a")
	for _, conn := range idle {
		if err := readEnd(testContext(t), conn); err == nil {
			t.Error("a connection outlived the restart")
		}
	}
}

// readEnd waits for a connection's end.
func readEnd(ctx context.Context, conn net.Conn) error {
	limit, _ := ctx.Deadline()
	_ = conn.SetReadDeadline(limit)
	_, err := conn.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
