package rule

import (
	"net/netip"
	"slices"
)

// TCPMeta is what is known of a connection before it is routed.
type TCPMeta struct {
	// ServerName is the one that a TLS client asks for (RFC 6066, section 3), in
	// lower case; empty where it asks for none, or does not speak TLS.
	ServerName string
	// ClientIP is the peer's address. No ClientIP matcher accepts an invalid one.
	ClientIP netip.Addr
	// ALPN lists the protocols that a TLS client offers (RFC 7301).
	ALPN []string
}

// TCPRule is a parsed rule of a TCP router. It is immutable and safe for
// concurrent use.
type TCPRule struct {
	source string
	root   node
	test   tcpNode
	doubts []Doubt
}

// ParseTCP reads a rule of HostSNI, HostSNIRegexp, ClientIP and ALPN. The error is
// an [*Error], as that of [Parse] is.
func ParseTCP(s string) (*TCPRule, error) {
	root, doubts, err := tcpRules().parse(s)
	if err != nil {
		return nil, err
	}
	return &TCPRule{source: s, root: root, test: newTCPNode(root), doubts: doubts}, nil
}

// Match reports whether the rule accepts a connection.
func (r *TCPRule) Match(m *TCPMeta) bool { return r.test.match(m) }

// String is the rule as it was written.
func (r *TCPRule) String() string { return r.source }

// CatchAll reports whether the rule is HostSNI(`*`) and nothing else. Such a rule
// is tried after all others, unless it has a priority, and leaves a TLS connection
// to HTTPS routers that would take it.
func (r *TCPRule) CatchAll() bool {
	l, ok := r.root.(leaf)
	if !ok || l.negated {
		return false
	}
	_, any := l.matcher.(anyHost)
	return any
}

// Priority is the one that a router has which is given none: the rule's length in
// bytes, or -1 for a catch-all.
func (r *TCPRule) Priority() int {
	if r.CatchAll() {
		return -1
	}
	return len(r.source)
}

// Hosts lists, sorted and in lower case, the server names that are spelled out in
// the rule and can match. all says that others can match as well.
func (r *TCPRule) Hosts() (hosts []string, all bool) {
	return (&Rule{root: r.root}).Hosts()
}

// AsksForName reports whether the rule depends on what only TLS says: a server
// name other than `*`, or ALPN. A router without TLS cannot have such a rule.
func (r *TCPRule) AsksForName() bool { return asksForName(r.root) }

func asksForName(n node) bool {
	switch n := n.(type) {
	case all:
		return slices.ContainsFunc(n, asksForName)
	case anyOf:
		return slices.ContainsFunc(n, asksForName)
	}
	switch n.(leaf).matcher.(type) {
	case clientIP, anyHost:
		return false
	}
	return true
}
