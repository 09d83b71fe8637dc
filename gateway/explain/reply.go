package explain

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/observe"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/gateway/secret"
	"axion/web/view"
)

// entryAt is the entrypoint that a URL leads to: that at its port, or else the one for
// its scheme. It is nil where none listens there, with a note.
func (x *Explainer) entryAt(t *routing.Table, a *Explanation, u *url.URL) *routing.EntryPoint {
	own := routing.Web
	if a.secure {
		own = routing.WebSecure
	}
	a.EntryPoint = own
	port := u.Port()
	if port == "" {
		return t.EntryPoints[own]
	}
	var open []string
	for _, at := range x.EntryPoints.List(t) {
		_, listens, _ := net.SplitHostPort(at.Address)
		if listens == port {
			a.EntryPoint = at.Name
			return t.EntryPoints[at.Name]
		}
		if !strings.HasSuffix(at.Address, "/udp") {
			open = append(open, at.Name+" at "+listens)
		}
	}
	for _, e := range t.EntryPoints.All() { // by the port that Traefik has in its container
		if n, udp, err := routing.ParseAddress(e.Config.Address); err == nil && !udp && fmt.Sprint(n) == port {
			a.EntryPoint = e.Name
			return e
		}
	}
	if port == map[string]string{routing.Web: "80", routing.WebSecure: "443"}[own] {
		return t.EntryPoints[own]
	}
	a.EntryPoint = ""
	a.Outcome = fmt.Sprintf("nothing listens at port %s: the entrypoints are %s", port, strings.Join(open, ", "))
	return nil
}

// probe finds the route of a request as its entrypoint does, which is nil where none
// takes it. The request is nil where no router is asked: then a says why.
func (x *Explainer) probe(t *routing.Table, a *Explanation, e *routing.EntryPoint, r *http.Request) (taken *routing.Router,
	seen *rule.Request) {
	if !e.Serves(a.secure) { // near misses are listed all the same
		if e != nil && a.secure {
			a.Outcome = "entrypoint " + e.Name + " speaks plain HTTP: a TLS handshake with it fails"
		} else if e != nil {
			a.Reply = &Reply{Status: http.StatusBadRequest, By: "entrypoint " + e.Name, Text: "Client sent an HTTP request to an HTTPS server."}
		}
		if req, err := rule.NewRequest(r); err == nil {
			return nil, req
		}
		return nil, nil
	}
	w := &replyWriter{header: http.Header{}}
	taken, seen = x.EntryPoints.Probe(t, e, silent().Begin(w, r, e.Name), r)
	if seen == nil {
		a.Reply = w.reply("entrypoint " + e.Name)
	}
	return taken, seen
}

// walk passes a request through the middlewares of its route, made anew so that none
// of those in force counts it, and says which of them answers, or what the service is
// asked for.
func (x *Explainer) walk(a *Explanation, r *routing.Router, req *rule.Request) {
	wares := r.Entry(a.EntryPoint, a.secure).Middlewares
	reached := 0
	var h http.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached = len(wares) + 1
		a.Target = cmp.Or(r.RequestURI, r.URL.RequestURI())
	})
	for i, w := range slices.Backward(wares) {
		next := h
		if note := dependency(w); note != "" {
			a.Notes = append(a.Notes, "the middleware "+w.Name+" "+note)
		}
		wrapped := x.sideEffectFree(w)(next)
		h = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			reached = i + 1
			wrapped.ServeHTTP(rw, r)
		})
	}
	slices.Reverse(a.Notes)
	w := &replyWriter{header: http.Header{}}
	h.ServeHTTP(w, req.HTTP.Clone(x.Context))
	if reached <= len(wares) {
		a.Reply = w.reply(wares[reached-1].Name)
		return
	}
	if len(a.Servers) > 0 && !slices.ContainsFunc(a.Servers, func(s view.RouteServer) bool { return s.Status == view.ServerUp }) {
		a.Notes = append(a.Notes, "no server is up: the answer is 503, unless one of them is back")
	}
}

// sideEffectFree is a middleware for a request that is not sent: one that counts is made
// anew, and one that asks others lets it pass.
func (x *Explainer) sideEffectFree(w *routing.Middleware) middleware.Middleware {
	pass := func(next http.Handler) http.Handler { return next }
	c := w.Config
	switch {
	case c.ForwardAuth != nil || c.Errors != nil:
		return pass
	case c.RateLimit != nil || c.InFlightReq != nil || c.CircuitBreaker != nil || c.DigestAuth != nil:
		if wrap, err := middleware.Build(&c, x.Middleware); err == nil {
			return wrap
		}
		return pass
	}
	return w.Wrap
}

// dependency says on what the answer of a middleware depends beyond the request.
func dependency(w *routing.Middleware) string {
	switch c := w.Config; {
	case c.ForwardAuth != nil:
		return "asks " + secret.URL(c.ForwardAuth.Address) + " first, whose refusal would be the answer"
	case c.RateLimit != nil:
		return "answers 429 to a client that asks too often"
	case c.InFlightReq != nil:
		return "answers 429 while there are too many requests"
	case c.CircuitBreaker != nil:
		return "answers itself while its circuit is open"
	case c.Errors != nil:
		return "puts pages of the service " + c.Errors.Service + " in place of answers with " + strings.Join(c.Errors.Status, ", ")
	case c.Buffering != nil && c.Buffering.MaxRequestBodyBytes > 0:
		return fmt.Sprintf("answers 413 to a body of more than %d bytes", c.Buffering.MaxRequestBodyBytes)
	}
	return ""
}

// addUnserved says why no router takes a request that some labels ask for.
func (a *Explanation) addUnserved(t *routing.Table, req *rule.Request) {
	for _, u := range t.Dynamic.Unserved {
		for _, name := range slices.Sorted(maps.Keys(u.Routers)) {
			r := u.Routers[name]
			if parsed, err := rule.Parse(r.Rule); err == nil && parsed.Match(req) {
				a.Unserved = append(a.Unserved,
					Unserved{Service: u.Origin.Service, Router: name, Why: u.Why, Hint: u.Hint, Origin: routes.OriginOf(r.Origin)})
			}
		}
	}
	if len(a.Unserved) > 0 {
		return
	}
	for _, p := range t.Dynamic.Problems {
		ignored := p.Label != "" && strings.Contains(p.Message, "ignored")
		if (p.Severity == config.Error || ignored) && len(a.Notes) < maxNear {
			a.Notes = append(a.Notes, "left out, perhaps with its route: "+p.Error())
		}
	}
}

// silent observes requests that are not sent: nothing is counted or written.
var silent = sync.OnceValue(func() *observe.Observer { return observe.New(observe.Options{}) })

// replyWriter keeps what a handler answers.
type replyWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// maxText bounds what is shown of a body, in bytes.
const maxText = 200

func (w *replyWriter) Header() http.Header { return w.header }

func (w *replyWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *replyWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body.Write(p[:min(len(p), maxText-min(maxText, w.body.Len()))])
	return len(p), nil
}

func (w *replyWriter) reply(by string) *Reply {
	text, _, _ := strings.Cut(strings.TrimSpace(w.body.String()), "\n")
	return &Reply{Status: cmp.Or(w.status, http.StatusOK), By: by, Location: w.header.Get("Location"), Text: text}
}
