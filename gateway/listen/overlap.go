package listen

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// flagError is a flag that cannot be followed, and what to do about it.
type flagError struct{ text, fix string }

func (e *flagError) Error() string { return e.text }

// Hint is the hint shown with the error.
func (e *flagError) Hint() string { return e.fix }

// Overlap says that two flags ask for the same port of the same address. Some
// systems would open it twice, and give connections to either.
type Overlap struct {
	Addr         string // as the second flag gives it
	Flag, Taken  string // the first flag, without hyphens, and its address
	sameFlag     bool
	takesAll     bool // the second is on every address of this machine
	takenTakesIt bool // the first is
}

// Error gives "127.0.0.1:9092 overlaps --kafka 0.0.0.0:9092".
func (e *Overlap) Error() string {
	if e.Addr == e.Taken && e.sameFlag {
		return e.Addr + " is given twice"
	}
	return fmt.Sprintf("%s overlaps --%s %s", e.Addr, e.Flag, e.Taken)
}

// Hint is the hint shown with the error.
func (e *Overlap) Hint() string {
	switch {
	case !e.sameFlag:
		return "give them different ports"
	case e.takenTakesIt:
		return fmt.Sprintf("leave %s out, since %s is every address of this machine; or give them different ports", e.Addr, e.Taken)
	case e.takesAll:
		return fmt.Sprintf("leave %s out, since %s is every address of this machine; or give them different ports", e.Taken, e.Addr)
	}
	return "leave one of them out, or give them different ports"
}

// opened is a listener that a flag has opened.
type opened struct {
	flag, addr string
	hosts      []netip.Addr
	port       int
}

// note keeps what a flag has opened.
func (l *Listeners) note(flag, addr string, listener net.Listener) {
	host, _, _ := split(addr) // it was listened to
	port := Port(listener)
	l.opened = append(l.opened, opened{flag, addr, hosts(host), port})
	if flag == "kafka" {
		l.KafkaAddrs = append(l.KafkaAddrs, net.JoinHostPort(cmp.Or(host, "localhost"), strconv.Itoa(port)))
	}
}

// overlap refuses an address that another flag has taken.
func (l *Listeners) overlap(flag, addr string) error {
	host, port, err := split(addr)
	if err != nil || port == 0 {
		return nil // Listen reports it
	}
	all := hosts(host)
	for _, o := range l.opened {
		if o.port == port && slices.ContainsFunc(all, func(a netip.Addr) bool { return slices.ContainsFunc(o.hosts, meets(a)) }) {
			return &Overlap{Addr: addr, Flag: o.flag, Taken: o.addr, sameFlag: o.flag == flag,
				takesAll: slices.ContainsFunc(all, netip.Addr.IsUnspecified), takenTakesIt: slices.ContainsFunc(o.hosts, netip.Addr.IsUnspecified)}
		}
	}
	return nil
}

// meets reports whether two addresses are the same or one is every address, which
// is so for IPv4 and IPv6 alike: Go listens on both.
func meets(a netip.Addr) func(netip.Addr) bool {
	return func(b netip.Addr) bool { return a == b || a.IsUnspecified() || b.IsUnspecified() }
}

// hosts are the addresses that [Listen] opens for a host; none where it cannot be
// resolved.
func hosts(host string) []netip.Addr {
	if host == "" || host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil
	}
	ip := addr.AddrPort().Addr().Unmap()
	return []netip.Addr{ip}
}
