package guard

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"axion/broker/answers"
	"axion/broker/batch"
	"axion/broker/budget"
	"axion/broker/connlimit"
	"axion/broker/fault"
	"axion/broker/fetch"
	"axion/broker/frame"
	"axion/broker/frame/frametest"
	"axion/broker/live"
	"axion/broker/liveness"
	"axion/broker/migrate"
	"axion/broker/retention"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silent is a cluster that answers nothing.
type silent struct{ answers.Cluster }

func (silent) Ask(context.Context, kmsg.Request) (kmsg.Response, error) {
	return nil, errors.New("silent")
}
func (silent) Topic(string) (id [16]byte, configs map[string]*string, ok bool) { return id, nil, false }

// nowhere is a listener that no one connects to.
type nowhere struct{ net.Listener }

func (nowhere) Close() error { return nil }

// noBroker is what the guard needs, of a broker that is away.
func noBroker() Deps {
	return Deps{
		Cluster: &live.Cluster{}, Limiter: &connlimit.Limiter{}, Frames: budget.New(frame.Memory),
		Space:   retention.NewSpace("", nil, func(string) (retention.Disk, error) { return retention.Disk{}, nil }, nil),
		Cleaner: retention.New(retention.Options{}), Members: liveness.New(func(context.Context, liveness.Key) {}),
		Rules:  &batch.Settings{Load: func(string) (map[string]*string, bool) { return nil, true }},
		Faults: fault.NewSet(&live.Cluster{}, nil, nil), Files: fetch.NewFiles(""),
		Completer: answers.New(silent{}), Groups: migrate.New(silent{}), Log: slog.New(slog.DiscardHandler),
	}
}

// guardedPipe is a guarded connection of no broker, and its other end.
func guardedPipe(t *testing.T) (*Listener, *guardedConn, net.Conn) {
	t.Helper()
	return guardedPipeOf(t, noBroker())
}

func guardedPipeOf(t *testing.T, deps Deps) (*Listener, *guardedConn, net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	l := New(nowhere{}, deps)
	g := l.guard(here).(*guardedConn)
	t.Cleanup(func() { _, _ = g.Close(), there.Close() })
	return l, g, there
}

// TestSlow: a peer that stalls is cut off.
func TestSlow(t *testing.T) {
	t.Parallel()
	frame := frametest.Frame(int16(kmsg.ApiVersions), 0, "id")
	for name, tt := range map[string]struct {
		send []byte
		want time.Duration
	}{
		"Silent":   {nil, firstTimeout},
		"Prefix":   {frame[:3], firstTimeout},
		"Header":   {frame[:9], frameTimeout},
		"Body":     {frame[:len(frame)-1], frameTimeout},
		"Idle":     {frame, idleTimeout},
		"Metadata": {frametest.Frame(int16(kmsg.Metadata), 1, "id", 0, 0, 0, 0)[:15], frameTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, g, peer := guardedPipe(t)
				go func() { _, _ = peer.Write(tt.send) }() // ends with the pipe
				begin := time.Now()
				_, err := io.Copy(io.Discard, g)
				if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
					t.Fatalf("got %v, want a timeout", err)
				}
				if got := time.Since(begin); got < tt.want || got > tt.want+tt.want/10 {
					t.Errorf("cut off after %s, want %s", got, tt.want)
				}
			})
		})
	}
	t.Run("Answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, g, _ := guardedPipe(t)
			begin := time.Now()
			if _, err := g.Write(make([]byte, 64)); err == nil {
				t.Fatal("an answer that no one takes was written")
			}
			if got := time.Since(begin); got < frameTimeout || got > frameTimeout+frameTimeout/10 {
				t.Errorf("cut off after %s, want %s", got, frameTimeout)
			}
		})
	})
}

// drainTimeout is for drains.
const drainTimeout = 500 * time.Millisecond

// TestDrain: the end waits for what is under way, not for ever, and lets
// nothing new begin.
func TestDrain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		asked  int           // requests before the drain
		answer time.Duration // when the first is answered; 0: never
		want   time.Duration
	}{
		"Quiet":      {0, 0, 0},
		"Answered":   {1, drainTimeout / 2, drainTimeout / 2},
		"ReadAhead":  {2, drainTimeout / 2, drainTimeout},
		"Unanswered": {1, 0, drainTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, g, peer := guardedPipe(t)
				frame := frametest.Frame(int16(kmsg.ApiVersions), 0, "id")
				go func() {
					for i := range tt.asked + 1 {
						frame[11] = byte(i) // the correlation id
						if _, err := peer.Write(frame); err != nil {
							return
						}
					}
				}()
				for range tt.asked {
					if _, err := io.ReadFull(g, make([]byte, len(frame))); err != nil {
						t.Fatal(err)
					}
				}
				go func() { _, _ = io.Copy(io.Discard, peer) }()
				if tt.answer > 0 {
					go func() {
						time.Sleep(tt.answer)
						if _, err := g.Write(make([]byte, 8)); err != nil {
							t.Error(err)
						}
					}()
				}
				begin := time.Now()
				l.Drain(drainTimeout)
				if got := time.Since(begin); got < tt.want || got > tt.want+tt.want/10 {
					t.Errorf("drained for %s, want %s", got, tt.want)
				}
				read := make(chan int)
				go func() {
					n, _ := g.Read(make([]byte, 1))
					read <- n
				}()
				synctest.Wait()
				if err := l.Wait(); err != nil {
					t.Error(err)
				}
				if n := <-read; n != 0 {
					t.Error("a request was let in after the drain")
				}
			})
		})
	}
}
