package gateway

import (
	"fmt"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// defaultOptions is the name of the TLS options that hosts have which ask for none.
const defaultOptions = "default"

// secure tells the authority what handshakes need under t, and notes what it finds
// wrong.
func (g *Gateway) secure(t *table) {
	settings := cert.Settings{TLS: t.dynamic.TLS, Resolvers: t.dynamic.Static.CertResolvers}
	options := make(map[string]string)
	for _, r := range t.routes {
		if !r.ready || r.rule == nil {
			continue
		}
		hosts, _ := r.rule.Hosts()
		for _, e := range r.entries {
			if e.tls == nil {
				continue
			}
			settings.Routers = append(settings.Routers, cert.Router{Name: r.name, Origin: r.config.Origin, TLS: e.tls, Hosts: hosts})
			r.chooseOptions(e.tls, hosts, options)
		}
	}
	for _, r := range t.tcpCertificates() {
		settings.Routers = append(settings.Routers, r)
		choose(r.TLS, r.Hosts, options)
	}
	settings.OptionsFor = func(host string) string { return options[host] }
	t.problems = append(t.problems, g.cert.Apply(settings)...)
}

// chooseOptions notes the TLS options of hosts. Where routers of one host differ, the
// default ones count, as in Traefik: a handshake knows the host only.
func (r *route) chooseOptions(c *config.RouterTLS, hosts []string, options map[string]string) {
	for _, h := range choose(c, hosts, options) {
		r.warnOnce("tls.options", fmt.Sprintf("routers of the host %q have different TLS options: the default ones count", h), "give all of them the same")
	}
}

// choose notes the options, and tells which hosts have others already.
func choose(c *config.RouterTLS, hosts []string, options map[string]string) (torn []string) {
	name := c.Options
	if name == "" {
		name = defaultOptions
	}
	for _, h := range hosts {
		was, ok := options[h]
		if options[h] = name; ok && was != name {
			torn, options[h] = append(torn, h), defaultOptions
		}
	}
	return torn
}
