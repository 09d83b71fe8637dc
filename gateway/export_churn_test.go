package gateway

// Busy counts the connections of clients that are open, and the requests under way.
func (g *Gateway) Busy() (conns, requests int) {
	for _, c := range g.entrypoints.Connections() {
		if c.Protocol == "TCP" {
			conns += c.Open
		}
	}
	return conns, g.entrypoints.Requests()
}
