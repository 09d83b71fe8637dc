package routing

import (
	"cmp"
	"fmt"

	"axion/gateway/config"
)

// domainOptions are the TLS options that routers ask for, by entrypoint and domain.
type domainOptions map[[2]string]map[string]bool

// tlsOptionsName are the TLS options that an entry with TLS asks for.
func (e *RouterEntryPoint) tlsOptionsName() string { return cmp.Or(e.TLS.Options, DefaultTLSOptions) }

// refuseConflicts disables what core.strictTLSOptions says: on an entrypoint, routers of
// one host with different TLS options, and routers whose options no handshake can
// choose. As in Traefik (resolveHTTPTLSOptions of v3.7.11) those that are disabled for
// another reason count too, so that fixing them cannot bring a conflict.
func (b *builder) refuseConflicts() {
	if !b.Dynamic.Static.StrictTLSOptions {
		return
	}
	asked := domainOptions{}
	for _, r := range b.Routers {
		if r.Rule == nil {
			continue
		}
		for _, domain := range r.Rule.Domains() {
			for i := range r.EntryPoints {
				if e := &r.EntryPoints[i]; e.TLS != nil {
					asked.add(e, domain)
				}
			}
		}
	}
	for _, r := range b.Routers {
		r.refuseConflicts(asked)
	}
}

func (o domainOptions) add(e *RouterEntryPoint, domain string) {
	key := [2]string{e.Name, domain}
	if o[key] == nil {
		o[key] = map[string]bool{}
	}
	o[key][e.tlsOptionsName()] = true
}

// conflict says why r is not served on an entrypoint, and what to do. Both are empty
// where it is.
func (o domainOptions) conflict(r *Router, e *RouterEntryPoint) (message, hint string) {
	if r.Rule == nil || e.TLS == nil {
		return "", ""
	}
	domains := r.Rule.Domains()
	if len(domains) == 0 && e.tlsOptionsName() != DefaultTLSOptions {
		return fmt.Sprintf("it is not served on entrypoint %q: the rule names no host, so that no handshake can choose its TLS options, "+
			"and core.strictTLSOptions is on", e.Name), "add a Host to the rule, or remove the router's TLS options"
	}
	for _, domain := range domains {
		if len(o[[2]string{e.Name, domain}]) > 1 {
			return fmt.Sprintf("it is not served on entrypoint %q: routers of the host %q have different TLS options there, "+
				"and core.strictTLSOptions is on", e.Name, domain), "give all routers of the host the same TLS options"
		}
	}
	return "", ""
}

// refuseConflicts takes r from the entrypoints where its TLS options are in conflict, and
// disables it where that leaves none.
func (r *Router) refuseConflicts(asked domainOptions) {
	var kept []RouterEntryPoint
	var found []Finding
	for i := range r.EntryPoints {
		message, hint := asked.conflict(r, &r.EntryPoints[i])
		if message == "" {
			kept = append(kept, r.EntryPoints[i])
			continue
		}
		found = append(found, Finding{Severity: config.Warning, Field: "tls.options", Message: config.InWords(message), Hint: hint})
	}
	if len(kept) > 0 {
		r.EntryPoints = kept
	} else {
		for i := range found {
			found[i].Severity = config.Error
		}
	}
	r.Findings = append(r.Findings, found...)
}
