package routing

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"

	"axion/gateway/config"
	"axion/gateway/selfaddr"
)

// ListenerPrefix is how the listeners of entrypoints are called, before their names.
const ListenerPrefix = "entrypoint "

// OwnListeners are the stack's listeners and those that the entrypoints are to have, in
// the same order each time. The list given is used up.
func OwnListeners(set selfaddr.Set, entries EntryPoints, freePorts bool) selfaddr.Set {
	for _, e := range entries.All() {
		if e.Address == "" || freePorts {
			continue
		}
		l, ok := selfaddr.Parse(ListenerPrefix+e.Name, e.Address)
		if e.UDP {
			l.Network = "udp"
		}
		if ok {
			set = append(set, l)
		}
	}
	slices.SortFunc(set, func(a, b selfaddr.Listener) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Network, b.Network), a.Addr.Compare(b.Addr))
	})
	return set
}

// refuse says why a server at "host:port" must not be connected to: it is the stack
// itself. The stack's own services may be, from its own file and from one that takes
// the place of their labels.
func (b *state) refuse(at config.Origin, network, address string) error {
	if at.Layer == 0 || slices.Contains(b.deps.Addresses[at.Service], address) {
		return nil
	}
	l, ok := b.own.Find(network, address)
	if !ok {
		return nil
	}
	hint := "give it the port at which your service listens on this machine; a compose service says so by ports, such as \"8081:80\""
	if l.Name == ListenerPrefix+TraefikEntryPoint {
		hint = "to serve Traefik's API, let the router name the service api@internal"
	}
	return &hintError{error: fmt.Errorf("its server %s is this stack's own %s", address, l.Name), hint: hint}
}

// refuseURL is refuse for a server's URL.
func (b *state) refuseURL(at config.Origin, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil // reported elsewhere
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	return b.refuse(at, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
}

// refuseAuth looks at the server that a middleware asks. An entrypoint may lead to
// it.
func (b *state) refuseAuth(c *config.Middleware) error {
	if c.ForwardAuth == nil || c.Origin.Layer == 0 {
		return nil
	}
	u, err := url.Parse(c.ForwardAuth.Address)
	if err != nil {
		return nil // reported elsewhere
	}
	if l, ok := b.deps.Private.Find("tcp", u.Host); ok {
		return &hintError{error: fmt.Errorf("its address %s is this stack's own %s", u.Host, l.Name),
			hint: "give it the address of your own service"}
	}
	return nil
}

// refuseServers looks at the servers of a service.
func (b *state) refuseServers(c *config.Service) error {
	if c.LoadBalancer == nil {
		return nil
	}
	for _, s := range c.LoadBalancer.Servers {
		if err := b.refuseURL(c.Origin, s.URL); err != nil {
			return err
		}
	}
	return nil
}

// RefuseAddress refuses an address that is the stack's own for a service.
func RefuseAddress(own selfaddr.Set, service, address string) error {
	if l, ok := own.Find("tcp", address); ok {
		return &hintError{error: fmt.Errorf("%s cannot be at %s, which is this stack's own %s", service, address, l.Name),
			hint: "give it the address at which your service listens"}
	}
	return nil
}
