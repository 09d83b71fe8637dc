package explain

import (
	"net/netip"

	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/web/view"
)

// explainConnection says what comes before an HTTP router sees a request: which TCP
// router takes the connection, whether there is a handshake, and whether the host is
// the handshake's.
func (x *Explainer) explainConnection(t *routing.Table, a *Explanation) {
	name := a.name
	if _, err := netip.ParseAddr(name); err == nil {
		name = "" // clients name no addresses (RFC 6066, section 3)
	}
	index := t.Index(a.EntryPoint, true)
	meta := &rule.TCPMeta{ClientIP: a.client}
	if a.secure {
		meta.ServerName, meta.ALPN = name, []string{"h2", "http/1.1"}
	}
	if r := t.TCP.Table(a.EntryPoint).Takes(meta, a.secure, index.HasRoutes(), index.HostClaim(name)); r != "" {
		a.instead("the TCP router " + r + " takes the connection")
		return
	}
	if !a.secure {
		return
	}
	h := x.Cert.Explain(a.EntryPoint, name, a.name, t.HasHost(name))
	a.TLS = &h
	if h.Refused != "" {
		a.instead("the handshake is refused: " + h.Refused)
	} else if why := x.Cert.Mismatched(a.EntryPoint, a.host, name); why != "" {
		a.instead("421 Misdirected Request for the host " + a.host + ": " + why)
	} else if a.options != "" && a.options != h.Options {
		a.instead("421 Misdirected Request: the router's TLS options are " + a.options + ", those of the handshake " + h.Options)
	}
}

// instead says what becomes of a request that no router gets to see. The one that
// would take it comes nearest.
func (a *Explanation) instead(outcome string) {
	a.Outcome, a.Servers, a.Server, a.Second = outcome, []view.RouteServer{}, "", nil
	if a.Router != nil {
		a.Near = append([]RouterVerdict{*a.Router}, a.Near...)
		a.Router = nil
	}
}
