// Package lint finds what is doubtful in a configuration that can be served: settings
// that are accepted and do nothing, or something else than they seem to, as Traefik has
// it; values that are passed over; and definitions that nothing uses.
package lint

import (
	"fmt"
	"strings"

	"axion/gateway/config"
)

// Finding is one setting that is doubtful.
type Finding struct {
	Path    string // below the router, middleware or service, such as "headers.sslRedirect"
	Message string // lowercase, one line
	Hint    string // what to do about it, may be empty
}

// Middleware reports what is doubtful about m; nil means nothing.
func Middleware(m *config.Middleware) []Finding {
	var l list
	l.headers(m.Headers)
	l.retry(m.Retry)
	if c := m.StripPrefix; c != nil {
		l.add(c.ForceSlash, "stripPrefix.forceSlash", "it has no effect: the path always begins with a slash", "remove it")
		l.add(!anyText(c.Prefixes), "stripPrefix.prefixes", "it is empty: nothing is stripped", "")
	}
	if c := m.StripPrefixRegex; c != nil {
		l.add(!anyText(c.Regex), "stripPrefixRegex.regex", "it is empty: nothing is stripped", "")
	}
	if c := m.InFlightReq; c != nil {
		l.add(c.Amount <= 0, "inFlightReq.amount", fmt.Sprintf("it is %d: every request is answered 429", c.Amount),
			"set how many requests may be under way at once")
	}
	if c := m.ForwardAuth; c != nil {
		l.add(c.TLS != nil && c.TLS.CAOptional, "forwardAuth.tls.caOptional", "it has no effect since Traefik v3", "remove it")
		l.add(c.MaxBodySize != nil && !c.ForwardBody, "forwardAuth.maxBodySize", "it has no effect without forwardBody", "")
	}
	if c := m.PassTLSClientCert; c != nil {
		l.add(!c.PEM && c.Info == nil, "passTLSClientCert.pem", "the service gets nothing of certificates", "set pem or info")
	}
	return l
}

// Service reports what is doubtful about s; nil means nothing.
func Service(s *config.Service) []Finding {
	var l list
	if c := s.LoadBalancer; c != nil {
		l.sticky("loadBalancer", c.Sticky)
		if h := c.HealthCheck; h != nil {
			l.add(h.Mode != "" && h.Mode != "http" && h.Mode != "grpc", "loadBalancer.healthCheck.mode",
				fmt.Sprintf("%q is not http or grpc: http is used", h.Mode), nearest(h.Mode, "http", "grpc"))
		}
	}
	if c := s.Weighted; c != nil {
		l.sticky("weighted", c.Sticky)
	}
	return l
}

// Router reports what is doubtful about r; nil means nothing.
func Router(r *config.Router) []Finding {
	var l list
	if o := r.Observability; o != nil {
		l.add(o.TraceVerbosity != "" && o.TraceVerbosity != "minimal", "observability.traceVerbosity",
			fmt.Sprintf("%q is not supported: requests are traced as with minimal", o.TraceVerbosity), "remove it, or write minimal")
	}
	return l
}

type list []Finding

func (l *list) add(is bool, path, message, hint string) {
	if is {
		*l = append(*l, Finding{path, message, hint})
	}
}

// headers reports options that Traefik v3 has for old configurations only.
func (l *list) headers(c *config.Headers) {
	if c == nil {
		return
	}
	const message, redirect = "it has no effect since Traefik v3", "use the redirectScheme middleware, or a redirection of the entrypoint"
	l.add(c.SSLRedirect, "headers.sslRedirect", message, redirect)
	l.add(c.SSLTemporaryRedirect, "headers.sslTemporaryRedirect", message, redirect)
	l.add(c.SSLHost != "", "headers.sslHost", message, redirect)
	l.add(c.SSLForceHost, "headers.sslForceHost", message, redirect)
	l.add(c.FeaturePolicy != "", "headers.featurePolicy", message, "use permissionsPolicy")
	l.add(c.PublicKey != "", "headers.publicKey", message, "remove it: browsers no longer pin keys")
}

// retry reports options that only count together with statuses.
func (l *list) retry(c *config.Retry) {
	if c == nil || len(c.Status) > 0 {
		return
	}
	const message, hint = "it has no effect without retry.status", "set retry.status, such as 500-599"
	l.add(c.MaxRequestBodyBytes != nil, "retry.maxRequestBodyBytes", message, hint)
	l.add(c.RetryNonIdempotentMethod, "retry.retryNonIdempotentMethod", message, hint)
}

// sticky reports what becomes of a cookie that cannot be as it is asked for.
func (l *list) sticky(of string, c *config.Sticky) {
	if c == nil || c.Cookie == nil {
		return
	}
	at := of + ".sticky.cookie."
	switch site := strings.ToLower(c.Cookie.SameSite); site {
	case "", "none", "lax", "strict":
	default:
		l.add(true, at+"sameSite", fmt.Sprintf("%q is not none, lax or strict: the cookie is served without SameSite", c.Cookie.SameSite),
			nearest(site, "none", "lax", "strict"))
	}
	name := config.CookieName(c.Cookie.Name)
	l.add(name != c.Cookie.Name, at+"name", fmt.Sprintf("%q is no name for a cookie: it is %s", c.Cookie.Name, name), "")
}

func anyText(list []string) bool {
	for _, text := range list {
		if strings.TrimSpace(text) != "" {
			return true
		}
	}
	return false
}

func nearest(word string, candidates ...string) string {
	if near := config.Nearest(word, candidates); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return ""
}
