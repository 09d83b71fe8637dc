package broker

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/answers"
	batches "axion/broker/batch"
	"axion/broker/budget"
	"axion/broker/migrate"
	"axion/broker/retention"
)

// silent is a cluster that answers nothing.
type silent struct{ answers.Cluster }

func (silent) Ask(context.Context, kmsg.Request) (kmsg.Response, error) {
	return nil, errors.New("silent")
}
func (silent) Topic(string) (id [16]byte, configs map[string]*string, ok bool) { return id, nil, false }

// frameOf is a request as bytes, with more bytes than fit behind it.
func frameOf(key, version int16, clientID string, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, 7)
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(append(b, clientID...), body...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// requestOf is a request as bytes, correlation id 7.
func requestOf(req kmsg.Request) []byte {
	var body []byte
	if req.IsFlexible() {
		body = append(body, 0)
	}
	return frameOf(req.Key(), req.GetVersion(), "test", req.AppendTo(body)...)
}

func dial(t *testing.T, b *Broker) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", b.guard.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// answer reads one answer, and returns it from its correlation id on.
func answer(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	size := make([]byte, 4)
	if _, err := io.ReadFull(conn, size); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(size))
	if _, err := io.ReadFull(conn, body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestGuard(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	size := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	oversize := frameOf(int16(kmsg.Metadata), 1, "")
	binary.BigEndian.PutUint32(oversize, maxOther+1)
	for name, junk := range map[string][]byte{
		"ErrUnknownKey":     frameOf(9999, 0, ""),
		"ErrNegativeKey":    frameOf(-1, 0, ""),
		"ErrHTTP":           []byte("GET / HTTP/1.1\r\nHost: localhost:9092\r\n\r\n"),
		"ErrTLS":            {0x16, 0x03, 0x01, 0x02, 0x00, 0x01},
		"ErrZeroSize":       size(0),
		"ErrNegativeSize":   size(1 << 31),
		"ErrOversize":       size(maxProduce + 1),
		"ErrOversizeOther":  oversize,
		"ErrVersion":        frameOf(int16(kmsg.Metadata), 99, ""),
		"ErrNegVersion":     frameOf(int16(kmsg.Metadata), -1, ""),
		"ErrClientID":       append(frameOf(int16(kmsg.Metadata), 1, "")[:12], 0x7f, 0xff),
		"ErrNoHeaderTags":   frameOf(int16(kmsg.Produce), 9, "id"),
		"ErrManyHeaderTags": frameOf(int16(kmsg.Produce), 9, "id", 0xff, 0xff, 0xff, 0xff, 0x0f),
		"ErrHeaderTag":      frameOf(int16(kmsg.Produce), 9, "id", 1, 0, 0xff, 0x7f),
		"ErrBody":           frameOf(int16(kmsg.Metadata), 1, "id", 0, 0, 0, 9),
		"ErrProduceVersion": frameOf(int16(kmsg.Produce), 13, "id", make([]byte, 64)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, b)
			if _, err := conn.Write(junk); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("got %d bytes of answer, want the connection closed", n)
			} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Error("the connection stays open")
			}
			if err := b.Healthy(testContext(t)); err != nil {
				t.Errorf("the broker did not live: %v", err)
			}
		})
	}
}

// TestGuardClients: clients of other protocols get an end, not a hang.
func TestGuardClients(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	addr := b.guard.Listener.Addr().String()
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		req, err := http.NewRequestWithContext(testContext(t), http.MethodPost, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DisableKeepAlives: true}
		if resp, err := transport.RoundTrip(req); err == nil {
			t.Errorf("got %s, want no answer", resp.Status)
			_ = resp.Body.Close()
		}
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		if conn, err := d.DialContext(testContext(t), "tcp", addr); err == nil {
			t.Error("got a handshake")
			_ = conn.Close()
		}
	})
}

