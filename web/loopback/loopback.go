// Package loopback recognizes what is of this machine: what servers that answer browsers
// go by, since a page elsewhere can make a name of its own resolve to 127.0.0.1
// (DNS rebinding).
package loopback

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Host reports whether a Host header, with or without a port, names this machine:
// localhost, a name below it, or a loopback address.
func Host(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Origin reports whether an Origin header names a page of this machine.
func Origin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && Host(u.Host)
}
