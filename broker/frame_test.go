package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/budget"
	"axion/web/view"
)

// open is a frameHandler that lets all pass and counts.
type open struct{ passed int }

func (*open) beforeFrame() error   { return nil }
func (*open) onFrameStart(bool)    {}
func (*open) wants(key int16) bool { return inspected(key) }
func (*open) inspect(_ request, frame []byte) ([]byte, error) {
	return frame, nil
}
func (*open) inspectBody(request, []byte) error { return nil }
func (o *open) beforeForward(request) error {
	o.passed++
	return nil
}

// FuzzFramer: whatever comes in, only whole well-formed frames begin to go
// out, unchanged, and in the same way in pieces of any size.
func FuzzFramer(f *testing.F) {
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.SetVersion(12)
	fetch := kmsg.NewPtrFetchRequest()
	fetch.SetVersion(13)
	f.Add(requestOf(metadata))
	f.Add(append(requestOf(fetch), requestOf(metadata)...))
	f.Add(frameOf(0, 9, "id", 2, 1, 1, 0, 2, 0, 9, 9))
	f.Add(frameOf(9999, 0, ""))
	f.Add(frameOf(0, 9, "id", 0xff, 0xff))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0x16, 3, 1, 2, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		handler := &open{}
		out, err := io.ReadAll(newFramer(bytes.NewReader(in), handler, budget.New(1<<20), nil))
		if !bytes.HasPrefix(in, out) {
			t.Fatalf("got %x out of %x", out, in)
		}
		if bad, ok := errors.AsType[*frameError](err); ok && bad.Error() == "" {
			t.Fatal("refused without a reason")
		}
		slow := &open{}
		again, err2 := io.ReadAll(newFramer(iotest.OneByteReader(bytes.NewReader(in)), slow, budget.New(1<<20), nil))
		if !bytes.Equal(out, again) || (err == nil) != (err2 == nil) || handler.passed != slow.passed {
			t.Fatalf("in pieces: got %x, %v, want %x, %v", again, err2, out, err)
		}
		for frames := 0; len(out) > 0; frames++ {
			if len(out) < prefix+minHead {
				t.Fatalf("a frame of %d bytes", len(out))
			}
			size := int(binary.BigEndian.Uint32(out))
			kind := kmsg.RequestForKey(int16(binary.BigEndian.Uint16(out[4:])))
			if kind == nil || size < minHead || size > maxProduce || frames >= handler.passed {
				t.Fatalf("let through %x", out)
			}
			out = out[min(len(out), prefix+size):]
		}
	})
}

// FuzzInspect: no frame that comes through breaks what looks into it.
func FuzzInspect(f *testing.F) {
	for _, key := range []kmsg.Key{
		kmsg.Fetch, kmsg.Metadata, kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.JoinGroup,
		kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.ConsumerGroupHeartbeat,
	} {
		req := kmsg.RequestForKey(int16(key))
		req.SetVersion(req.MaxVersion())
		f.Add(requestOf(req))
	}
	for _, topic := range []string{"lost", "doubled"} {
		f.Add(requestOf(produceOf(topic, make([]byte, batchHead))))
		f.Add(requestOf(produceOf(topic, []byte("short"))))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		g, _ := guardedPipe(t)
		g.listener.broker.closed = true // so that nothing is created
		g.listener.broker.faults.guardFaults.Store(&[]*ActiveFault{
			{FaultSpec: view.FaultSpec{Kind: DropTopic, Target: "lost", Percent: 100}},
			{FaultSpec: view.FaultSpec{Kind: DuplicateTopic, Target: "doubled", Percent: 100}},
		})
		g.frames = newFramer(bytes.NewReader(in), g, budget.New(1<<20), nil)
		out, err := io.ReadAll(g.frames)
		if _, ok := errors.AsType[*frameError](err); err != nil && !ok && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if len(out) > 2*len(in)+prefix {
			t.Fatalf("got %d bytes out of %d", len(out), len(in))
		}
	})
}

// produceOf is a request to write these bytes to a topic.
func produceOf(topic string, records []byte) kmsg.Request {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(9)
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Records = records
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// TestReadFrame: what is announced costs nothing until it comes.
func TestReadFrame(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("kafka"), 50_000)
	read := func(r io.Reader, size int) ([]byte, error) {
		return newFramer(r, &open{}, budget.New(1<<20), nil).whole(nil, size)
	}
	got, err := read(bytes.NewReader(long), len(long))
	if err != nil || !bytes.Equal(got, long) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(long))
	}
	asked := 0
	short := readerFunc(func(p []byte) (int, error) {
		asked = max(asked, cap(p))
		return 0, io.EOF
	})
	if _, err := read(short, maxOther); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
	if asked > 1<<20 {
		t.Errorf("took %d bytes for none", asked)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
