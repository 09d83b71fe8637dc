package gateway

import (
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
	settings := cert.Settings{TLS: t.dynamic.TLS, Resolvers: t.dynamic.Static.CertResolvers}
	options := make(map[string]string)
	var open []openHost
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
			if _, others := r.rule.Hosts(); others && e.tls.Options != "" && e.tls.Options != defaultOptions {
				open = append(open, openHost{r.rule, e.tls.Options})
				r.warnNameless(hosts)
			}
		}
	}
	for _, r := range t.tcpCertificates() {
		settings.Routers = append(settings.Routers, r)
		choose(r.TLS, r.Hosts, options)
	}
	settings.OptionsFor = func(host string) string { return optionsOf(host, options, open) }
	t.problems = append(t.problems, g.cert.Apply(settings)...)
}

// openHost is a rule whose hosts are not all spelled out, and its TLS options.
type openHost struct {
	rule    *rule.Rule
	options string
}

// optionsOf are the TLS options of a host: by its name, else by the first rule that
// asks for it with a wildcard or an expression.
func optionsOf(host string, named map[string]string, open []openHost) string {
	if name, ok := named[host]; ok {
		return name
	}
	for _, o := range open {
		if o.rule.AllowsHost(host) {
			return o.options
		}
	}
	return defaultOptions
}

// warnNameless tells of options that no handshake can know to choose.
func (r *route) warnNameless(hosts []string) {
	if len(hosts) == 0 && !strings.Contains(strings.ToLower(r.config.Rule), "host") {
		r.warnOnce("tls.options", "the rule names no host: which TLS options a client gets depends on the host it asks for", "add a Host to the rule")
	}
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
