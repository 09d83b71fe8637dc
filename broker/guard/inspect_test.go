package guard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/budget"
	"axion/broker/fault"
	"axion/broker/frame"
	"axion/broker/frame/frametest"
	"axion/broker/listener"
	"axion/broker/live"
	"axion/web/view"
)

// batchHead is the size of a record batch without records.
const batchHead = 61

// injected are faults that are on for topics of a cluster that is gone.
func injected(f *testing.F) *fault.Set {
	f.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "lost", "doubled"))
	if err != nil {
		f.Fatal(err)
	}
	defer cluster.Close()
	var known live.Cluster
	known.Set(cluster)
	defer known.Set(nil)
	set := fault.NewSet(&known, nil, slog.New(slog.DiscardHandler))
	for _, spec := range []view.FaultSpec{
		{Kind: fault.DropTopic, Target: "lost", Percent: 100}, {Kind: fault.DuplicateTopic, Target: "doubled", Percent: 100},
	} {
		if _, err := set.Inject(spec); err != nil {
			f.Fatal(err)
		}
	}
	return set
}

// FuzzInspect: no frame that comes through breaks what looks into it.
func FuzzInspect(f *testing.F) {
	for _, key := range []kmsg.Key{
		kmsg.Fetch, kmsg.Metadata, kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.JoinGroup,
		kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.ConsumerGroupHeartbeat,
	} {
		req := kmsg.RequestForKey(int16(key))
		req.SetVersion(req.MaxVersion())
		f.Add(frametest.Request(req))
	}
	for _, topic := range []string{"lost", "doubled"} {
		f.Add(frametest.Request(frametest.Produce(topic, make([]byte, batchHead))))
		f.Add(frametest.Request(frametest.Produce(topic, []byte("short"))))
	}
	faults := injected(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		deps := noBroker()
		deps.Faults = faults
		_, g, _ := guardedPipeOf(t, deps)
		g.frames = frame.NewReader(bytes.NewReader(in), g, budget.New(1<<20), nil)
		out, err := io.ReadAll(g.frames)
		if _, ok := errors.AsType[*frame.Error](err); err != nil && !ok && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if len(out) > 2*len(in)+frame.Prefix {
			t.Fatalf("got %d bytes out of %d", len(out), len(in))
		}
	})
}

// guarded is a guard with kfake behind it, with the topic "a", and a connection to it.
func guarded(t *testing.T) (*Listener, net.Conn) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shared, deps := listener.New([]net.Listener{tcp}), noBroker()
	t.Cleanup(func() { _ = shared.Close() })
	l := New(shared.Listen(), deps)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "a"),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return l, nil }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		deps.Cluster.Set(nil)
		cluster.Close()
		if err := l.Wait(); err != nil {
			t.Error(err)
		}
	})
	deps.Cluster.Set(cluster)
	l.Open()
	conn, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return l, conn
}

// TestUnansweredKept: nothing is kept of the fetches that other requests cut short.
func TestUnansweredKept(t *testing.T) {
	t.Parallel()
	l, conn := guarded(t)
	fetch, heartbeat := kmsg.NewPtrFetchRequest(), kmsg.NewPtrHeartbeatRequest()
	fetch.SetVersion(12)
	heartbeat.SetVersion(0)
	fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = int32(time.Hour/time.Millisecond), 1, 50<<20
	topic, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes = 1 << 20
	topic.Topic, topic.Partitions = "a", append(topic.Partitions, part)
	fetch.Topics = append(fetch.Topics, topic)
	fetch.SessionEpoch = 0 // its response is to be completed
	for range 5 {
		if _, err := conn.Write(append(frametest.Request(fetch), frametest.Request(heartbeat)...)); err != nil {
			t.Fatal(err)
		}
		for _, req := range []kmsg.Request{fetch, heartbeat} {
			size := make([]byte, frame.Prefix)
			if _, err := io.ReadFull(conn, size); err != nil {
				t.Fatal(err)
			}
			p := append(size, make([]byte, binary.BigEndian.Uint32(size))...)
			if _, err := io.ReadFull(conn, p[frame.Prefix:]); err != nil {
				t.Fatal(err)
			}
			if _, _, err := frame.DecodeResponse(p, req.Key(), req.GetVersion()); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) != 1 {
		t.Fatalf("got %d connections, want one", len(l.conns))
	}
	for g := range l.conns {
		g.pending.mu.Lock()
		if n := len(g.pending.hooks); n > 0 {
			t.Errorf("%d responses are to be completed, want none", n)
		}
		g.pending.mu.Unlock()
	}
}

// TestCapFetchWait shortens waits that are longer, and no other.
func TestCapFetchWait(t *testing.T) {
	t.Parallel()
	for wait, want := range map[int32]int64{5000: MaxWait.Milliseconds(), 20: 20} {
		req := &kmsg.FetchRequest{Version: 15, MaxWaitMillis: wait}
		f := frametest.Request(req)
		body := len(f) - len(req.AppendTo(nil))
		capFetchWait(frame.Request{Version: 15, Body: body}, f, MaxWait)
		var got kmsg.FetchRequest
		got.SetVersion(15)
		if err := got.ReadFrom(f[body:]); err != nil || int64(got.MaxWaitMillis) != want {
			t.Errorf("%d ms: got %d ms, %v, want %d", wait, got.MaxWaitMillis, err, want)
		}
	}
}
