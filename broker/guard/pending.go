package guard

import (
	"sync"

	"axion/broker/frame"
)

// unanswered is how many requests of a connection may be without a response: kfake
// (of 2026-09-18) works on one, has read the next, and begins to read another once one of
// them is answered. One more is to spare.
const unanswered = 4

// pending is the requests of a connection that kfake is to answer.
type pending struct {
	mu     sync.Mutex
	last   uint64                    // the serial of the last request
	due    bool                      // that is still to be answered
	recent [unanswered]frame.Request // the last requests, from newest on
	newest int
	hooks  map[uint64]responseHook // of responses, by the serials of their requests
}

func newPending() *pending { return &pending{hooks: make(map[uint64]responseHook)} }

// add keeps a request that kfake is to answer. The caller holds mu.
func (p *pending) add(req frame.Request) {
	p.last, p.due = req.Serial, true
	p.newest = (p.newest + 1) % len(p.recent)
	p.recent[p.newest] = req
}

// find gives the request of a response, and forgets it and those before it: kfake
// answers in order, and a produce with acks=0 not at all. It is the zero request,
// whose responses name no broker, where there is none. It gives the hook of the response
// too, nil for none: clients may send several requests by one correlation id. The caller
// holds mu.
func (p *pending) find(correlation int32) (frame.Request, responseHook) {
	for i := range p.recent {
		at := (p.newest + 1 + i) % len(p.recent) // the oldest first
		req := p.recent[at]
		if req.Body == 0 || req.Correlation != correlation {
			continue
		}
		for ; i >= 0; i-- {
			p.recent[(p.newest+1+i)%len(p.recent)] = frame.Request{}
		}
		hook := p.hooks[req.Serial]
		for serial := range p.hooks { // at most as many as are unanswered
			if serial <= req.Serial {
				delete(p.hooks, serial)
			}
		}
		return req, hook
	}
	return frame.Request{}, nil
}

// onResponse keeps a hook of the response to req, after those that are kept already.
func (p *pending) onResponse(req frame.Request, hook responseHook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if prior := p.hooks[req.Serial]; prior != nil {
		hook = both{prior, hook}
	}
	p.hooks[req.Serial] = hook
}

// answered notes that the response to a request is about to be sent.
func (p *pending) answered(serial uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = p.due && p.last != serial
}

// has reports whether the last request is still to be answered. One that has
// no response (a produce with acks=0) seems to wait until the next.
func (p *pending) has() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due
}

// responseHook changes a response, or what becomes of it.
type responseHook interface {
	complete(p []byte) ([]byte, error)
}

// both are two hooks, one after the other.
type both [2]responseHook

// complete implements responseHook.
func (b both) complete(p []byte) ([]byte, error) {
	p, err := b[0].complete(p)
	if err != nil {
		return nil, err
	}
	return b[1].complete(p)
}
