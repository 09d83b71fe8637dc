// Package loopback reports whether a name, an address or a page is of this machine. It
// resolves no names: a page elsewhere can have its own name resolve to 127.0.0.1 (DNS
// rebinding).
package loopback

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Host reports whether a Host header, with or without a port, names this machine: see
// [Name].
func Host(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if Address(host) {
		return true
	}
	return Name(host) && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == "" // a name, and not several
}

// Name reports whether a host name, in lower case and without a port, is this machine's:
// localhost, a name below it, or a loopback address.
func Name(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || Address(name)
}

// Address reports whether an IP address is a loopback address; one that is mapped to IPv6
// is.
func Address(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && addr.Unmap().IsLoopback()
}

// Origin reports whether an Origin header names a page of this machine.
func Origin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && Host(u.Host)
}
