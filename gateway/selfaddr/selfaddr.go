// Package selfaddr says whether an address is one at which this process listens
// itself: a proxy that connects there serves its own requests without end, or hands
// out what is meant for this machine's user alone.
package selfaddr

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"axion/gateway/dockerhost"
)

// ErrOwn says that a connection would lead back to this process.
var ErrOwn = errors.New("the address is one of this process's own")

// Listener is where this process listens.
type Listener struct {
	Name    string // as users know it
	Network string // tcp or udp
	Addr    netip.AddrPort
	// Dialed says that the process connects there itself, by its address: such
	// connections are none of those that [Set.Control] refuses.
	Dialed bool
}

// Of is a listener at a net.Addr. False means that it has no IP address and port.
func Of(name string, addr net.Addr) (Listener, bool) {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return Listener{Name: name, Network: "tcp", Addr: unmap(a.AddrPort())}, true
	case *net.UDPAddr:
		return Listener{Name: name, Network: "udp", Addr: unmap(a.AddrPort())}, true
	}
	return Listener{}, false
}

// Set are listeners. It does not change once made; the zero value is empty.
type Set []Listener

// Find gives the listener that "host:port" leads to, by what the host is written
// as: an address in any form, a name of this machine, or one below localhost. Other
// names are not resolved.
func (s Set) Find(network, hostport string) (Listener, bool) {
	host, text, err := net.SplitHostPort(hostport)
	if err != nil {
		return Listener{}, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return Listener{}, false
	}
	if !slices.ContainsFunc(s, func(l Listener) bool { return l.Network == network && l.Addr.Port() == uint16(port) }) {
		return Listener{}, false // as nearly all
	}
	ip, ours := parse(host)
	if !ours && !ip.IsValid() {
		return Listener{}, false
	}
	return s.find(network, netip.AddrPortFrom(ip, uint16(port)))
}

// Control is a [net.Dialer]'s: it refuses connections to listeners that the process
// does not dial itself, whatever name led there.
func (s Set) Control(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil
	}
	if l, ok := s.find(strings.TrimRight(network, "46"), unmap(at)); ok && !l.Dialed {
		return ErrOwn
	}
	return nil
}

func (s Set) find(network string, at netip.AddrPort) (Listener, bool) {
	for _, l := range s {
		if l.Network == network && l.Addr.Port() == at.Port() && reaches(at.Addr(), l.Addr.Addr()) {
			return l, true
		}
	}
	return Listener{}, false
}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// reaches reports whether a connection to an address comes to a listener at
// another. An invalid one is a name of this machine, of unknown address.
func reaches(to, at netip.Addr) bool {
	if at.IsUnspecified() {
		return !to.IsValid() || to.IsLoopback() || to.IsUnspecified() || isOurs(to)
	}
	if at == loopback4 || at == loopback6 { // both are opened as one
		return to == loopback4 || to == loopback6 || to.IsValid() && to.IsUnspecified()
	}
	return to == at
}

// isOurs reports whether one of this machine's interfaces has the address.
func isOurs(ip netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().Unmap() == ip
	})
}

// parse reads a host: an address, or ours for a name of this machine, with its
// address where that is known.
func parse(host string) (ip netip.Addr, ours bool) {
	host, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), "%")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), false
	}
	switch {
	case host == "":
		return netip.IPv4Unspecified(), false
	case host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "localhost.localdomain" || strings.HasPrefix(host, "ip6-l"):
		return loopback4, true
	case dockerhost.Is(host) || host == "host.containers.internal":
		return loopback4, true
	}
	if ip, ok := numbers(host); ok {
		return ip, false
	}
	name, err := os.Hostname()
	name = strings.ToLower(name)
	return netip.Addr{}, err == nil && name != "" && (host == name || host == name+".local")
}

// numbers reads what inet_aton takes for an address beside four decimal numbers:
// 127.1, 2130706433, 0x7f.0.0.1. Resolvers of some systems do too.
func numbers(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(octal(part), 0, 32)
		if err != nil || strings.ContainsRune(part, '_') {
			return netip.Addr{}, false
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		value = value<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

// octal keeps Go's own forms of numbers, such as 0b1 and 0o7, out.
func octal(part string) string {
	if len(part) > 1 && part[0] == '0' && strings.IndexByte("bo", part[1]) >= 0 {
		return ""
	}
	return part
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Parse is a TCP listener at "host:port", or at a URL that says both. False means
// that the text says neither, or a host by a name that is not this machine's.
func Parse(name, text string) (Listener, bool) {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text, _, _ = strings.Cut(rest, "/")
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return Listener{}, false
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	ip, _ := parse(host)
	if err != nil || !ip.IsValid() {
		return Listener{}, false
	}
	return Listener{Name: name, Network: "tcp", Addr: netip.AddrPortFrom(ip, uint16(port))}, true
}
