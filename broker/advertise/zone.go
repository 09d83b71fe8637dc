package advertise

import (
	"net"
	"net/netip"
)

// withoutZone finds what to send a client that came in on a link-local address. Its
// zone names an interface of this machine, and means nothing on another one: there
// the client is sent another address of the same interface, IPv4 first, which each
// machine on the link is most likely to have a way to. Where the interface has none
// that the broker listens on, the address stays as it is, which serves clients that
// call their interface the same.
func (p Policy) withoutZone(at netip.AddrPort, remote netip.Addr) netip.Addr {
	ip := at.Addr()
	if remote == ip {
		return ip // a client on this machine
	}
	link, err := net.InterfaceByName(ip.Zone())
	if err != nil {
		return ip
	}
	addrs, err := link.Addrs()
	if err != nil {
		return ip
	}
	return p.reachable(at, remote, addrs)
}

// reachable picks from an interface's addresses.
func (p Policy) reachable(at netip.AddrPort, remote netip.Addr, addrs []net.Addr) netip.Addr {
	best := at.Addr()
	for _, addr := range addrs {
		prefix, err := netip.ParsePrefix(addr.String())
		if err != nil {
			continue
		}
		other := prefix.Addr().Unmap()
		if other == remote.WithZone("") {
			return at.Addr() // a client on this machine, from another of its addresses
		}
		if other.IsLinkLocalUnicast() || !p.accepts(netip.AddrPortFrom(other, at.Port())) {
			continue
		}
		if best == at.Addr() || other.Is4() && !best.Is4() {
			best = other
		}
	}
	return best
}
