package routing

import (
	"cmp"
	"fmt"
	"strings"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/rule"
)

// DefaultTLSOptions is the name of the TLS options that hosts have which ask for none.
const DefaultTLSOptions = "default"

// TLSSettings are what handshakes need.
func (t *Table) TLSSettings() cert.Settings {
	s := cert.Settings{TLS: t.Dynamic.TLS, Resolvers: t.Dynamic.Static.CertResolvers, Routers: make([]cert.Router, 0, len(t.Routers))}
	for _, r := range t.Routers {
		if !r.Ready || r.Rule == nil {
			continue
		}
		hosts, _ := r.Rule.Hosts()
		for _, e := range r.EntryPoints {
			if e.TLS != nil {
				s.Routers = append(s.Routers, cert.Router{Name: r.Name, Origin: r.Config.Origin, TLS: e.TLS, Hosts: hosts})
			}
		}
	}
	s.Routers = append(s.Routers, t.tcpCertificates()...)
	s.OptionsFor = func(entrypoint, host string) string { return t.hostOptions[entrypoint].of(host) }
	return s
}

// assignTLSOptions finds out which TLS options each host has.
func (t *Table) assignTLSOptions() {
	for _, r := range t.Routers {
		if !r.Ready || r.Rule == nil {
			continue
		}
		hosts, others := r.Rule.Hosts()
		for _, e := range r.EntryPoints {
			if e.TLS == nil {
				continue
			}
			o := t.hostOptions[e.Name]
			if o == nil {
				o = &hostOptions{named: make(map[string]string)}
				t.hostOptions[e.Name] = o
			}
			o.assign(r, e.TLS, hosts)
			if others && e.TLS.Options != "" && e.TLS.Options != DefaultTLSOptions {
				o.wildcards = append(o.wildcards, wildcardOptions{r.Rule, e.TLS.Options})
				r.warnNoHost(hosts)
			}
		}
	}
	for _, r := range t.Routers {
		for i := range r.EntryPoints {
			r.EntryPoints[i].TLSOptions = t.optionsOf(r, &r.EntryPoints[i])
		}
	}
}

// optionsOf are the TLS options that the handshake must have had for a request that r
// takes: its rule may hold for another host than those that it names. As in Traefik none
// are asked for where the default ones count, since routers of a host differ, and of a
// rule that has nothing about hosts.
func (t *Table) optionsOf(r *Router, e *RouterEntryPoint) string {
	if !r.Ready || r.Rule == nil || e.TLS == nil || e.TLS.Options == "" || e.TLS.Options == DefaultTLSOptions || r.hasNoHost() {
		return ""
	}
	hosts, _ := r.Rule.Hosts()
	for _, h := range hosts {
		if t.hostOptions[e.Name].of(h) != e.TLS.Options {
			return ""
		}
	}
	return e.TLS.Options
}

// hostOptions are the names of the TLS options of an entrypoint's hosts. As in Traefik
// another entrypoint may have others for the same host, and so may TCP routers, which
// choose theirs themselves.
type hostOptions struct {
	named     map[string]string // by host, where a rule spells it out
	wildcards []wildcardOptions // in the order of trial
}

// wildcardOptions is a rule whose hosts are not all spelled out, and its TLS options.
type wildcardOptions struct {
	rule    *rule.Rule
	options string
}

// of are the TLS options of a host: by its name, else by the first rule that asks for
// it with a wildcard or an expression. A nil o has the default ones.
func (o *hostOptions) of(host string) string {
	if o == nil {
		return DefaultTLSOptions
	}
	if name, ok := o.named[host]; ok {
		return name
	}
	for _, at := range o.wildcards {
		if at.rule.AllowsHost(host) {
			return at.options
		}
	}
	return DefaultTLSOptions
}

// assign notes the TLS options of a router's hosts. Where routers of one host differ,
// the default ones count, as in Traefik: a handshake knows the host only.
func (o *hostOptions) assign(r *Router, c *config.RouterTLS, hosts []string) {
	name := cmp.Or(c.Options, DefaultTLSOptions)
	for _, h := range hosts {
		was, ok := o.named[h]
		if o.named[h] = name; ok && was != name {
			o.named[h] = DefaultTLSOptions
			r.warnOnce("tls.options", fmt.Sprintf("routers of the host %q have different TLS options: the default ones count", h),
				"give all of them the same")
		}
	}
}

// hasNoHost reports whether the rule has nothing about hosts.
func (r *Router) hasNoHost() bool { return !strings.Contains(strings.ToLower(r.Config.Rule), "host") }

// warnNoHost reports options that no handshake can know to choose.
func (r *Router) warnNoHost(hosts []string) {
	if len(hosts) == 0 && r.hasNoHost() {
		r.warnOnce("tls.options", "the rule names no host: which TLS options a client gets depends on the host it asks for",
			"add a Host to the rule")
	}
}