// TestGuardPieces: a request is the same in pieces of any size, and so are
// several at once.
func TestGuardPieces(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	conn := dial(t, b)
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.SetVersion(9)
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.SetVersion(0)
	both := append(requestOf(metadata), requestOf(versions)...)
	for _, c := range both {
		if _, err := conn.Write([]byte{c}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Write(append(both, both...)); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if corr := binary.BigEndian.Uint32(answer(t, conn)); corr != 7 {
			t.Errorf("correlation id: got %d, want 7", corr)
		}
	}
}

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
				g, peer := guardedPipe(t)
				frame := frameOf(int16(kmsg.ApiVersions), 0, "id")
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
				g.listener.drain(drainTimeout)
				if got := time.Since(begin); got < tt.want || got > tt.want+tt.want/10 {
					t.Errorf("drained for %s, want %s", got, tt.want)
				}
				read := make(chan int)
				go func() {
					n, _ := g.Read(make([]byte, 1))
					read <- n
				}()
				synctest.Wait()
				if err := g.listener.wait(); err != nil {
					t.Error(err)
				}
				if n := <-read; n != 0 {
					t.Error("a request was let in after the drain")
				}
			})
		})
	}
}

// TestTooManyConns: beyond the limit connections are refused, and once some are
// gone others are let in. See also [TestFlood].
func TestTooManyConns(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	b.limiter.SetLimit(2)
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.SetVersion(0)
	var conns []net.Conn
	for range 2 {
		conn := dial(t, b)
		if _, err := conn.Write(requestOf(versions)); err != nil {
			t.Fatal(err)
		}
		answer(t, conn)
		conns = append(conns, conn)
	}
	isRefused(t, b)
	_ = conns[0].Close()
	eventually(t, "a connection after another has gone", func() bool {
		conn, err := net.Dial("tcp", b.guard.Listener.Addr().String())
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(deadline))
		if _, err := conn.Write(requestOf(versions)); err != nil {
			return false
		}
		n, _ := conn.Read(make([]byte, 1))
		return n == 1
	})
}

// eventually asks again and again, where nothing signals the change.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := testContext(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-tick.C:
		}
	}
}

// failing is a listener whose first Accept fails.
type failing struct {
	net.Listener
	failed bool // Accept is called from one goroutine
}

func (f *failing) Accept() (net.Conn, error) {
	if !f.failed {
		f.failed = true
		return nil, errors.New("too many open files")
	}
	return f.Listener.Accept()
}

// TestAcceptFails: one failed accept does not end the broker.
func TestAcceptFails(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Listener: &failing{Listener: listen(t, "127.0.0.1")}})
	if err := b.Healthy(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

// nowhere is a listener that no one connects to.
type nowhere struct{ net.Listener }

func (nowhere) Close() error { return nil }

// guardedPipe is a guarded connection of no broker, and its other end.
func guardedPipe(t *testing.T) (*guardedConn, net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	b := &Broker{
		members: newMembers(func(context.Context, memberKey) {}), cleaner: retention.New(retention.Options{}),
		completer: answers.New(silent{}), groups: migrate.New(silent{}),
		space:  retention.NewSpace("", nil, func(string) (retention.Disk, error) { return retention.Disk{}, nil }, nil),
		frames: budget.New(frameMemory), rules: &batches.Settings{Load: func(string) (map[string]*string, bool) { return nil, true }},
	}
	g := newGuardedListener(nowhere{}, b, b.members, slog.New(slog.DiscardHandler)).guard(here).(*guardedConn)
	t.Cleanup(func() { _, _ = g.Close(), there.Close() })
	return g, there
}

// TestSlow: a peer that stalls is cut off.
func TestSlow(t *testing.T) {
	t.Parallel()
	frame := frameOf(int16(kmsg.ApiVersions), 0, "id")
	for name, tt := range map[string]struct {
		send []byte
		want time.Duration
	}{
		"Silent":   {nil, firstTimeout},
		"Prefix":   {frame[:3], firstTimeout},
		"Header":   {frame[:9], frameTimeout},
		"Body":     {frame[:len(frame)-1], frameTimeout},
		"Idle":     {frame, idleTimeout},
		"Metadata": {frameOf(int16(kmsg.Metadata), 1, "id", 0, 0, 0, 0)[:15], frameTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, peer := guardedPipe(t)
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
			g, _ := guardedPipe(t)
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
