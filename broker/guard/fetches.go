package guard

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/fetch"
	"axion/broker/frame"
)

const (
	// MaxWait caps how long a fetch waits for records.
	MaxWait = 500 * time.Millisecond
	// maxWaitBehind is the cap of a fetch that kfake gets over the connection of other
	// requests: it carries out the requests of one connection one after the other.
	maxWaitBehind = 100 * time.Millisecond
	// fetchGrace is how long a request behind a fetch waits for that to be answered by
	// kfake, before it is answered without records. Who sends requests one upon the
	// other gets records all the same.
	fetchGrace = 20 * time.Millisecond
	// bulkBytes is from which size of its last response on a client is one that has much
	// to read.
	bulkBytes = 64 << 10
)

// fetches are those of one client. Some clients (KafkaJS) send heartbeats over the
// connection of their fetches: behind a fetch that waits for records, joining and closing
// would take as long (kfake v0.0.0-20260918054303). So kfake gets them over a connection of
// their own, and those of much to read are answered from the stored files.
type fetches struct {
	*client
	responder *responder
	conn      net.Conn
	close     func() error        // ends the client's connection
	draining  func() bool         // nothing new is to begin
	accept    func(net.Conn) bool // has kfake accept a connection

	// guarded by pending.mu
	fetcher *fetcher  // nil until it is needed
	current *fetching // under way there; nil for none
	bulk    bool      // the last fetch brought much
	turn    int       // counts those that were answered from the stored files
}

// fetcher is the connection to kfake for fetches.
type fetcher struct {
	net.Conn // the client's, for its addresses
	fetches  *fetches
	frames   chan []byte // one at most
	rest     []byte      // of the present one; for the reader alone
	done     chan struct{}
	ending   sync.Once
}

var _ net.Conn = (*fetcher)(nil)

// fetching is a fetch that a fetcher is to answer.
type fetching struct {
	*fetcher
	request  frame.Request
	fetch    *kmsg.FetchRequest
	answered chan struct{}
}

