package middleware

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
)

// ranges are addresses, by range.
type ranges []netip.Prefix

// parseRanges reads addresses and ranges such as 10.0.0.0/8. The error names the
// setting.
func parseRanges(setting string, list []string) (ranges, error) {
	var out ranges
	for _, text := range list {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil {
			addr = addr.Unmap()
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither an IP address nor a range such as 10.0.0.0/8", setting, text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (r ranges) contain(addr netip.Addr) bool {
	for _, p := range r {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// exclusive refuses a criterion that says in two ways what a client is, as Traefik does.
func exclusive(c *config.SourceCriterion) error {
	if c == nil {
		return nil
	}
	var given []string
	if c.IPStrategy != nil {
		given = append(given, "ipstrategy")
	}
	if c.RequestHeaderName != "" {
		given = append(given, "requestheadername")
	}
	if c.RequestHost {
		given = append(given, "requesthost")
	}
	if len(given) > 1 {
		return fmt.Errorf("sourcecriterion.%s: %s exclude each other", given[1], strings.Join(given, " and "))
	}
	return nil
}

// addressOf finds a client's address as a strategy says.
type addressOf struct {
	depth    int
	excluded ranges
	subnet   int // bits of an IPv6 address that count; 0 means all
}

func newAddressOf(c *config.IPStrategy) (addressOf, error) {
	if c == nil {
		return addressOf{}, nil
	}
	if c.Depth < 0 {
		return addressOf{}, fmt.Errorf("ipstrategy.depth %d is negative", c.Depth)
	}
	a := addressOf{depth: c.Depth}
	if c.IPv6Subnet != nil {
		if a.subnet = *c.IPv6Subnet; a.subnet < 1 || a.subnet > 128 {
			return addressOf{}, fmt.Errorf("ipstrategy.ipv6subnet %d is not from 1 to 128", a.subnet)
		}
	}
	var err error
	a.excluded, err = parseRanges("ipstrategy.excludedips", c.ExcludedIPs)
	return a, err
}

// of is the client's address as text: the connection's, or the one at depth from the
// right of X-Forwarded-For, or the last there that is not excluded. It is empty where
// there is none.
func (a addressOf) of(r *http.Request) string {
	if a.depth == 0 && len(a.excluded) == 0 {
		return a.group(peer(r))
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	if a.depth > 0 {
		if len(hops) < a.depth {
			return ""
		}
		return a.group(strings.TrimSpace(hops[len(hops)-a.depth]))
	}
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if hop == "" {
			continue
		}
		// What is no address is nobody's: what stands before it came from there.
		if addr, err := netip.ParseAddr(hop); err != nil || !a.excluded.contain(addr.Unmap().WithZone("")) {
			return a.group(hop)
		}
	}
	return ""
}

// group makes the addresses of one IPv6 subnet one client.
func (a addressOf) group(text string) string {
	if a.subnet == 0 {
		return text
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Unmap().Is6() {
		return text
	}
	if p, err := addr.WithZone("").Prefix(a.subnet); err == nil {
		return p.Addr().String()
	}
	return text
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// keyOf says what makes two requests come from one client; without a criterion it is
// as usual says.
func keyOf(c *config.SourceCriterion, usual func(*http.Request) string) (func(*http.Request) string, error) {
	if err := exclusive(c); err != nil {
		return nil, err
	}
	switch {
	case c == nil || c.IPStrategy == nil && c.RequestHeaderName == "" && !c.RequestHost:
		return usual, nil
	case c.IPStrategy != nil && (c.RequestHeaderName != "" || c.RequestHost), c.RequestHeaderName != "" && c.RequestHost:
		return nil, errors.New("sourcecriterion: ipstrategy, requestheadername and requesthost exclude each other: keep one of them")
	case c.RequestHeaderName != "":
		return func(r *http.Request) string { return r.Header.Get(c.RequestHeaderName) }, nil
	case c.RequestHost:
		return requestHost, nil
	}
	a, err := newAddressOf(c.IPStrategy)
	return a.of, err
}

// requestHost is the same however a client spells the host, and with any port, so that
// no spelling has a limit of its own.
func requestHost(r *http.Request) string {
	if name, _, err := hostname.Parse(r.Host); err == nil {
		return name
	}
	return r.Host
}
