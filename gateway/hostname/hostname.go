// Package hostname reads hosts: of Host headers and :authority fields, of server
// names in TLS handshakes, and of rules. It is the only place that does, so that the
// host whose TLS options a client met is the host whose router it reaches.
package hostname

import (
	"errors"
	"net/netip"
	"strings"
)

// Errors of [Split], [Parse] and [Name]. They do not repeat what was read, so that
// they may be shown to whoever sent it.
var (
	ErrBracket   = errors.New("the host's brackets do not enclose an IPv6 address")
	ErrAfter     = errors.New("text follows the host's closing bracket")
	ErrPort      = errors.New("the host's port is not a number")
	ErrCharacter = errors.New("the host has a character that no host has")
	ErrLabel     = errors.New("the host has an empty label")
)

// Parse reads an authority without user information (RFC 3986, section 3.2): a host,
// and maybe a port, which is empty where there is none. The name is as [Name] gives
// it; an empty authority is the empty name.
func Parse(authority string) (name, port string, err error) {
	host, port, err := Split(authority)
	if err != nil {
		return "", "", err
	}
	name, err = Name(host)
	return name, port, err
}

// Split parts an authority into its host as written, without brackets, and its port.
// Text after a closing bracket that is no port is an error. An IPv6 address without
// brackets is a host without a port.
func Split(authority string) (host, port string, err error) {
	if strings.HasPrefix(authority, "[") {
		inner, rest, ok := strings.Cut(authority[1:], "]")
		if !ok || !isIPv6(inner) {
			return "", "", ErrBracket
		}
		after, ok := strings.CutPrefix(rest, ":")
		if rest != "" && !ok {
			return "", "", ErrAfter
		}
		return inner, after, digits(after)
	}
	i := strings.IndexByte(authority, ':')
	if i < 0 || isIPv6(authority) {
		return authority, "", nil
	}
	host, port = authority[:i], authority[i+1:]
	return host, port, digits(port)
}

// Name brings a host without a port into the form in which hosts are compared: in
// lower case, without brackets or a trailing dot; of an IPv6 address the shortest
// spelling (RFC 5952) without a zone, which means something to the client alone. An
// international name has to be in punycode. Name of a name is the name itself.
func Name(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok || !isIPv6(inner) {
			return "", ErrBracket
		}
		host = inner
	}
	if strings.IndexByte(host, ':') >= 0 {
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return "", ErrCharacter
		}
		return addr.WithZone("").String(), nil
	}
	host = strings.TrimSuffix(host, ".")
	dot, upper := true, false
	for i := range len(host) {
		c := host[i]
		switch {
		case c == '.' && dot:
			return "", ErrLabel
		case !allowed[c]:
			return "", ErrCharacter
		}
		dot, upper = c == '.', upper || 'A' <= c && c <= 'Z'
	}
	if dot && host != "" {
		return "", ErrLabel
	}
	if upper {
		host = strings.ToLower(host)
	}
	return host, nil
}

// Join puts a port to a host, and an IPv6 address into brackets. An empty port leaves
// none.
func Join(host, port string) string {
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

func isIPv6(host string) bool {
	if strings.IndexByte(host, ':') < 0 {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is6()
}

func digits(port string) error {
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return ErrPort
		}
	}
	return nil
}

// allowed are the bytes of a registered name (RFC 3986, section 3.2.2), the percent
// sign included: an escape stays as it is, and so names no other host.
var allowed = func() (set [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=") {
		set[c] = true
	}
	return set
}()
