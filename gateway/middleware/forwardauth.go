package middleware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"axion/gateway/config"
)

const (
	authTimeout = 30 * time.Second
	// maxAuthBody bounds bodies where the settings do not, in bytes.
	maxAuthBody = 16 << 20
)

// forwardAuth asks another server whether a request may pass: an answer of 2xx lets
// it, any other is the client's.
func forwardAuth(c *config.ForwardAuth, env Env) (Middleware, error) {
	u, err := url.Parse(c.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("forwardauth.address %q is not a URL such as http://127.0.0.1:4181/verify", c.Address)
	}
	a := &authorizer{config: c, limit: limitOf(c.MaxResponseBodySize), bodyLimit: limitOf(c.MaxBodySize)}
	if c.AuthResponseHeadersRegex != "" {
		if a.pattern, err = regexp.Compile(c.AuthResponseHeadersRegex); err != nil {
			return nil, fmt.Errorf("forwardauth.authresponseheadersregex: %w", err)
		}
	}
	transport := env.Transport
	if c.TLS != nil || transport == nil {
		if transport, err = clientTransport(env.Context, c.TLS); err != nil {
			return nil, fmt.Errorf("forwardauth.%w", err)
		}
	}
	a.client = &http.Client{Transport: transport, Timeout: authTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, next) })
	}, nil
}

func limitOf(n *int64) int64 {
	if n == nil || *n < 0 {
		return maxAuthBody
	}
	return *n
}

// authorizer is one forwardauth.
type authorizer struct {
	config           *config.ForwardAuth
	client           *http.Client
	pattern          *regexp.Regexp
	limit, bodyLimit int64 // bytes
}

func (a *authorizer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	req, err := a.question(r)
	if errors.Is(err, errBodyTooLarge) {
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		return
	}
	var res *http.Response
	if err == nil {
		res, err = a.client.Do(req)
	}
	var body []byte
	if err == nil {
		defer func() { _ = res.Body.Close() }()
		body, err = readAtMost(res.Body, a.limit)
	}
	switch {
	case err != nil && r.Context().Err() != nil:
		w.WriteHeader(statusClientLeft)
	case err != nil:
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	case res.StatusCode < 200 || res.StatusCode > 299:
		a.refuse(w, r, res, body)
	default:
		a.pass(w, r, res, next)
	}
}

// question is the request that the server is asked with.
func (a *authorizer) question(r *http.Request) (*http.Request, error) {
	method := http.MethodGet
	if a.config.PreserveRequestMethod {
		method = r.Method
	}
	var body io.Reader
	if a.config.ForwardBody && r.Body != nil {
		text, err := readAtMost(r.Body, a.bodyLimit)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
		r.Body = io.NopCloser(bytes.NewReader(text))
	}
	req, err := http.NewRequestWithContext(r.Context(), method, a.config.Address, body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		if len(a.config.AuthRequestHeaders) == 0 || containsFold(a.config.AuthRequestHeaders, name) {
			req.Header[name] = slices.Clone(values)
		}
	}
	dropHops(req.Header)
	a.describe(req.Header, r)
	return req, nil
}

// describe tells of the request that is to pass.
func (a *authorizer) describe(h http.Header, r *http.Request) {
	trusted := a.config.TrustForwardHeader
	put := func(name, value string) {
		if prior := r.Header.Get(name); trusted && prior != "" {
			value = prior
		}
		h.Set(name, value)
	}
	put("X-Forwarded-Method", r.Method)
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	put("X-Forwarded-Proto", proto)
	put("X-Forwarded-Host", r.Host)
	put("X-Forwarded-Uri", r.URL.RequestURI())
	forwarded := peer(r)
	if prior := r.Header.Get("X-Forwarded-For"); trusted && prior != "" {
		forwarded = prior + ", " + forwarded
	}
	h.Set("X-Forwarded-For", forwarded)
}

// refuse hands the server's answer to the client.
func (a *authorizer) refuse(w http.ResponseWriter, r *http.Request, res *http.Response, body []byte) {
	header := res.Header.Clone()
	dropHops(header)
	if location := header.Get("Location"); location != "" && !a.config.PreserveLocationHeader {
		if u, err := res.Location(); err == nil {
			header.Set("Location", u.String())
		}
	}
	header.Del("Content-Length")
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// pass takes over the headers that the server is to set.
func (a *authorizer) pass(w http.ResponseWriter, r *http.Request, res *http.Response, next http.Handler) {
	for _, name := range a.config.AuthResponseHeaders {
		name = http.CanonicalHeaderKey(name)
		delete(r.Header, name)
		if values := res.Header[name]; len(values) > 0 {
			r.Header[name] = slices.Clone(values)
		}
	}
	if a.pattern != nil {
		for name := range r.Header {
			if a.pattern.MatchString(name) {
				delete(r.Header, name)
			}
		}
		for name, values := range res.Header {
			if a.pattern.MatchString(name) {
				r.Header[name] = slices.Clone(values)
			}
		}
	}
	if a.config.HeaderField != "" {
		if user := res.Header.Get(a.config.HeaderField); user != "" {
			r.Header.Set(a.config.HeaderField, user)
		}
	}
	var cookies []string
	for _, cookie := range res.Cookies() {
		if slices.Contains(a.config.AddAuthCookiesToResponse, cookie.Name) {
			cookies = append(cookies, cookie.String())
		}
	}
	if len(cookies) == 0 {
		next.ServeHTTP(w, r)
		return
	}
	e := &editor{ResponseWriter: w, edit: func(h http.Header) {
		h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
			name, _, _ := strings.Cut(line, "=")
			return slices.Contains(a.config.AddAuthCookiesToResponse, name)
		})
		h["Set-Cookie"] = append(h["Set-Cookie"], cookies...)
	}}
	next.ServeHTTP(e, r)
	e.finish()
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errBodyTooLarge
	}
	return text, err
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// dropHops removes the headers that are for one connection (RFC 9110, section 7.6.1).
func dropHops(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}

// closeWith closes a transport's idle connections when ctx ends.
func closeWith(ctx context.Context, t *http.Transport) {
	if ctx != nil {
		context.AfterFunc(ctx, t.CloseIdleConnections)
	}
}
