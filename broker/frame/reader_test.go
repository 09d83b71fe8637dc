package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/budget"
	"axion/broker/frame/frametest"
)

// open is a Handler that lets all pass and counts.
type open struct{ passed int }

func (*open) BeforeFrame() error { return nil }
func (*open) OnFrameStart(bool)  {}
func (*open) Wants(key int16) bool {
	return kmsg.Key(key) == kmsg.Metadata || kmsg.Key(key) == kmsg.Fetch
}
func (*open) Inspect(_ Request, frame []byte) ([]byte, error) {
	return frame, nil
}
func (*open) InspectBody(Request, []byte) error { return nil }
func (o *open) BeforeForward(Request) error {
	o.passed++
	return nil
}

// FuzzReader: whatever comes in, only whole well-formed frames begin to go
// out, unchanged, and in the same way in pieces of any size.
func FuzzReader(f *testing.F) {
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.SetVersion(12)
	fetch := kmsg.NewPtrFetchRequest()
	fetch.SetVersion(13)
	f.Add(frametest.Request(metadata))
	f.Add(append(frametest.Request(fetch), frametest.Request(metadata)...))
	f.Add(frametest.Frame(0, 9, "id", 2, 1, 1, 0, 2, 0, 9, 9))
	f.Add(frametest.Frame(9999, 0, ""))
	f.Add(frametest.Frame(0, 9, "id", 0xff, 0xff))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0x16, 3, 1, 2, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		handler := &open{}
		out, err := io.ReadAll(NewReader(bytes.NewReader(in), handler, budget.New(1<<20), nil))
		if !bytes.HasPrefix(in, out) {
			t.Fatalf("got %x out of %x", out, in)
		}
		if bad, ok := errors.AsType[*Error](err); ok && bad.Error() == "" {
			t.Fatal("refused without a reason")
		}
		slow := &open{}
		again, err2 := io.ReadAll(NewReader(iotest.OneByteReader(bytes.NewReader(in)), slow, budget.New(1<<20), nil))
		if !bytes.Equal(out, again) || (err == nil) != (err2 == nil) || handler.passed != slow.passed {
			t.Fatalf("in pieces: got %x, %v, want %x, %v", again, err2, out, err)
		}
		for frames := 0; len(out) > 0; frames++ {
			if len(out) < Prefix+MinHead {
				t.Fatalf("a frame of %d bytes", len(out))
			}
			size := int(binary.BigEndian.Uint32(out))
			kind := kmsg.RequestForKey(int16(binary.BigEndian.Uint16(out[4:])))
			if kind == nil || size < MinHead || size > MaxProduce || frames >= handler.passed {
				t.Fatalf("let through %x", out)
			}
			out = out[min(len(out), Prefix+size):]
		}
	})
}

// TestReadFrame: what is announced costs nothing until it comes.
func TestReadFrame(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("kafka"), 50_000)
	read := func(r io.Reader, size int) ([]byte, error) {
		return NewReader(r, &open{}, budget.New(1<<20), nil).whole(nil, size)
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
	if _, err := read(short, MaxOther); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
	if asked > 1<<20 {
		t.Errorf("took %d bytes for none", asked)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
