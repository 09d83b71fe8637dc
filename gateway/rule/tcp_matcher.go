package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// acmeTLS is the protocol of ACME's challenges (RFC 8737), which are answered
// before any router is asked.
const acmeTLS = "acme-tls/1"

// tcpRules is the language of TCP routers.
func tcpRules() language {
	return language{example: "HostSNI(`db.localhost`)", foreign: notTCP, specs: []spec{
		{"HostSNI", 1, 1, newHostSNI},
		{"HostSNIRegexp", 1, 1, newHostRegexp},
		{"ClientIP", 1, 1, newClientIP},
		{"ALPN", 1, 1, newALPN},
	}}
}

// notTCP explains the matchers of HTTP rules.
func notTCP(name string) (why, hint string) {
	for _, s := range httpRules().specs {
		if strings.ToLower(s.name) != name {
			continue
		}
		switch hint = "TCP routers see the connection only: HostSNI, HostSNIRegexp, ClientIP and ALPN"; name {
		case "host":
			hint = "write HostSNI"
		case "hostregexp":
			hint = "write HostSNIRegexp"
		}
		return " of TCP: it is HTTP's", hint
	}
	return "", ""
}

// newHostSNI is Host for server names, which people may write as they read them:
// clients send them in punycode.
func newHostSNI(args []string) (matcher, error) {
	name := args[0]
	if ascii(name) != nil {
		if punycode, err := idna.Lookup.ToASCII(name); err == nil {
			name = punycode
		}
	}
	m, err := newHost([]string{name})
	if e, ok := errors.AsType[*Error](err); ok {
		e.hint = strings.ReplaceAll(e.hint, "HostRegexp", "HostSNIRegexp")
	}
	return m, err
}

// alpn is a protocol that the client offers.
type alpn string

func newALPN(args []string) (matcher, error) {
	if args[0] == acmeTLS {
		return nil, &Error{Message: fmt.Sprintf("the protocol %q is the gateway's own", acmeTLS),
			hint: "ACME challenges are answered before any router is asked"}
	}
	return alpn(args[0]), nil
}

// match is of no use: there is no such matcher in HTTP rules.
func (alpn) match(*Request) bool { return false }

// tcpNode is a part of a TCP rule.
type tcpNode interface {
	match(*TCPMeta) bool
}

func newTCPNode(n node) tcpNode {
	switch n := n.(type) {
	case all:
		return tcpAll(newTCPNodes(n))
	case anyOf:
		return tcpAny(newTCPNodes(n))
	}
	l := n.(leaf)
	return tcpLeaf{l.matcher, l.negated}
}

func newTCPNodes(nodes []node) []tcpNode {
	list := make([]tcpNode, len(nodes))
	for i, n := range nodes {
		list[i] = newTCPNode(n)
	}
	return list
}

type tcpAll []tcpNode

func (a tcpAll) match(m *TCPMeta) bool {
	return !slices.ContainsFunc(a, func(n tcpNode) bool { return !n.match(m) })
}

type tcpAny []tcpNode

func (a tcpAny) match(m *TCPMeta) bool {
	return slices.ContainsFunc(a, func(n tcpNode) bool { return n.match(m) })
}

// tcpLeaf is a matcher, negated or not.
type tcpLeaf struct {
	matcher matcher
	negated bool
}

func (l tcpLeaf) match(m *TCPMeta) bool { return l.accepts(m) != l.negated }

func (l tcpLeaf) accepts(m *TCPMeta) bool {
	switch t := l.matcher.(type) {
	case hostMatcher:
		return t.matchHost(m.ServerName)
	case clientIP:
		return t.Contains(m.ClientIP)
	case alpn:
		return slices.Contains(m.ALPN, string(t))
	}
	return false
}
