// Package explain says which router takes a request, and what becomes of it, without
// sending anything: what `axion explain` and the dashboard show, and the page of a request
// that no router takes.
package explain

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/entrypoint"
	"axion/gateway/fault"
	"axion/gateway/hostname"
	"axion/gateway/middleware"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/gateway/secret"
	"axion/web/view"
)

// Explainer explains requests by the table in force. Its methods are safe for concurrent
// use.
type Explainer struct {
	// Table gives the table in force.
	Table func() *routing.Table
	// EntryPoints are those that are open. They are set before the first request.
	EntryPoints *entrypoint.Set
	Cert        *cert.Authority
	// Faults are those that are injected.
	Faults *fault.Set
	// Context is that of the requests that middlewares get to see.
	Context context.Context
	// Middleware is what middlewares are built with that must not be those in force.
	Middleware middleware.Env
	// Dashboard is the URL of the stack's dashboard. Empty means there is none.
	Dashboard string

	pages atomic.Int64 // that are being made
}

// Request is a request to explain.
type Request struct {
	Method string      // GET if empty
	URL    string      // absolute: the scheme chooses the entrypoint, unless the port does
	Header http.Header // further headers; Host overrides the URL's
	Client string      // the client's address, 127.0.0.1 if empty
}

// Explanation says what becomes of a request, and why.
type Explanation struct {
	Method     string             `json:"method"`
	URL        string             `json:"url"`
	EntryPoint string             `json:"entryPoint"`
	Router     *RouterVerdict     `json:"router"`           // nil where Outcome says what comes instead
	Second     *RouterVerdict     `json:"second,omitempty"` // the router that would have come next
	Servers    []view.RouteServer `json:"servers"`
	// Server is the one that answers, where it does not depend on the balancer.
	Server string `json:"server,omitempty"`
	// Outcome is what becomes of a request that no router takes: empty for Traefik's 404,
	// else a refused handshake, a 421, or a TCP router that takes the connection.
	Outcome string `json:"outcome,omitempty"`
	// TLS is the handshake before the request; nil where there is none.
	TLS *cert.Handshake `json:"tls,omitempty"`
	// Near are the routers that come closest to a request that none takes, or to
	// one that another took, with what would make them match; at most maxNear.
	Near []RouterVerdict `json:"near"`
	// Reply is the answer that the gateway itself gives before the service, or in its
	// stead; nil where the service answers, or no router does (404).
	Reply *Reply `json:"reply,omitempty"`
	// Target is what the service is asked for, after the middlewares; empty where it is
	// not asked.
	Target string `json:"target,omitempty"`
	// Unserved are the compose services whose labels would have taken a request that no
	// router takes, and do not count.
	Unserved []Unserved `json:"unserved"`
	// Notes say what else the answer depends on, or why there is none.
	Notes []string `json:"notes"`

	secure bool
	name   string     // of the URL's host, which the handshake is for
	host   string     // that the request asks for
	client netip.Addr // the client's
	// options are the TLS options that the router wants of the handshake; empty for any.
	options string
}

// Reply is an answer of the gateway's own.
type Reply struct {
	Status   int    `json:"status"`
	By       string `json:"by"` // the middleware or entrypoint
	Location string `json:"location,omitempty"`
	Text     string `json:"text,omitempty"` // the beginning of its body
}

// Unserved is a router of a compose service whose labels do not count.
type Unserved struct {
	Service string      `json:"service"`
	Router  string      `json:"router"`
	Why     string      `json:"why"`
	Hint    string      `json:"hint"`
	Origin  view.Origin `json:"origin"`
}

// RouterVerdict is a router with its verdict on a request.
type RouterVerdict struct {
	Name        string           `json:"name"`
	Rule        string           `json:"rule"`
	Priority    int              `json:"priority"`
	Matched     bool             `json:"matched"`
	Verdicts    []rule.Verdict   `json:"verdicts"`
	Middlewares []string         `json:"middlewares"` // in the order in which they see the request
	Service     string           `json:"service"`
	Status      view.RouteStatus `json:"status"`
	// Change is the one thing that would make the router take the request; empty
	// where it would be several.
	Change string   `json:"change,omitempty"`
	Errors []string `json:"errors,omitempty"`
	// Faults are the injected ones that its requests meet now.
	Faults []string    `json:"faults,omitempty"`
	Origin view.Origin `json:"origin"`
}

