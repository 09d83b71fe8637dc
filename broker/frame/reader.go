// Package frame reads the requests of a connection as the frames that they come in, and
// lets through those alone that kfake can bear. It encodes requests and responses too.
package frame

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/budget"
)

const (
	// MaxProduce is Kafka's socket.request.max.bytes.
	MaxProduce = 100 << 20
	// MaxOther bounds requests that carry no records. Decoded they take many
	// times their size, which is why they get less.
	MaxOther = 16 << 20
	// maxClientID keeps the fixed part of a request within one peek.
	maxClientID = 1024
	// maxTags bounds the tagged fields of a request's header; no client sends
	// any, and kfake skips as many as are announced, there or not.
	maxTags = 127
)

// Error says why a connection's bytes are refused. The rest of them
// cannot be understood, so it ends the connection.
type Error struct{ Reason string }

// Error implements error.
func (e *Error) Error() string { return e.Reason }

// Refuse is an [*Error] of a formatted reason.
func Refuse(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

// Handler follows the frames of one connection.
type Handler interface {
	// BeforeFrame is called before the wait for a frame, OnFrameStart when it starts
	// to arrive; there says that all of it has. An error of BeforeFrame ends the
	// connection.
	BeforeFrame() error
	OnFrameStart(there bool)
	// Wants reports whether Inspect is to see the frames of a key.
	Wants(key int16) bool
	// Inspect sees a whole frame of one of the keys that it wants, and
	// returns what to pass on: the frame, changed or not, or another; or
	// nil for nothing.
	Inspect(req Request, frame []byte) ([]byte, error)
	// InspectBody sees what is behind the prefix of a produce request that it does
	// not want, and may change it. Its size stays.
	InspectBody(req Request, body []byte) error
	// BeforeForward is called before the first byte of a frame is passed on.
	BeforeForward(req Request) error
}

// Reader reads frames from r and gives out only those that kfake can bear.
// An error of Read other than a [*Error] is r's.
type Reader struct {
	r       *bufio.Reader
	handler Handler
	ready   []byte // an inspected frame, or what is left of it
	rest    int    // bytes of the present frame that are still in r

	size   int    // of the present frame, without its prefix
	serial uint64 // of the present frame

	produce *Request        // the present frame, where its body is to be inspected
	held    budget.Share    // what the present frame takes
	done    <-chan struct{} // closed with the connection
}

const (
	// freeFrame is what the frame of each connection may take without regard to
	// others, in bytes.
	freeFrame = 64 << 10
	// Memory is what larger frames than freeFrame take together, and the one
	// that comes first then may take more.
	Memory = 256 << 20
)

// NewReader reads frames from r, in memory that all readers share, until done is closed.
func NewReader(r io.Reader, h Handler, memory *budget.Budget, done <-chan struct{}) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 4096), handler: h, held: budget.Share{Of: memory}, done: done}
}

// Free returns the memory of the present frame.
func (f *Reader) Free() { f.held.Free() }

// Read implements [io.Reader].
func (f *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.ready) == 0 && f.rest == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.ready) > 0 {
		n := copy(p, f.ready)
		f.ready = f.ready[n:]
		return n, nil
	}
	if f.produce != nil && f.rest <= f.size {
		return f.body(p)
	}
	if f.produce != nil {
		p = p[:min(len(p), f.rest-f.size)] // the prefix
	}
	n, err := f.r.Read(p[:min(len(p), f.rest)])
	f.rest -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// body reads what is behind the prefix of a produce request. kfake asks for it at
// once: it is then read and changed where it is to be, and not copied.
func (f *Reader) body(p []byte) (n int, err error) {
	req, direct := *f.produce, len(p) >= f.size
	var body []byte
	if direct {
		body = p[:0:f.size]
	}
	if body, err = f.whole(body, f.size); err == nil {
		err = f.handler.InspectBody(req, body)
	}
	f.produce, f.rest = nil, 0
	if err != nil || direct {
		return len(body), err
	}
	n = copy(p, body)
	f.ready = body[n:]
	return n, nil
}

