package gateway

import (
	"cmp"
	"fmt"
	"strings"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/rule"
)

// defaultOptions is the name of the TLS options that hosts have which ask for none.
const defaultOptions = "default"

// secure tells the authority what handshakes need under t, and notes what it finds
// wrong.
func (g *Gateway) secure(t *table) {
	t.problems = append(t.problems, g.cert.Apply(t.tlsSettings())...)
}

// tlsSettings are what handshakes need.
func (t *table) tlsSettings() cert.Settings {
	s := cert.Settings{TLS: t.dynamic.TLS, Resolvers: t.dynamic.Static.CertResolvers, Routers: make([]cert.Router, 0, len(t.routes))}
	for _, r := range t.routes {
		if !r.ready || r.rule == nil {
			continue
		}
		hosts, _ := r.rule.Hosts()
		for _, e := range r.entries {
			if e.tls != nil {
				s.Routers = append(s.Routers, cert.Router{Name: r.name, Origin: r.config.Origin, TLS: e.tls, Hosts: hosts})
			}
		}
	}
	s.Routers = append(s.Routers, t.tcpCertificates()...)
	s.OptionsFor = func(entrypoint, host string) string { return t.options[entrypoint].of(host) }
	return s
}

// chooseOptions finds out which TLS options each host has.
func (t *table) chooseOptions() {
	for _, r := range t.routes {
		if !r.ready || r.rule == nil {
			continue
		}
		hosts, others := r.rule.Hosts()
		for _, e := range r.entries {
			if e.tls == nil {
				continue
			}
			o := t.options[e.name]
			if o == nil {
				o = &hostOptions{named: make(map[string]string)}
				t.options[e.name] = o
			}
			o.choose(r, e.tls, hosts)
			if others && e.tls.Options != "" && e.tls.Options != defaultOptions {
				o.open = append(o.open, openHost{r.rule, e.tls.Options})
				r.warnNameless(hosts)
			}
		}
	}
	for _, r := range t.routes {
		for i := range r.entries {
			r.entries[i].options = t.optionsOf(r, &r.entries[i])
		}
	}
}

// optionsOf are the TLS options that the handshake must have had for a request that r
// takes: its rule may hold for another host than those that it names. As in Traefik none
// are asked for where the default ones count, since routers of a host differ, and of a
// rule that has nothing about hosts.
func (t *table) optionsOf(r *route, e *entry) string {
	if !r.ready || r.rule == nil || e.tls == nil || e.tls.Options == "" || e.tls.Options == defaultOptions || r.isNameless() {
		return ""
	}
	hosts, _ := r.rule.Hosts()
	for _, h := range hosts {
		if t.options[e.name].of(h) != e.tls.Options {
			return ""
		}
	}
	return e.tls.Options
}

// hostOptions are the names of the TLS options of an entrypoint's hosts. As in Traefik
// another entrypoint may have others for the same host, and so may TCP routers, which
// choose theirs themselves.
type hostOptions struct {
	named map[string]string // by host, where a rule spells it out
	open  []openHost        // in the order of trial
}

// openHost is a rule whose hosts are not all spelled out, and its TLS options.
type openHost struct {
	rule    *rule.Rule
	options string
}

// of are the TLS options of a host: by its name, else by the first rule that asks for
// it with a wildcard or an expression. A nil o has the default ones.
func (o *hostOptions) of(host string) string {
	if o == nil {
		return defaultOptions
	}
	if name, ok := o.named[host]; ok {
		return name
	}
	for _, at := range o.open {
		if at.rule.AllowsHost(host) {
			return at.options
		}
	}
	return defaultOptions
}

// choose notes the TLS options of a router's hosts. Where routers of one host differ,
// the default ones count, as in Traefik: a handshake knows the host only.
func (o *hostOptions) choose(r *route, c *config.RouterTLS, hosts []string) {
	name := cmp.Or(c.Options, defaultOptions)
	for _, h := range hosts {
		was, ok := o.named[h]
		if o.named[h] = name; ok && was != name {
			o.named[h] = defaultOptions
			r.warnOnce("tls.options", fmt.Sprintf("routers of the host %q have different TLS options: the default ones count", h),
				"give all of them the same")
		}
	}
}

// isNameless reports whether the rule has nothing about hosts.
func (r *route) isNameless() bool { return !strings.Contains(strings.ToLower(r.config.Rule), "host") }

// warnNameless tells of options that no handshake can know to choose.
func (r *route) warnNameless(hosts []string) {
	if len(hosts) == 0 && r.isNameless() {
		r.warnOnce("tls.options", "the rule names no host: which TLS options a client gets depends on the host it asks for",
			"add a Host to the rule")
	}
}
