package gateway

import (
	"net/http"
	"sync/atomic"

	"axion/gateway/inbound"
	"axion/gateway/observe"
	"axion/gateway/routing"
	"axion/gateway/rule"
)

// maxCalm is up to how many requests under way none is looked at for going in a circle.
// Where few files may be open, fewer do: a circle must not use them up.
const maxCalm = 256

// manner is how an entrypoint treats requests; it may change while it is open.
type manner struct {
	*inbound.Policy
	name        string         // of the entrypoint
	index       *routing.Index // of its routes
	alternative string         // the Alt-Svc header; empty for none
}

// door is what requests of one entrypoint go through first.
type door struct {
	gateway *Gateway
	secure  bool
	manner  atomic.Pointer[manner]
	// probe is told the route of a request, nil for none, that is only looked at: it is
	// not served. Nil for clients' requests.
	probe func(*routing.Router, *rule.Request)
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	underWay := d.gateway.inflight.begin()
	if underWay == 0 {
		http.Error(w, "the gateway is stopping", http.StatusServiceUnavailable)
		return
	}
	m := d.manner.Load()
	if m.alternative != "" && r.ProtoMajor < 3 {
		w.Header()["Alt-Svc"] = []string{m.alternative}
	}
	// Unset, unless the service or a middleware tells it: net/http would guess.
	w.Header()["Content-Type"] = nil
	m.Reuse(w, r)
	x := d.gateway.observer.Begin(w, r, m.name)
	if m.Observability != nil {
		x.Route("", "", m.Observability)
	}
	bounded, unbound := m.Bound(w, r)
	defer x.EndWith(d.gateway.requestEnded)
	defer unbound()
	if inbound.HasBody(r) {
		body := m.Body(r)
		x.Receive(body)
		bounded.Body = body
		defer func() {
			if !body.Complete() {
				inbound.Linger(w, r)
			}
		}()
	}
	if d.gateway.loops.Circles(r.Header, underWay) {
		http.Error(x, "the request goes in a circle: a service sends it back to this gateway", http.StatusLoopDetected)
		return
	}
	d.admit(x, bounded, m)
}

// admit refuses what no route may see, and looks for the route of the rest.
func (d *door) admit(x *observe.Exchange, r *http.Request, m *manner) {
	if !d.secure && d.gateway.cert.HTTPChallenge(x, r) {
		return
	}
	if r.Method == http.MethodConnect {
		http.Error(x, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
		return
	}
	req, err := m.Request(r)
	if err != nil {
		http.Error(x, "400 bad request: "+err.Error(), http.StatusBadRequest)
		return
	}
	if d.secure && d.probe == nil && d.gateway.cert.Misdirected(m.name, req.Host, r.TLS) {
		x.Trace(req.HTTP)
		misdirected(x, r)
		return
	}
	m.Describe(req.HTTP)
	identify(x, req.HTTP)
	d.route(x, req, m)
}

// route hands a request to its route.
func (d *door) route(x *observe.Exchange, req *rule.Request, m *manner) {
	route := m.index.Find(req)
	if d.probe != nil {
		d.probe(route, req)
		return
	}
	if route == nil {
		x.Trace(req.HTTP)
		d.notFound(x, req, m.name)
		return
	}
	at := route.Entry(m.name, d.secure)
	x.Route(route.Name, route.Config.Service, at.Observability)
	x.Through(at.MiddlewareNames)
	x.Trace(req.HTTP)
	if at.TLSOptions != "" && req.HTTP.TLS != nil && !d.gateway.cert.Met(m.name, at.TLSOptions, req.HTTP.TLS) {
		misdirected(x, req.HTTP)
		return
	}
	if d.gateway.faults.Strike(x, req.HTTP, route.FaultTarget(), x) {
		return
	}
	at.Handler.ServeHTTP(x, req.HTTP)
}
