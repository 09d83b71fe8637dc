package broker

import (
	"axion/broker/advertise"
)

// note keeps a request that kfake is to answer. The caller holds mu.
func (g *guardedConn) note(req request) {
	g.newest = (g.newest + 1) % len(g.recent)
	g.recent[g.newest] = req
}

// find gives the request of an answer, and forgets it and those before it: kfake
// answers in order, and a produce with acks=0 not at all. It is the zero request,
// whose answers name no broker, where there is none. It gives what completes the
// answer too, nil for nothing: clients may send several requests by one correlation id.
// The caller holds mu.
func (g *guardedConn) find(corr int32) (request, responseHook) {
	for i := range g.recent {
		at := (g.newest + 1 + i) % len(g.recent) // the oldest first
		req := g.recent[at]
		if req.body == 0 || req.corr != corr {
			continue
		}
		for ; i >= 0; i-- {
			g.recent[(g.newest+1+i)%len(g.recent)] = request{}
		}
		c := g.completions[req.serial]
		for serial := range g.completions { // at most as many as are unanswered
			if serial <= req.serial {
				delete(g.completions, serial)
			}
		}
		return req, c
	}
	return request{}, nil
}

// advertise puts the address that the client came in on wherever kfake
// gives the one that all clients share.
func (g *guardedConn) advertise(req request, p []byte) ([]byte, error) {
	if req.body == 0 || !advertise.Tells(req.key, p) {
		return p, nil
	}
	resp, body, err := decodeResponse(p, req.key, req.version)
	if err != nil {
		return nil, err
	}
	if !advertise.Rewrite(resp, g.endpoint) {
		return p, nil
	}
	return encodeResponse(p[:body], resp), nil
}
