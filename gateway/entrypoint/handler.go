package entrypoint

import (
	"net/http"
	"sync/atomic"

	"axion/gateway/inbound"
	"axion/gateway/observe"
	"axion/gateway/routing"
	"axion/gateway/rule"
)

// loopCheckThreshold is up to how many requests under way none is looked at for going in a circle.
// Where few files may be open, fewer do: a circle must not use them up.
const loopCheckThreshold = 256

// requestSettings is how an entrypoint treats requests; it may change while it is open.
type requestSettings struct {
	*inbound.Policy
	name   string         // of the entrypoint
	index  *routing.Index // of its routes
	altSvc string         // the Alt-Svc header; empty for none
}

// handler is what requests of one entrypoint go through first.
type handler struct {
	set      *Set
	secure   bool
	settings atomic.Pointer[requestSettings]
	// probe gets the router of a request, nil for none, that is only explained: it is
	// not served. Nil for clients' requests.
	probe func(*routing.Router, *rule.Request)
}

func (d *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	underWay := d.set.inflight.begin()
	if underWay == 0 {
		http.Error(w, "the gateway is stopping", http.StatusServiceUnavailable)
		return
	}
	m := d.settings.Load()
	if m.altSvc != "" && r.ProtoMajor < 3 {
		w.Header()["Alt-Svc"] = []string{m.altSvc}
	}
	// Unset, unless the service or a middleware says it: net/http would guess.
	w.Header()["Content-Type"] = nil
	m.Reuse(w, r)
	x := d.set.Observer.Begin(w, r, m.name)
	if m.Observability != nil {
		x.SetRoute("", "", m.Observability)
	}
	bounded, unbound := m.Bound(w, r)
	defer x.EndWith(d.set.requestEnded) //nolint:contextcheck // a request counts however it ends
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
	if d.set.loops.Circles(r.Header, underWay) {
		http.Error(x, "the request goes in a circle: a service sends it back to this gateway", http.StatusLoopDetected)
		return
	}
	d.check(x, bounded, m)
}

// check refuses what no route may see, and looks for the route of the rest.
func (d *handler) check(x *observe.Exchange, r *http.Request, m *requestSettings) {
	if !d.secure && d.set.Cert.HTTPChallenge(x, r) {
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
	if d.secure && d.probe == nil && d.set.Cert.Misdirected(m.name, req.Host, r.TLS) {
		x.Trace(req.HTTP)
		misdirected(x, r)
		return
	}
	m.Describe(req.HTTP)
	setRequestID(x, req.HTTP)
	d.route(x, req, m)
}

// route hands a request to its route.
func (d *handler) route(x *observe.Exchange, req *rule.Request, m *requestSettings) {
	route := m.index.Find(req)
	if d.probe != nil {
		d.probe(route, req)
		return
	}
	if route == nil {
		x.Trace(req.HTTP)
		d.set.NotFound(x, req, m.name, d.secure)
		return
	}
	at := route.Entry(m.name, d.secure)
	x.SetRoute(route.Name, route.Config.Service, at.Observability)
	x.SetMiddlewares(at.MiddlewareNames)
	x.Trace(req.HTTP)
	if at.TLSOptions != "" && req.HTTP.TLS != nil && !d.set.Cert.Met(m.name, at.TLSOptions, req.HTTP.TLS) {
		misdirected(x, req.HTTP)
		return
	}
	if d.set.Faults.Apply(x, req.HTTP, route.FaultTarget(), x) {
		return
	}
	at.Handler.ServeHTTP(x, req.HTTP)
}

// Probe finds the router of a request as its entrypoint does, which is nil where none
// takes it. The request that it was asked for is nil where no router is asked: then the
// answer is written.
func (s *Set) Probe(t *routing.Table, e *routing.EntryPoint, x *observe.Exchange, r *http.Request) (taken *routing.Router,
	seen *rule.Request) {
	secure := r.TLS != nil
	d := &handler{set: s, secure: secure, probe: func(found *routing.Router, req *rule.Request) { taken, seen = found, req }}
	d.check(x, r, &requestSettings{Policy: e.Policy, name: e.Name, index: t.Index(e.Name, secure)})
	return taken, seen
}

// misdirected answers 421 (RFC 9110, section 15.5.20). The connection is closed: a new
// one can have the handshake that the host wants.
func misdirected(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
}
