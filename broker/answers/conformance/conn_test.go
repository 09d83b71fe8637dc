package conformance_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"axion/broker"
	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is for what must happen at all.
const deadline = time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// start starts a broker that lives as long as the test, and returns its address.
func start(t testing.TB, o broker.Options) *broker.Broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Listener, o.Log = l, slog.New(slog.DiscardHandler)
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	b, err := broker.Start(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// conn is a client's connection, as bytes.
type conn struct {
	net.Conn
	t testing.TB
}

var correlation atomic.Int32

func dial(t testing.TB, addr string) conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return conn{c, t}
}

// settle waits until the broker has learnt of what was changed.
func (c conn) settle() {
	c.t.Helper()
	clustertest.Settle(c.t, c.RemoteAddr().String())
}

// send sends a request and returns the body of its answer, as bytes.
func (c conn) send(req kmsg.Request) []byte {
	c.t.Helper()
	body, err := c.try(req)
	if err != nil {
		c.t.Fatalf("%s v%d is not answered: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return body
}

func (c conn) try(req kmsg.Request) ([]byte, error) {
	corr := correlation.Add(1)
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, corr)
	if _, err := c.Write(frame); err != nil {
		return nil, err
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(c, size); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size))
	if _, err := io.ReadFull(c, body); err != nil {
		return nil, err
	}
	if got := int32(binary.BigEndian.Uint32(body)); got != corr {
		return nil, fmt.Errorf("correlation id %d, want %d", got, corr)
	}
	body = body[4:]
	if kind := req.ResponseKind(); kind.IsFlexible() && kmsg.Key(req.Key()) != kmsg.ApiVersions {
		body = body[1:]
	}
	return body, nil
}

// ask sends a request and returns its answer.
func ask[R kmsg.Response](c conn, req kmsg.Request) R {
	c.t.Helper()
	resp := req.ResponseKind()
	if err := resp.ReadFrom(c.send(req)); err != nil {
		c.t.Fatalf("%s v%d: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return resp.(R)
}

// newest sets the newest version that a broker of Kafka 4.3 knows.
func newest[R kmsg.Request](req R, set func(R)) R {
	req.SetVersion(req.MaxVersion())
	set(req)
	return req
}
