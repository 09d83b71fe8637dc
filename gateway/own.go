package gateway

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"syscall"

	"axion/gateway/config"
	"axion/gateway/selfaddr"
)

// entryName is how the listeners of entrypoints are called, before their names.
const entryName = "entrypoint "

// own is where the stack listens: no router of the user's may lead back there.
type own struct {
	private   selfaddr.Set        // all but entrypoints
	fixed     selfaddr.Set        // those that stay: private, and the standing entrypoints
	addresses map[string][]string // of compose services that are the stack's own
	now       atomic.Pointer[selfaddr.Set]
	fragments string                       // the directory of the projects' compose files
	ports     atomic.Pointer[map[int]bool] // ports, see [Gateway.ownPorts]
}

// read takes the options over. An address of a service is none of the stack's listeners,
// but for the dashboard's own.
func (o *own) read(opts Options) error {
	o.addresses, o.fragments = opts.Addresses, opts.FragmentDir
	for name, addr := range opts.Own {
		o.add(selfaddr.Of(name, addr))
	}
	o.private = slices.Clone(o.fixed)
	for name, l := range map[string]net.Listener{web: opts.Web, webSecure: opts.WebSecure} {
		if l != nil {
			o.add(selfaddr.Of(entryName+name, l.Addr()))
		}
	}
	for service, list := range opts.Addresses {
		for _, address := range list {
			if l, ok := o.fixed.Find("tcp", address); ok && l.Name == "dashboard" && service == "axion" {
				continue
			}
			if err := foreign(o.fixed, service, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreign refuses an address that is the stack's own for a service.
func foreign(own selfaddr.Set, service, address string) error {
	if l, ok := own.Find("tcp", address); ok {
		return &mended{error: fmt.Errorf("%s cannot be at %s, which is this stack's own %s", service, address, l.Name),
			hint: "give it the address at which your service listens"}
	}
	return nil
}

// Relocate says where a compose service is that runs in this process or in its place, as
// [Options.Addresses] did at first; an empty list is nowhere, nil where its labels
// say. It is in force shortly after. The error is an address that is the stack's own; then nothing changes.
func (g *Gateway) Relocate(service string, addresses []string) error {
	if own := g.own.now.Load(); own != nil {
		for _, address := range addresses {
			if err := foreign(*own, service, address); err != nil {
				return err
			}
		}
	}
	g.provider.Relocate(service, addresses)
	return nil
}

func (o *own) add(l selfaddr.Listener, ok bool) {
	if !ok {
		return
	}
	for _, list := range o.addresses {
		l.Dialed = l.Dialed || slices.Contains(list, l.Addr.String())
	}
	o.fixed = append(o.fixed, l)
}

// control refuses connections back to the stack, whatever name led there.
func (o *own) control(network, address string, c syscall.RawConn) error {
	if now := o.now.Load(); now != nil {
		return now.Control(network, address, c)
	}
	return nil
}

// ownOf are the stack's listeners once t is in force, in the same order each time.
func (g *Gateway) ownOf(t *table) selfaddr.Set {
	g.mu.Lock()
	defer g.mu.Unlock()
	set := slices.Clone(g.own.fixed)
	add := func(l selfaddr.Listener, ok bool) {
		if ok {
			set = append(set, l)
		}
	}
	for _, f := range g.fronts {
		add(selfaddr.Of(entryName+f.entry().name, f.port.Addr()))
	}
	for _, d := range g.datagrams {
		add(selfaddr.Of(entryName+d.view.Load().entry.name, d.Addr()))
	}
	for _, e := range t.entries.all() {
		name := entryName + e.name
		if e.address != "" && !g.freePorts {
			l, ok := selfaddr.Parse(name, e.address)
			if e.udp {
				l.Network = "udp"
			}
			add(l, ok)
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
func (b *builder) refuse(at config.Origin, network, address string) error {
	if at.Layer == 0 || slices.Contains(b.gateway.own.addresses[at.Service], address) {
		return nil
	}
	l, ok := b.own.Find(network, address)
	if !ok {
		return nil
	}
	hint := "give it the port at which your service listens on this machine; a compose service says so by ports, such as \"8081:80\""
	if l.Name == entryName+internalEntry {
		hint = "to serve Traefik's API, let the router name the service api@internal"
	}
	return &mended{error: fmt.Errorf("its server %s is this stack's own %s", address, l.Name), hint: hint}
}

// refuseURL is refuse for a server's URL.
func (b *builder) refuseURL(at config.Origin, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil // told elsewhere
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	return b.refuse(at, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
}

// refuseAuth looks at the server that a middleware asks. An entrypoint may lead to
// it.
func (b *builder) refuseAuth(c *config.Middleware) error {
	if c.ForwardAuth == nil || c.Origin.Layer == 0 {
		return nil
	}
	u, err := url.Parse(c.ForwardAuth.Address)
	if err != nil {
		return nil // told elsewhere
	}
	if l, ok := b.gateway.own.private.Find("tcp", u.Host); ok {
		return &mended{error: fmt.Errorf("its address %s is this stack's own %s", u.Host, l.Name),
			hint: "give it the address of your own service"}
	}
	return nil
}

// refuseServers looks at the servers of a service.
func (b *builder) refuseServers(c *config.Service) error {
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
