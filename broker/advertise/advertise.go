// Package advertise decides which address a client is sent that the broker is at,
// and writes it into the answers that have one.
//
// Apache Kafka gives an address for each listener, which the operator configures.
// Here it is the one that the client's connection came in on, so that one
// listener on 0.0.0.0 serves clients on this machine, in containers and on other
// machines at once.
package advertise

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// localhost is what clients on this machine are sent.
const localhost = "localhost"

// Endpoint is where a client reaches the broker. Host is a name or an IP address,
// an IPv6 one without brackets, with a zone where it has one. The zero value is no
// endpoint.
type Endpoint struct {
	Host string
	Port uint16
}

// String gives "host:port".
func (e Endpoint) String() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// Policy says which endpoint a connection's client is sent. It is safe for
// concurrent use. The zero value sends each the address that it came in on.
type Policy struct {
	bound  []netip.AddrPort
	fixed  Endpoint // Host is empty where there is none
	remote bool     // a listener accepts connections from beyond this machine
}

// New makes the policy of a broker that listens at bound, TCP addresses of which
// there is at least one. fixed is what clients are sent in place of the address
// that they came in on; its port 0 means the port that they came in on, and the
// zero value that there is no such override. It does not count for a listener on
// loopback alone beside one that other machines reach: what is advertised for
// those (a NAT's address) need not lead back here.
func New(bound []net.Addr, fixed Endpoint) Policy {
	p := Policy{fixed: fixed}
	for _, addr := range bound {
		at := addrPort(addr)
		p.bound = append(p.bound, at)
		p.remote = p.remote || IsRemote(addr)
	}
	return p
}

// addrPort is a TCP address, an IPv4 one as such even where it came in on an IPv6
// socket; invalid for other addresses.
func addrPort(addr net.Addr) netip.AddrPort {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// IsRemote reports whether other machines reach a listener at a TCP address.
func IsRemote(addr net.Addr) bool { return !addrPort(addr).Addr().IsLoopback() }

// Local is the endpoint of clients on this machine: that of the first listener.
func (p Policy) Local() Endpoint {
	if len(p.bound) == 0 {
		return Endpoint{}
	}
	at := p.bound[0]
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(loopback4, at.Port())
	}
	return p.endpoint(at, netip.Addr{})
}

// For is the endpoint of a connection with these addresses. One of another network
// than TCP is in this process, where any endpoint leads to the broker.
func (p Policy) For(local, remote net.Addr) Endpoint {
	at := addrPort(local)
	if !at.IsValid() {
		return p.Local()
	}
	return p.endpoint(at, addrPort(remote).Addr())
}

// loopback4 is where the name localhost leads, for every client.
var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func (p Policy) endpoint(at netip.AddrPort, remote netip.Addr) Endpoint {
	ip, port := at.Addr(), at.Port()
	if p.fixed.Host != "" && (!p.remote || p.acceptsRemote(at)) {
		if p.fixed.Port != 0 {
			port = p.fixed.Port
		}
		return Endpoint{p.fixed.Host, port}
	}
	switch {
	case ip.IsLoopback() && p.accepts(netip.AddrPortFrom(loopback4, port)):
		return Endpoint{localhost, port}
	case ip.Zone() != "":
		ip = p.withoutZone(at, remote)
	}
	return Endpoint{ip.String(), port}
}

// accepts reports whether a listener takes connections to an address.
func (p Policy) accepts(at netip.AddrPort) bool {
	return slices.ContainsFunc(p.bound, func(b netip.AddrPort) bool {
		return b.Port() == at.Port() && (b.Addr().IsUnspecified() || b.Addr() == at.Addr())
	})
}

// acceptsRemote reports whether the listener that takes connections to an address
// of this machine takes some from beyond it.
func (p Policy) acceptsRemote(at netip.AddrPort) bool {
	return !at.Addr().IsLoopback() || p.accepts(netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port()))
}
