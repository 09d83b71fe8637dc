package guard

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"

	"axion/broker/advertise"
	"axion/broker/frame"
)

// responder sends the responses of a connection, each by one Write.
type responder struct {
	conn     net.Conn
	pending  *pending
	endpoint advertise.Endpoint // that the client came in on
	onSent   func()

	writing sync.Mutex // held while a response is written; locked before pending.mu
	timeout timeout    // for who holds writing
}

// Write sends a response of kfake's.
func (r *responder) Write(p []byte) (int, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	return r.send(p)
}

// send is Write. The caller holds writing.
func (r *responder) send(p []byte) (int, error) {
	out, serial, err := r.complete(p)
	if err != nil {
		return 0, err
	}
	if _, err := r.sendRaw(serial, net.Buffers{out}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sendRaw sends the response to a request as it is, and returns its size. The caller
// holds writing.
func (r *responder) sendRaw(serial uint64, p net.Buffers) (size int64, err error) {
	if err := r.timeout.in(frameTimeout); err != nil {
		return 0, err
	}
	r.pending.answered(serial) // before a quick client asks for more
	if len(p) == 1 {
		n, writeErr := r.conn.Write(p[0])
		size, err = int64(n), writeErr
	} else {
		size, err = p.WriteTo(r.conn)
	}
	r.onSent()
	return size, err
}

// complete adds to a response what the guard itself has to say, and returns the serial of
// its request.
func (r *responder) complete(p []byte) (out []byte, serial uint64, err error) {
	if len(p) < frame.Prefix+4 {
		return nil, 0, fmt.Errorf("answer of %d bytes", len(p))
	}
	correlation := int32(binary.BigEndian.Uint32(p[frame.Prefix:]))
	r.pending.mu.Lock()
	req, hook := r.pending.find(correlation)
	r.pending.mu.Unlock()
	if hook != nil {
		p, err = hook.complete(p)
	}
	if err == nil {
		p, err = r.advertise(req, p)
	}
	return p, req.Serial, err
}

// advertise puts the address that the client came in on wherever kfake
// gives the one that all clients share.
func (r *responder) advertise(req frame.Request, p []byte) ([]byte, error) {
	if req.Body == 0 || !advertise.MayContain(req.Key, p) {
		return p, nil
	}
	resp, body, err := frame.DecodeResponse(p, req.Key, req.Version)
	if err != nil {
		return nil, err
	}
	if !advertise.Rewrite(resp, r.endpoint) {
		return p, nil
	}
	return frame.EncodeResponse(p[:body], resp), nil
}
