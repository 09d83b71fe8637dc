package gateway

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"axion/gateway/config"
	"axion/gateway/observe"
	"axion/gateway/proxy"
	"axion/gateway/rule"
)

// handler finds the route of each request in the table in force.
func (g *Gateway) handler(e *entrypoint, secure bool) *door {
	d := &door{gateway: g, name: e.name, secure: secure}
	d.follow(e)
	return d
}

// manner is how an entrypoint treats requests; it may change while it is open.
type manner struct {
	describe func(*http.Request)
	patience time.Duration // for a body to go on; 0 means no limit
}

// follow takes the entrypoint's settings over, for requests from now on.
func (d *door) follow(e *entrypoint) {
	m := &manner{describe: proxy.Forwarded(trusts(e.config.ForwardedHeaders)), patience: bodyTimeout}
	if t := timeoutsOf(e.config).ReadTimeout; t != nil {
		m.patience = time.Duration(*t)
	}
	d.manner.Store(m)
}

// door is what requests of one entrypoint go through first.
type door struct {
	gateway     *Gateway
	name        string // of the entrypoint
	secure      bool
	manner      atomic.Pointer[manner]
	alternative string // the Alt-Svc header; empty for none
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.gateway.inflight.begin() {
		http.Error(w, "the gateway is stopping", http.StatusServiceUnavailable)
		return
	}
	if d.alternative != "" && r.ProtoMajor < 3 {
		w.Header()["Alt-Svc"] = []string{d.alternative}
	}
	// Unset, unless the service or a middleware tells it: net/http would guess.
	w.Header()["Content-Type"] = nil
	x := d.gateway.observer.Begin(w, r, d.name)
	defer x.AtEnd(func() {
		x.End()
		d.gateway.inflight.end()
	})
	d.admit(x, r)
}

// admit refuses what no route may see, and looks for the route of the rest.
func (d *door) admit(x *observe.Exchange, r *http.Request) {
	if !d.secure && d.gateway.cert.HTTPChallenge(x, r) {
		return
	}
	if r.Method == http.MethodConnect && r.ProtoMajor == 1 {
		http.Error(x, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
		return
	}
	if d.secure && d.gateway.cert.Misdirected(r) {
		http.Error(x, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		return
	}
	req, err := rule.NewRequest(r)
	if err != nil {
		http.Error(x, "400 bad request: "+err.Error(), http.StatusBadRequest)
		return
	}
	m := d.manner.Load()
	m.describe(req.HTTP)
	identify(x, req.HTTP)
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		cutTrailer(r.Trailer) // as announced
		body := &slowBody{ReadCloser: r.Body, request: r, control: http.NewResponseController(x), patience: m.patience}
		req.HTTP.Body = body
		x.Receive(&body.read)
		defer body.release()
	}
	route := d.gateway.table.Load().index(d.name, d.secure).find(req)
	if route == nil {
		x.Trace(req.HTTP)
		http.Error(x, "404 page not found", http.StatusNotFound)
		return
	}
	at := route.entry(d.name, d.secure)
	x.Route(route.name, route.config.Service, route.config.Observability)
	x.Through(at.wares)
	x.Trace(req.HTTP)
	if d.gateway.faults.Strike(x, req.HTTP, route.target(), x) {
		return
	}
	at.handler.ServeHTTP(x, req.HTTP)
}

// trusts tells whose word on the client an entrypoint believes. Nil means nobody's.
func trusts(c *config.TrustedPeers) func(netip.Addr) bool {
	if c == nil {
		return nil
	}
	if c.Insecure {
		return func(netip.Addr) bool { return true }
	}
	var ranges []netip.Prefix
	for _, text := range c.TrustedIPs {
		if p, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			ranges = append(ranges, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		}
	}
	return func(a netip.Addr) bool {
		for _, p := range ranges {
			if p.Contains(a.Unmap()) {
				return true
			}
		}
		return false
	}
}
