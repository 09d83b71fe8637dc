package gateway

import (
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"

	"axion/gateway/config"
	"axion/gateway/entrypoint"
	"axion/gateway/listen/peer"
	"axion/gateway/routing"
	"axion/gateway/selfaddr"
)

// ownListeners are where the stack listens: no router of the user's may lead back there.
type ownListeners struct {
	freePorts   bool // entrypoints listen on other ports than the configuration's
	guard       *peer.Guard
	entrypoints *entrypoint.Set     // nil until they are there
	private     selfaddr.Set        // all but entrypoints
	added       atomic.Bool         // one was added since
	fixed       selfaddr.Set        // those that stay: private, and the standing entrypoints
	addresses   map[string][]string // of compose services that are the stack's own
	now         atomic.Pointer[selfaddr.Set]
	fragments   string                       // the directory of the projects' compose files
	ports       atomic.Pointer[map[int]bool] // ports, see [ownListeners.serverPorts]
}

// read copies the options. An address of a service is none of the stack's listeners,
// but for the dashboard's own.
func (o *ownListeners) read(opts Options) error {
	o.addresses, o.fragments, o.guard, o.freePorts = opts.Addresses, opts.FragmentDir, opts.Guard, opts.FreePorts
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

// refuse says which of the addresses of a service is the stack's own.
func (o *ownListeners) refuse(service string, addresses []string) error {
	own := o.now.Load()
	if own == nil {
		return nil
	}
	for _, address := range addresses {
		if err := routing.RefuseAddress(*own, service, address); err != nil {
			return err
		}
	}
	return nil
}

func (o *ownListeners) add(l selfaddr.Listener, ok bool) {
	if !ok {
		return
	}
	for _, list := range o.addresses {
		l.Dialed = l.Dialed || slices.Contains(list, l.Addr.String())
	}
	o.fixed = append(o.fixed, l)
}

// control refuses connections back to the stack, whatever name led there.
func (o *ownListeners) control(network, address string, c syscall.RawConn) error {
	if now := o.now.Load(); now != nil {
		return now.Control(network, address, c)
	}
	return nil
}

// with are the stack's listeners once these entrypoints are in force, in the same order
// each time.
func (o *ownListeners) with(entries routing.EntryPoints) selfaddr.Set {
	return routing.OwnListeners(slices.Concat(o.fixed, o.entrypoints.Listeners()), entries, o.freePorts)
}

// serverPorts are the ports of this machine's servers that stand for the stack's own:
// the builtins, what takes their place, and the projects that it deployed. They are sent
// the stack's tokens, so that no other user may serve them. A server of the user's own
// is not among them.
func (o *ownListeners) serverPorts(d *config.Dynamic) map[int]bool {
	ports := map[int]bool{}
	for _, s := range d.Services {
		if s.LoadBalancer == nil || !o.standsFor(s.Origin) {
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

// standsFor reports whether a service stands for one of the stack's own.
func (o *ownListeners) standsFor(at config.Origin) bool {
	_, ours := o.addresses[at.Service]
	return ours || at.Layer == 0 || o.fragments != "" && filepath.Dir(at.File) == o.fragments
}

// checkServer refuses a connection to a server that stands for one of the stack's own and is
// another user's of this machine.
func (o *ownListeners) checkServer(c net.Conn) error {
	at, ok := c.RemoteAddr().(*net.TCPAddr)
	ports := o.ports.Load()
	if !ok || ports == nil || !(*ports)[at.Port] {
		return nil
	}
	err := o.guard.CheckServer(c)
	if err != nil {
		o.guard.LogRefusal(err, at.String())
	}
	return err
}
