package middleware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/respwriter"
	"axion/gateway/spool"
)

const authTimeout = 30 * time.Second

// forwardAuth asks another server whether a request may pass: an answer of 2xx lets
// it, any other is the client's.
func forwardAuth(c *config.ForwardAuth, env Env) (Middleware, error) {
	u, err := url.Parse(c.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("forwardauth.address %q is not a URL such as http://127.0.0.1:4181/verify", c.Address)
	}
	if _, err := url.Parse(c.AuthSigninURL); err != nil {
		return nil, fmt.Errorf("forwardauth.authsigninurl %q is not a URL", c.AuthSigninURL)
	}
	a := &authorizer{config: c, limit: limitOf(c.MaxResponseBodySize), bodyLimit: limitOf(c.MaxBodySize)}
	if c.AuthResponseHeadersRegex != "" {
		if a.pattern, err = regexp.Compile(c.AuthResponseHeadersRegex); err != nil {
			return nil, fmt.Errorf("forwardauth.authresponseheadersregex: %w", err)
		}
	}
	transport := env.Transport
	if c.TLS != nil || transport == nil {
		own, err := clientTransport(env.Context, c.TLS)
		if err != nil {
			return nil, fmt.Errorf("forwardauth.%w", err)
		}
		a.dialed.check = env.Check
		own.DialContext, transport = a.dialed.dial, own
	}
	a.client = &http.Client{Transport: transport, Timeout: authTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, next) })
	}, nil
}

func limitOf(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// authorizer is one forwardauth.
type authorizer struct {
	dialed           dialed
	config           *config.ForwardAuth
	client           *http.Client
	pattern          *regexp.Regexp
	limit, bodyLimit int64 // bytes; negative means no limit
}

func (a *authorizer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if a.dialed.has(r.RemoteAddr) { // it would ask about its own question without end
		http.Error(w, http.StatusText(http.StatusLoopDetected), http.StatusLoopDetected)
		return
	}
	req, kept, err := a.authRequest(r)
	if kept != nil {
		defer kept.Close()
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
	if err == nil && kept != nil {
		r.Body = io.NopCloser(kept.Reader())
	}
	if err == nil && a.config.HeaderField != "" {
		respwriter.User(w, res.Header.Get(a.config.HeaderField))
	}
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
	case errors.Is(err, spool.ErrUnreadable):
		spool.Fail(w, r, err)
	case err != nil && r.Context().Err() != nil:
		w.WriteHeader(cancellation.Status(cancellation.Cause(r.Context())))
	case err != nil:
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	case res.StatusCode == http.StatusUnauthorized && a.config.AuthSigninURL != "":
		http.Redirect(w, r, a.config.AuthSigninURL, http.StatusFound)
	case res.StatusCode < 200 || res.StatusCode > 299:
		a.refuse(w, r, res, body)
	default:
		a.allow(w, r, res, next)
	}
}

// authRequest is the request that the server is asked with. The body that is kept for
// the service is nil where it has not been read.
func (a *authorizer) authRequest(r *http.Request) (req *http.Request, kept *spool.Buffer, err error) {
	method := http.MethodGet
	if a.config.PreserveRequestMethod {
		method = r.Method
	}
	var body io.Reader
	// What follows a CONNECT is a tunnel's, not a body.
	if a.config.ForwardBody && (r.Method != http.MethodConnect || r.ContentLength >= 0) {
		var whole bool
		if kept, whole, err = spool.Keep(r, a.bodyLimit); err == nil && !whole {
			err = spool.ErrTooLarge
		}
		if err == nil && kept != nil {
			body = kept.Reader()
		}
	}
	if err != nil {
		return nil, kept, err
	}
	if req, err = http.NewRequestWithContext(r.Context(), method, a.config.Address, body); err != nil {
		return nil, kept, err
	}
	if kept != nil && kept.Size() > 0 {
		req.ContentLength = kept.Size()
	} else {
		req.Body = http.NoBody
	}
	req.Header = a.header(r)
	return req, kept, nil
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

// allow takes over the headers that the server is to set.
func (a *authorizer) allow(w http.ResponseWriter, r *http.Request, res *http.Response, next http.Handler) {
	for _, name := range a.config.AuthResponseHeaders {
		name = http.CanonicalHeaderKey(name)
		take(r, name)
		if values := res.Header[name]; len(values) > 0 {
			r.Header[name] = slices.Clone(values)
		}
	}
	if a.pattern != nil {
		for _, of := range []http.Header{r.Header, r.Trailer} {
			maps.DeleteFunc(of, func(name string, _ []string) bool { return a.pattern.MatchString(name) })
		}
		for name, values := range res.Header {
			if a.pattern.MatchString(name) {
				r.Header[name] = slices.Clone(values)
			}
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
	e := &headerEditor{ResponseWriter: w, edit: func(h http.Header) {
		h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
			name, _, _ := strings.Cut(line, "=")
			return slices.Contains(a.config.AddAuthCookiesToResponse, name)
		})
		h["Set-Cookie"] = append(h["Set-Cookie"], cookies...)
	}}
	next.ServeHTTP(e, r)
	e.finish()
}

// readAtMost reads all of r, or fails where that is more than limit; a negative limit
// means none.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	if limit >= 0 && limit < math.MaxInt64 {
		r = io.LimitReader(r, limit+1)
	}
	text, err := io.ReadAll(r)
	if err == nil && limit >= 0 && int64(len(text)) > limit {
		err = spool.ErrTooLarge
	}
	return text, err
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// closeWith closes a transport's idle connections when ctx ends.
func closeWith(ctx context.Context, t *http.Transport) {
	if ctx != nil {
		context.AfterFunc(ctx, t.CloseIdleConnections)
	}
}
