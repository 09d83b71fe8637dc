package http1

import (
	"sync"
	"time"
)

// past is a deadline that ends all waiting.
var past = time.Unix(1, 0)

// readDeadline owns the read deadline of an exchange's connection. The goroutine that
// reads the answer, the one that sends the body and the cancellation of the request all
// have a say in it: once it has expired, none of them prolongs it.
type readDeadline struct {
	mu      sync.Mutex
	conn    *conn
	set     bool // a deadline is set
	started bool // the answer that counts has begun
	expired bool // for good
}

// wait bounds the reads from now on; zero means no limit. It is the reader's.
func (d *readDeadline) wait(limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.move(limit)
}

func (d *readDeadline) move(limit time.Duration) {
	switch {
	case d.expired:
	case limit > 0:
		d.set = true
		_ = d.conn.Conn.SetReadDeadline(time.Now().Add(limit))
	case d.set:
		d.set = false
		_ = d.conn.Conn.SetReadDeadline(time.Time{})
	}
}

// awaitHead bounds the wait for the answer's head, unless that is over. It may be
// called by any goroutine; zero changes nothing.
func (d *readDeadline) awaitHead(limit time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started && limit > 0 {
		d.move(limit)
	}
}

// start says that the answer's head has come: no limit is left.
func (d *readDeadline) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started = true
	d.move(0)
}

// expire ends the reading for good, and with writes the writing too. It may be called
// by any goroutine.
func (d *readDeadline) expire(writes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expired = true
	if writes {
		_ = d.conn.Conn.SetDeadline(past)
	} else {
		_ = d.conn.Conn.SetReadDeadline(past)
	}
}

// over reports whether it has expired.
func (d *readDeadline) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}
