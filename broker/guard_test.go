package broker

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"axion/broker/frame"
	"axion/broker/frame/frametest"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func dial(t *testing.T, b *Broker) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", b.options.Listener.Addr().String())
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
	oversize := frametest.Frame(int16(kmsg.Metadata), 1, "")
	binary.BigEndian.PutUint32(oversize, frame.MaxOther+1)
	for name, junk := range map[string][]byte{
		"ErrUnknownKey":     frametest.Frame(9999, 0, ""),
		"ErrNegativeKey":    frametest.Frame(-1, 0, ""),
		"ErrHTTP":           []byte("GET / HTTP/1.1\r\nHost: localhost:9092\r\n\r\n"),
		"ErrTLS":            {0x16, 0x03, 0x01, 0x02, 0x00, 0x01},
		"ErrZeroSize":       size(0),
		"ErrNegativeSize":   size(1 << 31),
		"ErrOversize":       size(frame.MaxProduce + 1),
		"ErrOversizeOther":  oversize,
		"ErrVersion":        frametest.Frame(int16(kmsg.Metadata), 99, ""),
		"ErrNegVersion":     frametest.Frame(int16(kmsg.Metadata), -1, ""),
		"ErrClientID":       append(frametest.Frame(int16(kmsg.Metadata), 1, "")[:12], 0x7f, 0xff),
		"ErrNoHeaderTags":   frametest.Frame(int16(kmsg.Produce), 9, "id"),
		"ErrManyHeaderTags": frametest.Frame(int16(kmsg.Produce), 9, "id", 0xff, 0xff, 0xff, 0xff, 0x0f),
		"ErrHeaderTag":      frametest.Frame(int16(kmsg.Produce), 9, "id", 1, 0, 0xff, 0x7f),
		"ErrBody":           frametest.Frame(int16(kmsg.Metadata), 1, "id", 0, 0, 0, 9),
		"ErrProduceVersion": frametest.Frame(int16(kmsg.Produce), 13, "id", make([]byte, 64)...),
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
	addr := b.options.Listener.Addr().String()
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
	both := append(frametest.Request(metadata), frametest.Request(versions)...)
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
		if _, err := conn.Write(frametest.Request(versions)); err != nil {
			t.Fatal(err)
		}
		answer(t, conn)
		conns = append(conns, conn)
	}
	isRefused(t, b)
	_ = conns[0].Close()
	eventually(t, "a connection after another has gone", func() bool {
		conn, err := net.Dial("tcp", b.options.Listener.Addr().String())
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(deadline))
		if _, err := conn.Write(frametest.Request(versions)); err != nil {
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
