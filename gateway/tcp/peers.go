package tcp

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"

	"axion/gateway/config"
)

// maxHeader is the buffer for a header of the PROXY protocol. Longer ones, of
// version 2, are read in parts.
const maxHeader = 256

// Peers are those in front of an entrypoint whose word on the client's address is
// believed.
type Peers struct {
	all    bool
	ranges []netip.Prefix
}

// NewPeers reads whom an entrypoint trusts. Nil means that it does not speak the
// PROXY protocol, and gives nil.
func NewPeers(c *config.TrustedPeers) (*Peers, error) {
	if c == nil {
		return nil, nil
	}
	ranges, err := parseRanges("proxyprotocol.trustedips", c.TrustedIPs)
	if err != nil {
		return nil, err
	}
	return &Peers{all: c.Insecure, ranges: ranges}, nil
}

func (p *Peers) trust(peer netip.Addr) bool {
	return p.all || slices.ContainsFunc(p.ranges, func(r netip.Prefix) bool { return r.Contains(peer) })
}

// readProxyHeader reads the header of the PROXY protocol, which clients may leave out. As in
// Traefik that of a peer who is not trusted is read, and not believed.
func (p *Peers) readProxyHeader(c *conn, patience time.Duration) error {
	_ = c.Conn.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReaderSize(c.Conn, maxHeader)
	header, err := proxyproto.Read(r)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && r.Buffered() == 0 {
		err = nil // a client that waits for the server to speak
	}
	if err != nil && !errors.Is(err, proxyproto.ErrNoProxyProtocol) {
		return err
	}
	_ = c.Conn.SetReadDeadline(time.Time{})
	if n := r.Buffered(); n > 0 {
		first, err := r.Peek(n)
		if err != nil {
			return err
		}
		c.first = slices.Clone(first)
	}
	if header == nil || !p.trust(addressOf(c.Conn.RemoteAddr())) {
		return nil
	}
	if from, to, ok := header.TCPAddrs(); ok && header.Command.IsProxy() {
		c.remote, c.local = from, to
	}
	return nil
}