// maxNear bounds the near misses of an explanation.
const maxNear = 5

// Explain says which router of the table in force takes a request, and what becomes
// of it. Nothing is sent. The error says what is wrong with q.
func (x *Explainer) Explain(q Request) (*Explanation, error) {
	r, u, err := q.request()
	if err != nil {
		return nil, err
	}
	a := &Explanation{Method: r.Method, URL: u.Redacted(), Servers: []view.RouteServer{}, Near: []RouterVerdict{}, Unserved: []Unserved{},
		Notes:  []string{},
		secure: r.TLS != nil}
	if a.name, err = hostname.Name(u.Hostname()); err != nil {
		return nil, fmt.Errorf("the URL's host cannot be read: %w", err)
	}
	a.host, a.client = a.name, clientOf(r)
	t := x.Table()
	e := x.entryAt(t, a, u)
	taken, req := x.probe(t, a, e, r)
	if req != nil {
		a.host = req.Host
		a.compare(t, taken, req)
	}
	if e.Serves(a.secure) {
		x.explainConnection(t, a)
	}
	switch {
	case a.Outcome != "":
		a.Reply = nil // nothing gets so far
	case a.Router != nil:
		a.Router.Faults = x.Faults.ActiveFor(fault.Route{Router: a.Router.Name, Service: a.Router.Service, Compose: a.Router.Origin.Service})
		x.walk(a, taken, req)
	case req != nil:
		a.addUnserved(t, req)
	}
	return a, nil
}

// compare fills in the router that takes a request, and those that come near.
func (a *Explanation) compare(t *routing.Table, taken *routing.Router, req *rule.Request) {
	if taken != nil {
		j := evaluate(taken, req, a.EntryPoint, a.secure)
		a.Router, a.options = &j, taken.Entry(a.EntryPoint, a.secure).TLSOptions
		a.Servers = routes.ServersOf(taken.Service)
		if len(a.Servers) == 1 {
			a.Server = a.Servers[0].URL
		}
	}
	a.Near = nearMisses(t, req, a, taken, a.secure)
	if i := slices.IndexFunc(a.Near, func(j RouterVerdict) bool { return j.Matched && j.Change == "" }); i >= 0 && taken != nil {
		second := a.Near[i]
		a.Second, a.Near = &second, slices.Delete(a.Near, i, i+1)
	}
}

// request is what the server would get, and the URL asked.
func (q Request) request() (*http.Request, *url.URL, error) {
	if !strings.Contains(q.URL, "://") {
		q.URL = "https://" + q.URL
	}
	u, err := url.Parse(q.URL)
	switch {
	case err != nil:
		return nil, nil, errors.New("the URL cannot be read: " + config.InWords(err.Error()))
	case u.Host == "":
		return nil, nil, errors.New("the URL has no host")
	case !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme):
		return nil, nil, fmt.Errorf("the URL's scheme %q is neither http nor https", u.Scheme)
	}
	client, err := netip.ParseAddr(cmp.Or(q.Client, "127.0.0.1"))
	if err != nil {
		return nil, nil, fmt.Errorf("the client %q is not an IP address", q.Client)
	}
	asked := *u
	asked.Fragment, asked.RawFragment = "", "" // clients keep it to themselves
	r, err := http.NewRequest(strings.ToUpper(cmp.Or(q.Method, http.MethodGet)), asked.String(), nil)
	if err != nil {
		return nil, nil, errors.New(config.InWords(err.Error()))
	}
	r.RequestURI = asked.RequestURI()
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return nil, nil, errors.New("the URL cannot be read: " + config.InWords(err.Error()))
	}
	if password, ok := u.User.Password(); ok {
		r.SetBasicAuth(u.User.Username(), password)
	}
	if u.Scheme == "ws" || u.Scheme == "wss" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
	}
	for name, values := range q.Header {
		r.Header.Del(name)
		for _, v := range values { // a server sees them so (RFC 9110, section 5.5)
			r.Header.Add(name, strings.Trim(v, " \t"))
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	if u.Scheme == "https" || u.Scheme == "wss" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: serverName(u)}
	}
	return r, u, nil
}

