package gateway

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"

	"axion/gateway/config"
)

// ownPorts are the ports of this machine's servers that stand for the stack's own:
// the builtins, what takes their place, and the projects that it deployed. They are sent
// the stack's tokens, so that no other user may serve them. A server of the user's own
// is not looked at.
func (g *Gateway) ownPorts(d *config.Dynamic) map[int]bool {
	ports := map[int]bool{}
	for _, s := range d.Services {
		if s.LoadBalancer == nil || !g.own.stands(s.Origin) {
			continue
		}
		for _, server := range s.LoadBalancer.Servers {
			if u, err := url.Parse(server.URL); err == nil {
				if port, err := strconv.Atoi(u.Port()); err == nil {
					ports[port] = true
				}
			}
		}
	}
	return ports
}

// stands reports whether a service stands for one of the stack's own.
func (o *own) stands(at config.Origin) bool {
	_, ours := o.addresses[at.Service]
	return ours || at.Layer == 0 || o.fragments != "" && filepath.Dir(at.File) == o.fragments
}

// checkServer refuses a connection to a server that stands for one of the stack's own and is
// another user's of this machine.
func (g *Gateway) checkServer(c net.Conn) error {
	at, ok := c.RemoteAddr().(*net.TCPAddr)
	ports := g.own.ports.Load()
	if !ok || ports == nil || !(*ports)[at.Port] {
		return nil
	}
	err := g.guard.CheckServer(c)
	if err != nil {
		g.guard.Tell(err, at.String())
	}
	return err
}