// next waits for a frame and makes it ready.
func (f *Reader) next() error {
	f.held.Free() // kfake asks for a frame when it deals with the one before
	if err := f.handler.BeforeFrame(); err != nil {
		return err
	}
	head, err := f.r.Peek(Prefix)
	if err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head))
	if size < MinHead || size > MaxProduce {
		return Refuse("not a Kafka request: %s", looksLike(head))
	}
	f.handler.OnFrameStart(int64(f.r.Buffered()) >= Prefix+size)
	req, err := f.header(int(size))
	if err != nil {
		return err
	}
	f.serial++
	req.Serial = f.serial
	if !f.handler.Wants(req.Key) {
		if err := f.handler.BeforeForward(req); err != nil {
			return err
		}
		f.size, f.rest = int(size), Prefix+int(size)
		if kmsg.Key(req.Key) == kmsg.Produce {
			f.produce = &req
		}
		return nil
	}
	frame, err := f.whole(nil, Prefix+int(size))
	if err != nil {
		return err
	}
	if frame, err = f.handler.Inspect(req, frame); err != nil || frame == nil {
		return err
	}
	if err := f.handler.BeforeForward(req); err != nil {
		return err
	}
	f.ready = frame
	return nil
}

// header reads ahead over the fixed part of a request of this size.
func (f *Reader) header(size int) (Request, error) {
	var req Request
	head, err := f.r.Peek(Prefix + MinHead)
	if err != nil {
		return req, err
	}
	req.Key = int16(binary.BigEndian.Uint16(head[4:]))
	req.Version = int16(binary.BigEndian.Uint16(head[6:]))
	req.Correlation = int32(binary.BigEndian.Uint32(head[8:]))
	id := max(0, int(int16(binary.BigEndian.Uint16(head[12:])))) // -1 is none
	kind := kmsg.RequestForKey(req.Key)
	if kind == nil {
		return req, Refuse("unknown request key %d", req.Key)
	}
	name := kmsg.NameForKey(req.Key)
	// Versions above ours of ApiVersions are how a client finds out ours.
	if req.Version < 0 || req.Version > kind.MaxVersion() && kmsg.Key(req.Key) != kmsg.ApiVersions {
		return req, Refuse("%s version %d: must be from 0 to %d", name, req.Version, kind.MaxVersion())
	}
	if kmsg.Key(req.Key) != kmsg.Produce && size > MaxOther {
		return req, Refuse("%s request of %d bytes: must be at most %d", name, size, MaxOther)
	}
	req.Body = Prefix + MinHead + id
	if id > maxClientID || req.Body > Prefix+size {
		return req, Refuse("%s request with a client id of %d bytes", name, id)
	}
	kind.SetVersion(req.Version)
	if kind.IsFlexible() {
		if req.Body, err = f.skipTags(req.Body, Prefix+size); err != nil {
			return req, err
		}
	}
	return req, nil
}

// skipTags returns where the body starts behind the header's tagged fields,
// which start at from, in a frame that ends at end.
func (f *Reader) skipTags(from, end int) (int, error) {
	if from >= end {
		return 0, Refuse("request ends within its header")
	}
	head, err := f.r.Peek(from + 1)
	if err != nil {
		return 0, err
	}
	tags := int(head[from])
	if tags > maxTags { // also any count of two bytes or more
		return 0, Refuse("request header announces too many tagged fields")
	}
	at := from + 1
	for range tags {
		var size uint64
		for _, value := range []*uint64{new(uint64), &size} {
			head, err := f.r.Peek(min(at+binary.MaxVarintLen32, end, f.r.Size()))
			if err != nil {
				return 0, err
			}
			v, n := uint64(0), 0
			if at < len(head) {
				v, n = binary.Uvarint(head[at:])
			}
			if n <= 0 {
				return 0, Refuse("request header with a bad tagged field")
			}
			*value, at = v, at+n
		}
		if size > uint64(end-at) {
			return 0, Refuse("request header with a tagged field of %d bytes", size)
		}
		at += int(size)
	}
	return at, nil
}

// whole reads size bytes, into the room behind frame where there is enough. It takes
// memory as the bytes arrive, so that it costs nothing to announce many, and waits for
// others where all frames together take much.
func (f *Reader) whole(frame []byte, size int) ([]byte, error) {
	for len(frame) < size {
		n := min(size-len(frame), max(freeFrame, len(frame)))
		if len(frame) >= freeFrame {
			if !f.held.Take(int64(n), f.done) {
				return nil, net.ErrClosed
			}
			f.handler.OnFrameStart(false) // the wait is not the client's
		}
		frame = slices.Grow(frame, n)
		read, err := io.ReadFull(f.r, frame[len(frame):len(frame)+n])
		frame = frame[:len(frame)+read]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return frame, nil
}

// looksLike names the protocol of a connection's first bytes, for the log.
func looksLike(head []byte) string {
	switch s := string(head); {
	case head[0] == 0x16 && head[1] == 0x03:
		return "this is TLS, and this port is plain"
	case slices.Contains([]string{"GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "PRI "}, s):
		return "this is HTTP"
	}
	return fmt.Sprintf("a frame of %d bytes, must be from %d to %d", binary.BigEndian.Uint32(head), MinHead, MaxProduce)
}
