package routing

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"axion/gateway/config"
	"axion/gateway/inbound"
	"axion/gateway/listen/peer"
	"axion/gateway/proxy"
)

// restricted is a service that leads to the listeners that [Deps.Private] names, which
// answer this stack's user only: through the gateway everybody would come as that user.
type restricted struct {
	proxy.Service
	guard *peer.Guard
}

// restrict restricts s where one of its servers is such a listener.
func (b *serviceBuilder) restrict(c *config.LoadBalancer, s proxy.Service) proxy.Service {
	own := func(server config.Server) bool {
		u, err := url.Parse(server.URL)
		if err != nil {
			return false
		}
		_, ok := b.deps.Private.Find("tcp", u.Host)
		return ok
	}
	if b.deps.Guard == nil || !b.deps.Guard.InForce() || !slices.ContainsFunc(c.Servers, own) {
		return s
	}
	return &restricted{s, b.deps.Guard}
}

// ServeHTTP serves requests whose connection may be this stack's user's. Over HTTP/3 it
// serves none: a port of UDP can be several users' at once.
func (s *restricted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Alt-Svc", "clear") // nothing of this host over HTTP/3 (RFC 7838, section 3)
	switch err := inbound.Vet(r.Context(), s.guard.Check); {
	case err == nil:
		s.Service.ServeHTTP(w, r)
	case errors.Is(err, inbound.ErrNoConnection): // the client comes again over TCP (RFC 9110, section 15.5.20)
		answerProblem(w, http.StatusMisdirectedRequest, "this is not answered over HTTP/3")
	default:
		s.guard.LogRefusal(err, r.Host)
		answerProblem(w, http.StatusForbidden, peer.Text(err))
	}
}

// answerProblem answers as the listeners themselves refuse who connects to them.
func answerProblem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(peer.Problem(status, detail)) // an error: the client is gone
}