// serverName is what clients of a URL ask for in the handshake: addresses are no names.
func serverName(u *url.URL) string {
	name, err := hostname.Name(u.Hostname())
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	return name
}

// clientOf is the address of a request's client.
func clientOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr()
}

// evaluate says what r says of a request on an entrypoint.
func evaluate(r *routing.Router, req *rule.Request, entrypoint string, secure bool) RouterVerdict {
	j := RouterVerdict{Name: r.Name, Rule: secret.Rule(r.Config.Rule), Priority: r.Priority, Middlewares: []string{},
		Service: r.Config.Service,
		Status:  routes.Describe(r).Status, Origin: routes.OriginOf(r.Config.Origin), Verdicts: []rule.Verdict{}}
	wares := r.Middlewares
	if r.Service != nil {
		wares = slices.Concat(wares, r.Service.Middlewares)
	}
	for _, w := range wares {
		j.Middlewares = append(j.Middlewares, w.Name)
	}
	for _, f := range r.Findings {
		j.Errors = append(j.Errors, secret.URL(f.Message))
	}
	if r.Rule == nil {
		return j
	}
	j.Verdicts = shown(r.Rule.Explain(req))
	missing := shown(r.Rule.Unmet(req))
	j.Matched = len(missing) == 0
	here := r.Serves(entrypoint, secure)
	switch {
	case !j.Matched && here && len(missing) == 1:
		j.Change = missing[0].Change
	case j.Matched && !r.Ready:
		j.Change = "the router fixed: it is disabled"
	case j.Matched && !here:
		j.Change = otherEntryPoint(r)
	}
	return j
}

// shown leaves out what matchers ask of headers and parameters that carry credentials.
func shown(list []rule.Verdict) []rule.Verdict {
	for i, v := range list {
		if hiding := secret.Rule(v.Matcher); hiding != v.Matcher {
			list[i].Matcher = hiding
			if v.Change != "" {
				list[i].Change = "what " + strings.TrimPrefix(hiding, "!") + " asks for"
			}
		}
	}
	return list
}

// otherEntryPoint says where the router answers.
func otherEntryPoint(r *routing.Router) string {
	if len(r.EntryPoints) == 0 {
		return ""
	}
	scheme := "http"
	if r.EntryPoints[0].TLS != nil {
		scheme = "https"
	}
	return scheme + ":// on entrypoint " + r.EntryPoints[0].Name
}

// nearMisses are the routers that come closest, closest first.
func nearMisses(t *routing.Table, req *rule.Request, a *Explanation, taken *routing.Router, secure bool) []RouterVerdict {
	type miss struct {
		*routing.Router
		distance int
	}
	var misses []miss
	for _, r := range t.Routers {
		if r == taken || r.Rule == nil {
			continue
		}
		missing := len(r.Rule.Unmet(req))
		distance := 2 * missing
		if !r.Serves(a.EntryPoint, secure) {
			distance++
		}
		if distance > 3 || missing > 0 && missing == len(r.Rule.Explain(req)) && !hostSimilar(r, req.Host) {
			continue // it has nothing to do with the request
		}
		misses = append(misses, miss{r, distance})
	}
	slices.SortStableFunc(misses, func(a, b miss) int { return a.distance - b.distance })
	list := []RouterVerdict{}
	for _, m := range misses[:min(len(misses), maxNear)] {
		list = append(list, evaluate(m.Router, req, a.EntryPoint, secure))
	}
	return list
}

// hostSimilar reports whether the router asks for a host that this one was probably
// meant to be.
func hostSimilar(r *routing.Router, host string) bool {
	hosts, _ := r.Rule.Hosts()
	return config.Nearest(host, hosts) != ""
}
