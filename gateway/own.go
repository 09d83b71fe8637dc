package gateway

import (
	"net"
	"slices"
	"sync/atomic"
	"syscall"

	"axion/gateway/routing"
	"axion/gateway/selfaddr"
)

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
	for name, l := range map[string]net.Listener{routing.Web: opts.Web, routing.WebSecure: opts.WebSecure} {
		if l != nil {
			o.add(selfaddr.Of(routing.ListenerPrefix+name, l.Addr()))
		}
	}
	for service, list := range opts.Addresses {
		for _, address := range list {
			if l, ok := o.fixed.Find("tcp", address); ok && l.Name == "dashboard" && service == "axion" {
				continue
			}
			if err := routing.RefuseAddress(o.fixed, service, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// Relocate says where a compose service is that runs in this process or in its place, as
// [Options.Addresses] did at first; an empty list is nowhere, nil where its labels
// say. It is in force shortly after. The error is an address that is the stack's own; then nothing changes.
func (g *Gateway) Relocate(service string, addresses []string) error {
	if own := g.own.now.Load(); own != nil {
		for _, address := range addresses {
			if err := routing.RefuseAddress(*own, service, address); err != nil {
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

// ownOf are the stack's listeners once these entrypoints are in force, in the same order
// each time.
func (g *Gateway) ownOf(entries routing.EntryPoints) selfaddr.Set {
	return routing.OwnListeners(slices.Concat(g.own.fixed, g.entrypoints.Listeners()), entries, g.freePorts)
}
