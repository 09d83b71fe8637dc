package gateway

// Busy counts the connections of clients that are open, and the requests under way.
func (g *Gateway) Busy() (conns, requests int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.fronts {
		f.crowd.mu.Lock()
		conns += len(f.crowd.guests)
		f.crowd.mu.Unlock()
	}
	g.inflight.mu.Lock()
	defer g.inflight.mu.Unlock()
	return conns, g.inflight.n
}
