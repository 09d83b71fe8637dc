// Package middleware builds the HTTP middlewares that routers name, each with
// the behaviour of Traefik's middleware of the same name. One file holds one
// middleware; adding one is a file, a case in [Build], its fields and its labels.
package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"axion/gateway/config"
)

// Middleware wraps a handler. What it remembers of clients is shared by the
// handlers it has wrapped.
type Middleware func(next http.Handler) http.Handler

// Env is what middlewares know of the gateway.
type Env struct {
	// Context ends with the gateway. Nil means it never does.
	Context context.Context
	// Port gives the port of the entrypoint that serves scheme, 0 where there is
	// none. Nil means none is known.
	Port func(scheme string) int
	// Service gives the handler of a service by its qualified name. Nil means none
	// is known.
	Service func(name string) (http.Handler, error)
	// Transport is for requests of a middleware's own. Nil means a default one.
	Transport http.RoundTripper
	// Check looks at each connection that a middleware makes before anything is sent, see
	// [dockerhost.Dialer]. Nil means none.
	Check func(net.Conn) error
	// Log receives what middlewares say. Nil discards.
	Log *slog.Logger
}

// Build makes the one middleware that m configures. The error says which of its
// settings is wrong.
func Build(m *config.Middleware, env Env) (Middleware, error) {
	switch {
	case m.AddPrefix != nil:
		return addPrefix(m.AddPrefix)
	case m.StripPrefix != nil:
		return stripPrefix(m.StripPrefix)
	case m.Headers != nil:
		return headers(m.Headers)
	case m.RateLimit != nil:
		return rateLimit(m.RateLimit)
	case m.RedirectScheme != nil:
		return redirectScheme(m.RedirectScheme, env)
	case m.BasicAuth != nil:
		return basicAuth(m.BasicAuth)
	case m.DigestAuth != nil:
		return digestAuth(m.DigestAuth)
	case m.ForwardAuth != nil:
		return forwardAuth(m.ForwardAuth, env)
	case m.IPAllowList != nil:
		return ipAllowList(m.IPAllowList)
	case m.IPWhiteList != nil:
		return ipAllowList(m.IPWhiteList)
	case m.InFlightReq != nil:
		return inFlightReq(m.InFlightReq)
	case m.PassTLSClientCert != nil:
		return passTLSClientCert(m.PassTLSClientCert)
	case m.EncodedCharacters != nil:
		return encodedCharacters(m.EncodedCharacters)
	case m.ContentType != nil:
		return contentType(m.ContentType)
	case m.RedirectRegex != nil:
		return redirectRegex(m.RedirectRegex)
	case m.ReplacePath != nil:
		return replacePath(m.ReplacePath)
	case m.ReplacePathRegex != nil:
		return replacePathRegex(m.ReplacePathRegex)
	case m.StripPrefixRegex != nil:
		return stripPrefixRegex(m.StripPrefixRegex)
	case m.Buffering != nil:
		return buffering(m.Buffering)
	case m.CircuitBreaker != nil:
		return circuitBreaker(m.CircuitBreaker, env)
	case m.Compress != nil:
		return compress(m.Compress)
	case m.Errors != nil:
		return errorPages(m.Errors, env)
	case m.GrpcWeb != nil:
		return grpcWeb(m.GrpcWeb)
	case m.Retry != nil:
		return retry(m.Retry, env)
	}
	return nil, errors.New("the middleware has no settings")
}