// Read gives out fetches.
func (f *fetcher) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		select {
		case f.rest = <-f.frames:
		case <-f.done:
			return 0, io.EOF
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// Write sends a response to the client, unless its fetch was answered already.
func (f *fetcher) Write(p []byte) (int, error) {
	s := f.fetches
	s.responder.writing.Lock()
	defer s.responder.writing.Unlock()
	s.pending.mu.Lock()
	at := s.current
	if at == nil || at.fetcher != f || len(p) < frame.Prefix+4 || at.request.Correlation != int32(binary.BigEndian.Uint32(p[frame.Prefix:])) {
		s.pending.mu.Unlock()
		return len(p), nil
	}
	s.current, s.bulk = nil, len(p) >= bulkBytes
	s.pending.mu.Unlock()
	defer close(at.answered)
	return s.responder.send(p)
}

// end ends the fetcher alone.
func (f *fetcher) end() { f.ending.Do(func() { close(f.done) }) }

// Close ends the fetcher, and the client's connection where that waits for it.
func (f *fetcher) Close() error {
	f.end()
	s := f.fetches
	s.pending.mu.Lock()
	waits := s.current != nil && s.current.fetcher == f
	s.pending.mu.Unlock()
	if waits {
		return s.close()
	}
	return nil
}

// SetDeadline and the like change nothing: the client's connection has deadlines.
func (f *fetcher) SetDeadline(time.Time) error      { return nil }
func (f *fetcher) SetReadDeadline(time.Time) error  { return nil }
func (f *fetcher) SetWriteDeadline(time.Time) error { return nil }

// inspect sees a fetch. It returns what to pass on; nothing where the fetch is answered.
func (s *fetches) inspect(req frame.Request, f []byte) ([]byte, error) {
	r := kmsg.NewPtrFetchRequest()
	r.SetVersion(req.Version)
	if err := r.ReadFrom(f[req.Body:]); err != nil {
		return nil, frame.Refuse("Fetch request that cannot be read: %v", err)
	}
	f = readOn(s.client, req, f, r)
	s.onResponse(req, &fetchCompletion{cluster: s.Cluster, request: r, entire: sessionless(req, f, r)})
	if !delayed(s.client, req) && s.serve(req, r) {
		return nil, nil
	}
	capFetchWait(req, f, MaxWait)
	if s.divert(req, f, r) {
		return nil, nil
	}
	capFetchWait(req, f, maxWaitBehind)
	return f, nil
}

// serve answers a fetch from the stored files, and reports whether it did.
func (s *fetches) serve(req frame.Request, r *kmsg.FetchRequest) bool {
	s.pending.mu.Lock()
	serves, turn := s.bulk && !s.pending.due, s.turn
	s.pending.mu.Unlock()
	if !serves || s.draining() {
		return false
	}
	return s.Files.Read(s.Cluster, r, turn, func(list []fetch.Partition) {
		s.responder.writing.Lock()
		defer s.responder.writing.Unlock()
		s.pending.mu.Lock()
		s.pending.last, s.pending.due = req.Serial, true
		delete(s.pending.hooks, req.Serial)
		s.turn++
		s.Files.Answered.Add(1)
		s.pending.mu.Unlock()
		size, err := s.responder.sendRaw(req.Serial, fetch.Answer(req.Correlation, r, list).Frame())
		s.pending.mu.Lock()
		s.bulk = size >= bulkBytes
		s.pending.mu.Unlock()
		if err != nil {
			_ = s.close() // its reader learns of it
		}
	})
}

// divert gives a fetch to the fetcher, where no response is due that must come before its.
func (s *fetches) divert(req frame.Request, f []byte, r *kmsg.FetchRequest) bool {
	if s.draining() {
		return false
	}
	s.pending.mu.Lock()
	defer s.pending.mu.Unlock()
	if s.pending.due || s.client.conn.IsClosed() {
		return false
	}
	if s.fetcher == nil {
		to := &fetcher{Conn: s.conn, fetches: s, frames: make(chan []byte, 1), done: make(chan struct{})}
		if !s.accept(to) {
			return false
		}
		s.fetcher = to
	}
	s.pending.add(req)
	s.current = &fetching{fetcher: s.fetcher, request: req, fetch: r, answered: make(chan struct{})}
	s.fetcher.frames <- f // it is free: nothing is due
	return true
}

// closed ends the fetcher with the connection.
func (s *fetches) connClosed() {
	s.pending.mu.Lock()
	f := s.fetcher
	s.pending.mu.Unlock()
	if f != nil {
		f.end()
	}
}

// end has a fetch under way answered: without records unless kfake answers within
// the grace.
func (s *fetches) end(grace time.Duration) {
	s.pending.mu.Lock()
	at := s.current
	s.pending.mu.Unlock()
	if at == nil {
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-at.answered:
		return
	case <-s.closed:
		return
	case <-timer.C:
	}
	answer, ok := s.empty(at.request, at.fetch)
	if !ok { // kfake does not wait then
		select {
		case <-at.answered:
		case <-s.closed:
		}
		return
	}
	s.responder.writing.Lock()
	defer s.responder.writing.Unlock()
	s.pending.mu.Lock()
	if s.current != at {
		s.pending.mu.Unlock()
		return
	}
	// kfake still waits there; what it answers goes nowhere.
	s.current, s.fetcher = nil, nil
	s.pending.find(at.request.Correlation) // it is answered
	s.pending.mu.Unlock()
	_ = at.Close()
	if _, err := s.responder.sendRaw(at.request.Serial, answer); err != nil {
		_ = s.close() // its reader learns of it
	}
	close(at.answered)
}

// empty is the response to a fetch that has waited in vain. It is not ok where kfake is to
// answer, as of a topic that is gone.
func (s *fetches) empty(req frame.Request, r *kmsg.FetchRequest) (answer net.Buffers, ok bool) {
	s.Cluster.With(func(c *kfake.Cluster) {
		var list []fetch.Partition
		if list, ok = fetch.Look(c, r); ok {
			answer = fetch.Answer(req.Correlation, r, list).Frame()
		}
	})
	return answer, ok
}
