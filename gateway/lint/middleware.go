package lint

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"axion/gateway/config"
)

func (c *checker) middlewares() {
	eachNew(c, c.dynamic.Middlewares, func(name string, m *config.Middleware) {
		t := c.at(m.Origin, "http.middlewares", name)
		for _, look := range []func(thing, *config.Middleware){idle, paths, redirects, headers, sources, others} {
			look(t, m)
		}
		for _, f := range Middleware(m) {
			t.warn(f.Path, f.Message, f.Hint)
		}
	})
}

// idle reports middlewares that let everything pass as it is.
func idle(t thing, m *config.Middleware) {
	const nothing = "the middleware does nothing: "
	switch {
	case m.RateLimit != nil && m.RateLimit.Average == 0:
		t.warn("ratelimit.average", "it has no average: nothing is limited, as in Traefik",
			t.add("ratelimit.average")+", the requests of a client in each period")
	case m.Buffering != nil && *m.Buffering == (config.Buffering{}):
		t.warn("buffering", nothing+"it has no limit and no retryExpression", t.add("buffering.maxRequestBodyBytes"))
	case m.Chain != nil && len(m.Chain.Middlewares) == 0:
		t.warn("chain.middlewares", nothing+"the chain is empty", "name middlewares, or remove it")
	case m.Headers != nil && reflect.ValueOf(*m.Headers).IsZero():
		t.warn("headers", nothing+"it sets no header", "set one, or remove it")
	case m.GrpcWeb != nil && len(m.GrpcWeb.AllowOrigins) == 0:
		t.warn("grpcweb.alloworigins", "no origin is allowed: browsers refuse the answers", t.add("grpcweb.allowOrigins"))
	case m.Errors != nil && len(m.Errors.Status) == 0:
		t.warn("errors.status", nothing+"it names no status", t.add("errors.status")+", such as 500-599")
	case m.Retry != nil && m.Retry.Attempts == 1:
		t.warn("retry.attempts", nothing+"the first attempt counts, and so there is no second one", "write 2 or more")
	case m.ContentType != nil && m.ContentType.AutoDetect != nil && !*m.ContentType.AutoDetect:
		t.warn("contenttype.autodetect", nothing+"it is switched off", "remove it")
	}
}

// paths reports prefixes and paths that no request has.
func paths(t thing, m *config.Middleware) {
	rooted := func(field, path, what string) {
		if path != "" && !strings.HasPrefix(path, "/") {
			t.warn(field, fmt.Sprintf("%q does not start with a slash: %s", path, what), "write /"+path)
		}
	}
	switch {
	case m.StripPrefix != nil:
		for _, p := range m.StripPrefix.Prefixes {
			rooted("stripprefix.prefixes", p, "no path begins with it")
			if p != "/" && strings.HasSuffix(p, "/*") {
				t.warn("stripprefix.prefixes", fmt.Sprintf("the * of %q stands for itself", p), "write "+strings.TrimRight(p, "/*"))
			}
		}
	case m.ReplacePath != nil:
		rooted("replacepath.path", m.ReplacePath.Path, "servers refuse such a path")
	}
}

func redirects(t thing, m *config.Middleware) {
	switch {
	case m.RedirectRegex != nil && m.RedirectRegex.Replacement == "":
		t.warn("redirectregex.replacement", "it has no replacement: what the expression matches is cut out of the URL",
			t.add("redirectregex.replacement"))
	case m.RedirectScheme != nil:
		t.oneOf("redirectscheme.scheme", m.RedirectScheme.Scheme, "browsers do not follow it", "http", "https", "ws", "wss")
	case m.ForwardAuth != nil:
		if u, err := url.Parse(m.ForwardAuth.Address); err == nil && u.Port() != "" && !isPort(u.Port()) {
			t.warn("forwardauth.address", fmt.Sprintf("%q is not a port: every request is answered 500", u.Port()), "write a port from 1 to 65535")
		}
	}
}

// headers reports headers that browsers or servers pass over.
func headers(t thing, m *config.Middleware) {
	h := m.Headers
	if h == nil {
		return
	}
	for _, custom := range []struct {
		field string
		names map[string]string
	}{{"headers.customrequestheaders", h.CustomRequestHeaders}, {"headers.customresponseheaders", h.CustomResponseHeaders},
		{"headers.sslproxyheaders", h.SSLProxyHeaders}} {
		each(t.checker, custom.names, func(name, _ string) {
			if strings.ContainsAny(name, " \t:;,()<>@\"/[]?={}\\") {
				t.warn(custom.field, fmt.Sprintf("%q is not the name of a header", name), "")
			}
		})
	}
	if h.STSSeconds < 0 {
		t.warn("headers.stsseconds", fmt.Sprintf("%d is negative: the header is not sent", h.STSSeconds), "write seconds, such as 31536000")
	}
	if h.STSSeconds == 0 && (h.STSPreload || h.STSIncludeSubdomains) {
		t.warn("headers.stsseconds", "without it the header Strict-Transport-Security is not sent", t.add("headers.stsSeconds"))
	}
	cors := len(h.AccessControlAllowMethods)+len(h.AccessControlAllowHeaders)+len(h.AccessControlExposeHeaders) > 0 ||
		h.AccessControlAllowCredentials
	if cors && len(h.AccessControlAllowOriginList)+len(h.AccessControlAllowOriginListRegex) == 0 {
		t.warn("headers.accesscontrolalloworiginlist", "no origin is allowed: browsers refuse the answers to other pages",
			t.add("headers.accessControlAllowOriginList"))
	}
	for policy := range strings.SplitSeq(h.ReferrerPolicy, ",") {
		t.oneOf("headers.referrerpolicy", strings.TrimSpace(policy), "browsers pass it over", "no-referrer", "no-referrer-when-downgrade",
			"origin",
			"origin-when-cross-origin", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url")
	}
}

// sources reports ways to know a client of which only one counts.
func sources(t thing, m *config.Middleware) {
	look := func(field string, c *config.SourceCriterion) {
		if c != nil {
			strategy(t, field+".ipstrategy", c.IPStrategy)
		}
	}
	switch {
	case m.RateLimit != nil:
		look("ratelimit.sourcecriterion", m.RateLimit.SourceCriterion)
	case m.InFlightReq != nil:
		look("inflightreq.sourcecriterion", m.InFlightReq.SourceCriterion)
	case m.IPAllowList != nil:
		strategy(t, "ipallowlist.ipstrategy", m.IPAllowList.IPStrategy)
	}
}

func strategy(t thing, field string, c *config.IPStrategy) {
	if c != nil && c.Depth > 0 && len(c.ExcludedIPs) > 0 {
		t.warn(field+".excludedips", "they are passed over, as in Traefik: depth decides", "remove depth or excludedIPs")
	}
}

// others reports names of Traefik's that will go.
func others(t thing, m *config.Middleware) {
	if m.IPWhiteList != nil {
		t.report(config.Notice, "ipwhitelist", "Traefik calls it ipAllowList now", "rename it")
	}
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n <= 65535
}
