package gateway

import (
	"cmp"
	"fmt"

	"axion/gateway/config"
)

// domainOptions are the TLS options that routers ask for, by entrypoint and domain.
type domainOptions map[[2]string]map[string]bool

// optionsName are the TLS options that an entry with TLS asks for.
func (e *entry) optionsName() string { return cmp.Or(e.tls.Options, defaultOptions) }

// refuseConflicts disables what core.strictTLSOptions says: on an entrypoint, routers of
// one host with different TLS options, and routers whose options no handshake can
// choose. As in Traefik (resolveHTTPTLSOptions of v3.7.11) those that are disabled for
// another reason count too, so that mending them cannot bring a conflict.
func (b *builder) refuseConflicts() {
	if !b.dynamic.Static.StrictTLSOptions {
		return
	}
	asked := domainOptions{}
	for _, r := range b.routes {
		if r.rule == nil {
			continue
		}
		for _, domain := range r.rule.Domains() {
			for i := range r.entries {
				if e := &r.entries[i]; e.tls != nil {
					asked.add(e, domain)
				}
			}
		}
	}
	for _, r := range b.routes {
		r.refuseConflicts(asked)
	}
}

func (o domainOptions) add(e *entry, domain string) {
	key := [2]string{e.name, domain}
	if o[key] == nil {
		o[key] = map[string]bool{}
	}
	o[key][e.optionsName()] = true
}

// conflict says why r is not served on an entrypoint, and what to do. Both are empty
// where it is.
func (o domainOptions) conflict(r *route, e *entry) (message, hint string) {
	if r.rule == nil || e.tls == nil {
		return "", ""
	}
	domains := r.rule.Domains()
	if len(domains) == 0 && e.optionsName() != defaultOptions {
		return fmt.Sprintf("it is not served on entrypoint %q: the rule names no host, so that no handshake can choose its TLS options, "+
			"and core.strictTLSOptions is on", e.name), "add a Host to the rule, or remove the router's TLS options"
	}
	for _, domain := range domains {
		if len(o[[2]string{e.name, domain}]) > 1 {
			return fmt.Sprintf("it is not served on entrypoint %q: routers of the host %q have different TLS options there, "+
				"and core.strictTLSOptions is on", e.name, domain), "give all routers of the host the same TLS options"
		}
	}
	return "", ""
}

// refuseConflicts takes r from the entrypoints where its TLS options are in conflict, and
// disables it where that leaves none.
func (r *route) refuseConflicts(asked domainOptions) {
	var kept []entry
	var found []finding
	for i := range r.entries {
		message, hint := asked.conflict(r, &r.entries[i])
		if message == "" {
			kept = append(kept, r.entries[i])
			continue
		}
		found = append(found, finding{severity: config.Warning, field: "tls.options", message: config.InWords(message), hint: hint})
	}
	if len(kept) > 0 {
		r.entries = kept
	} else {
		for i := range found {
			found[i].severity = config.Error
		}
	}
	r.findings = append(r.findings, found...)
}
