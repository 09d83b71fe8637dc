package broker

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
	// maxProduce is Kafka's socket.request.max.bytes.
	maxProduce = 100 << 20
	// maxOther bounds requests that carry no records. Decoded they take many
	// times their size, which is why they get less.
	maxOther = 16 << 20
	// maxClientID keeps the fixed part of a request within one peek.
	maxClientID = 1024
	// maxTags bounds the tagged fields of a request's header; no client sends
	// any, and kfake skips as many as are announced, there or not.
	maxTags = 127

	prefix  = 4             // the size of a frame, before it
	minHead = 2 + 2 + 4 + 2 // key, version, correlation, length of client id
)

// request is the fixed part of a request, and where its body starts.
type request struct {
	key, version int16
	corr         int32
	body         int    // from the start of the frame, its prefix included
	serial       uint64 // counts the requests of the connection, from 1 on
}

// frameError says why a connection's bytes are refused. The rest of them
// cannot be understood, so it ends the connection.
type frameError struct{ reason string }

func (e *frameError) Error() string { return e.reason }

func refusef(format string, args ...any) error {
	return &frameError{fmt.Sprintf(format, args...)}
}

// frameHandler follows the frames of one connection.
type frameHandler interface {
	// beforeFrame is called before the wait for a frame, onFrameStart when it starts
	// to arrive; there says that all of it has. An error of beforeFrame ends the
	// connection.
	beforeFrame() error
	onFrameStart(there bool)
	// wants reports whether inspect is to see the frames of a key.
	wants(key int16) bool
	// inspect sees a whole frame of one of the keys that it wants, and
	// returns what to pass on: the frame, changed or not, or another; or
	// nil for nothing.
	inspect(req request, frame []byte) ([]byte, error)
	// inspectBody sees what is behind the prefix of a produce request that it does
	// not want, and may change it. Its size stays.
	inspectBody(req request, body []byte) error
	// beforeForward is called before the first byte of a frame is passed on.
	beforeForward(req request) error
}

// inspected are the keys whose frames the guard always sees whole. Of a produce it
// sees the body, unless a fault is on.
func inspected(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.DeleteTopics,
		kmsg.DescribeConfigs, kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs,
		kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.JoinGroup, kmsg.ConsumerGroupHeartbeat, kmsg.DeleteGroups,
		kmsg.ShareFetch, kmsg.ShareAcknowledge, kmsg.AlterShareGroupOffsets, kmsg.DeleteShareGroupOffsets:
		return true
	}
	return false
}

// framer reads frames from r and gives out only those that kfake can bear.
// An error of Read other than a [*frameError] is r's.
type framer struct {
	r       *bufio.Reader
	handler frameHandler
	ready   []byte // an inspected frame, or what is left of it
	rest    int    // bytes of the present frame that are still in r

	size   int    // of the present frame, without its prefix
	serial uint64 // of the present frame

	produce *request        // the present frame, where its body is to be inspected
	held    budget.Share    // what the present frame takes
	done    <-chan struct{} // closed with the connection
}

const (
	// freeFrame is what the frame of each connection may take without regard to
	// others, in bytes.
	freeFrame = 64 << 10
	// frameMemory is what larger frames than freeFrame take together, and the one
	// that comes first then may take more.
	frameMemory = 256 << 20
)

func newFramer(r io.Reader, g frameHandler, memory *budget.Budget, done <-chan struct{}) *framer {
	return &framer{r: bufio.NewReaderSize(r, 4096), handler: g, held: budget.Share{Of: memory}, done: done}
}

