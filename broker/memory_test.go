package broker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMemory has a client of this process produce and consume, in a group and more
// than a connection holds, without the network: its seed is no address. It outlives a
// restart of the broker, and is refused once that is closed.
func TestMemory(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	cl := client(t, b, append(b.Client(), kgo.SeedBrokers("nowhere.invalid:9"), kgo.ConsumerGroup("g"),
		kgo.ConsumeTopics("a"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	large := bytes.Repeat([]byte("x"), 900_000)
	for i := range 2 {
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "a", Value: large}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if got := consume(t, cl, 1); !bytes.Equal(got[0].Value, large) {
			t.Errorf("got %d bytes, want what was sent", len(got[0].Value))
		}
		group, err := b.Admin().Group(testContext(t), "g")
		if err != nil || len(group.Members) != 1 || !strings.Contains(group.Members[0].Host, "memory") {
			t.Errorf("got %+v, %v; want one member in memory", group.Members, err)
		}
		if i > 0 {
			break
		}
		if err := errors.Join(b.goOffline(), b.goOnline()); err != nil {
			t.Fatal(err)
		}
	}
	cl.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.listener.memory.dial(testContext(t), "tcp", b.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestMemoryEnds: a connection's end is told as that of a TCP connection.
func TestMemoryEnds(t *testing.T) {
	t.Parallel()
	m := newMemory()
	pair := func() (a, b net.Conn) {
		accepted := make(chan net.Conn, 1)
		go func() {
			conn, _ := m.Accept()
			accepted <- conn
		}()
		a, err := m.dial(testContext(t), "", "")
		if err != nil {
			t.Fatal(err)
		}
		return a, <-accepted
	}
	one := make([]byte, 1)
	a, b := pair()
	refuse(b)
	if _, err := a.Read(one); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("refused: got %v", err)
	}
	a, b = pair()
	go func() {
		_, err := b.Write(one)
		if err := errors.Join(err, b.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := a.Read(one); err != nil {
		t.Errorf("what was sent before the end: got %v", err)
	}
	if _, err := a.Read(one); !errors.Is(err, io.EOF) {
		t.Errorf("ended: got %v", err)
	}
	if _, err := a.Write(one); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after the end: got %v", err)
	}
	_ = a.Close()
	if _, err := a.Read(one); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after closing: got %v", err)
	}
	_ = m.Close()
	if _, err := m.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after closing: got %v", err)
	}
}
