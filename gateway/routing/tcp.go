package routing

import (
	"fmt"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/rule"
	"axion/gateway/tcp"
)

// layer4Builder makes the tables of raw connections and of datagrams.
type layer4Builder struct{ *state }

// buildTCP builds the routers of raw connections.
func (b layer4Builder) buildTCP() {
	opts := tcp.Options{EntryPoints: make(map[string]string), Old: b.lasting().TCP, Log: b.deps.Log,
		Refuse:     func(c *config.TCPService, address string) error { return b.refuse(c.Origin, "tcp", address) },
		Control:    b.deps.Control,
		Begin:      b.deps.Begin,
		TLSOptions: func(name string) bool { return name == DefaultTLSOptions || b.Dynamic.TLS.Options[name] != nil }}
	for name, e := range b.EntryPoints {
		if !e.UDP {
			opts.EntryPoints[name] = e.Name
		}
	}
	for _, e := range b.EntryPoints.Defaults() {
		opts.Defaults = append(opts.Defaults, e.Name)
	}
	b.TCP = tcp.Build(&b.Dynamic.TCP, opts)
	for _, r := range b.tcpCertificates() {
		if parsed, err := rule.ParseTCP(b.Dynamic.TCP.Routers[r.Name].Rule); err == nil {
			b.tcpRules = append(b.tcpRules, parsed)
		}
	}
}

// lasting is the table whose services for raw connections and datagrams go on: none of what
// is only looked at.
func (b layer4Builder) lasting() *Table {
	if b.dry {
		return &Table{}
	}
	return b.old
}

// tcpProblems are those of the routers of raw connections, with their places.
func tcpProblems(t *Table) []config.Problem {
	var list []config.Problem
	for _, f := range t.TCP.Findings() {
		r := t.Dynamic.TCP.Routers[f.Router]
		if r == nil {
			continue
		}
		list = append(list, t.Dynamic.Problem(f.Severity, r.Origin, "tcp.routers."+config.BareName(f.Router)+"."+f.Field, f.Message, f.Hint))
	}
	return list
}

// tcpUnreached reports TCP routers with TLS whose hosts HTTPS routers take before them,
// as in Traefik.
func tcpUnreached(t *Table) []config.Problem {
	var list []config.Problem
	for _, r := range t.TCP.Routes() {
		if !r.Enabled || r.Config.TLS == nil {
			continue
		}
		for _, e := range r.EntryPoints {
			for _, host := range r.Hosts {
				if !t.Index(e, true).hasHost(host) {
					continue
				}
				label := "traefik.tcp.routers." + config.BareName(r.Name) + ".rule"
				p := config.Problem{Severity: config.Warning, Service: r.Config.Origin.Service, Label: label,
					Message: fmt.Sprintf("on entrypoint %s an HTTPS router takes the connections for %q", e, host),
					Fix:     "give one of them another host or another entrypoint"}
				p.File, p.Line = t.Dynamic.Locate(p.Label, r.Config.Origin)
				list = append(list, p)
			}
		}
	}
	return list
}

// tcpCertificates are asked for the hosts of TCP routers that end TLS here.
func (t *Table) tcpCertificates() []cert.Router {
	var list []cert.Router
	for _, r := range t.TCP.Routes() {
		if r.Enabled && r.Config.TLS != nil && !r.Config.TLS.Passthrough {
			list = append(list, cert.Router{Name: r.Name, Origin: r.Config.Origin, TLS: r.Config.TLS, Hosts: r.Hosts})
		}
	}
	return list
}

// tcpHasHost reports whether a TCP router that ends TLS here asks for host: by name,
// wildcard or expression.
func (t *Table) tcpHasHost(host string) bool {
	for _, r := range t.tcpRules {
		if r.AsksForName() && r.Match(&rule.TCPMeta{ServerName: host}) {
			return true
		}
	}
	return false
}