// Read implements [io.Reader].
func (f *framer) Read(p []byte) (int, error) {
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
func (f *framer) body(p []byte) (n int, err error) {
	req, direct := *f.produce, len(p) >= f.size
	var body []byte
	if direct {
		body = p[:0:f.size]
	}
	if body, err = f.whole(body, f.size); err == nil {
		err = f.handler.inspectBody(req, body)
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
func (f *framer) next() error {
	f.held.Free() // kfake asks for a frame when it deals with the one before
	if err := f.handler.beforeFrame(); err != nil {
		return err
	}
	head, err := f.r.Peek(prefix)
	if err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head))
	if size < minHead || size > maxProduce {
		return refusef("not a Kafka request: %s", looksLike(head))
	}
	f.handler.onFrameStart(int64(f.r.Buffered()) >= prefix+size)
	req, err := f.header(int(size))
	if err != nil {
		return err
	}
	f.serial++
	req.serial = f.serial
	if !f.handler.wants(req.key) {
		if err := f.handler.beforeForward(req); err != nil {
			return err
		}
		f.size, f.rest = int(size), prefix+int(size)
		if kmsg.Key(req.key) == kmsg.Produce {
			f.produce = &req
		}
		return nil
	}
	frame, err := f.whole(nil, prefix+int(size))
	if err != nil {
		return err
	}
	if frame, err = f.handler.inspect(req, frame); err != nil || frame == nil {
		return err
	}
	if err := f.handler.beforeForward(req); err != nil {
		return err
	}
	f.ready = frame
	return nil
}

// header reads ahead over the fixed part of a request of this size.
func (f *framer) header(size int) (request, error) {
	var req request
	head, err := f.r.Peek(prefix + minHead)
	if err != nil {
		return req, err
	}
	req.key = int16(binary.BigEndian.Uint16(head[4:]))
	req.version = int16(binary.BigEndian.Uint16(head[6:]))
	req.corr = int32(binary.BigEndian.Uint32(head[8:]))
	id := max(0, int(int16(binary.BigEndian.Uint16(head[12:])))) // -1 is none
	kind := kmsg.RequestForKey(req.key)
	if kind == nil {
		return req, refusef("unknown request key %d", req.key)
	}
	name := kmsg.NameForKey(req.key)
	// Versions above ours of ApiVersions are how a client finds out ours.
	if req.version < 0 || req.version > kind.MaxVersion() && kmsg.Key(req.key) != kmsg.ApiVersions {
		return req, refusef("%s version %d: must be from 0 to %d", name, req.version, kind.MaxVersion())
	}
	if kmsg.Key(req.key) != kmsg.Produce && size > maxOther {
		return req, refusef("%s request of %d bytes: must be at most %d", name, size, maxOther)
	}
	req.body = prefix + minHead + id
	if id > maxClientID || req.body > prefix+size {
		return req, refusef("%s request with a client id of %d bytes", name, id)
	}
	kind.SetVersion(req.version)
	if kind.IsFlexible() {
		if req.body, err = f.skipTags(req.body, prefix+size); err != nil {
			return req, err
		}
	}
	return req, nil
}

// skipTags returns where the body starts behind the header's tagged fields,
// which start at from, in a frame that ends at end.
func (f *framer) skipTags(from, end int) (int, error) {
	if from >= end {
		return 0, refusef("request ends within its header")
	}
	head, err := f.r.Peek(from + 1)
	if err != nil {
		return 0, err
	}
	tags := int(head[from])
	if tags > maxTags { // also any count of two bytes or more
		return 0, refusef("request header announces too many tagged fields")
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
				return 0, refusef("request header with a bad tagged field")
			}
			*value, at = v, at+n
		}
		if size > uint64(end-at) {
			return 0, refusef("request header with a tagged field of %d bytes", size)
		}
		at += int(size)
	}
	return at, nil
}

// whole reads size bytes, into the room behind frame where there is enough. It takes
// memory as the bytes arrive, so that it costs nothing to announce many, and waits for
// others where all frames together take much.
func (f *framer) whole(frame []byte, size int) ([]byte, error) {
	for len(frame) < size {
		n := min(size-len(frame), max(freeFrame, len(frame)))
		if len(frame) >= freeFrame {
			if !f.held.Take(int64(n), f.done) {
				return nil, net.ErrClosed
			}
			f.handler.onFrameStart(false) // the wait is not the client's
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
	return fmt.Sprintf("a frame of %d bytes, must be from %d to %d", binary.BigEndian.Uint32(head), minHead, maxProduce)
}
