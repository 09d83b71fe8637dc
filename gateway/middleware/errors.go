package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/respwriter"
	"axion/gateway/urlpath"
)

func errorPages(c *config.Errors, env Env) (Middleware, error) {
	p, err := newPages(c)
	if err != nil {
		return nil, err
	}
	if c.Service == "" {
		return nil, errors.New("errors.service is empty")
	}
	if env.Service == nil {
		return nil, errors.New("errors.service: no service is known")
	}
	service, err := env.Service(c.Service)
	if err != nil {
		return nil, fmt.Errorf("errors.service: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before := saveHeaders(w.Header())
			defer before.release()
			got := &statusInterceptor{ResponseWriter: w, caught: p.caught}
			host := r.Host
			next.ServeHTTP(got, r)
			if !got.dropped {
				return
			}
			before.restore(w.Header())
			r.Host = host // middlewares within may have set another
			p.serve(w, r, service, got.status)
		})
	}, nil
}

// newPages reads which answers pages stand for, and where they are.
func newPages(c *config.Errors) (*pages, error) {
	p := &pages{query: "/" + strings.TrimPrefix(c.Query, "/")}
	for _, text := range c.Status {
		s, err := parseStatuses("errors.status", text)
		if err != nil {
			return nil, err
		}
		p.caught = append(p.caught, s)
	}
	for text, to := range c.StatusRewrites {
		from, err := parseStatuses("errors.statusrewrites", text)
		if err != nil {
			return nil, err
		}
		if to < 200 || to > 599 {
			return nil, fmt.Errorf("errors.statusrewrites.%s: %d is not the status of an answer", text, to)
		}
		p.rewrites = append(p.rewrites, rewrite{from, to})
	}
	// The narrower range wins where two hold a status.
	slices.SortFunc(p.rewrites, func(a, b rewrite) int {
		return (a.from.to-a.from.from)*1000 + a.from.from - (b.from.to-b.from.from)*1000 - b.from.from
	})
	if _, err := p.url(http.StatusNotFound, http.StatusNotFound, "x", ""); err != nil {
		return nil, fmt.Errorf("errors.query: %w", err)
	}
	if c.ErrorRequestHeaders != nil {
		p.headers = make([]string, 0, len(c.ErrorRequestHeaders))
		for _, name := range c.ErrorRequestHeaders {
			p.headers = append(p.headers, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	return p, nil
}

// pages serves pages in place of answers with a caught status.
type pages struct {
	caught   []statuses
	rewrites []rewrite
	query    string
	headers  []string // handed on; nil means all
}

type rewrite struct {
	from statuses
	to   int
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request, service http.Handler, original int) {
	status := original
	if i := slices.IndexFunc(p.rewrites, func(w rewrite) bool { return w.from.has(original) }); i >= 0 {
		status = p.rewrites[i].to
	}
	u, err := p.url(status, original, r.Host, askedURL(r))
	if err != nil || urlpath.Dotted(u.EscapedPath()) { // the client may have a say in {url}
		http.Error(w, http.StatusText(status), status)
		return
	}
	ctx, cancel := cancellation.Detach(r.Context())
	defer cancel()
	page := (&http.Request{
		Method: http.MethodGet, URL: u, RequestURI: u.RequestURI(), Host: r.Host,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: p.header(r.Header), Body: http.NoBody,
		RemoteAddr: r.RemoteAddr, TLS: r.TLS,
	}).WithContext(ctx)
	service.ServeHTTP(&errorPageWriter{ResponseWriter: w, status: status}, page)
}

// askedURL is the whole URL that r is for.
func askedURL(r *http.Request) string {
	u := *r.URL
	u.Scheme, u.Host, u.User = schemeOf(r), r.Host, nil
	return u.String()
}

// url is that of the page; host stays as the client gave it.
func (p *pages) url(status, original int, host, asked string) (*url.URL, error) {
	u, err := url.Parse("http://host" + strings.NewReplacer(
		"{status}", strconv.Itoa(status),
		"{originalStatus}", strconv.Itoa(original),
		"{url}", url.QueryEscape(asked),
	).Replace(p.query))
	if err != nil {
		return nil, err
	}
	u.Scheme, u.Host = "http", host
	return u, nil
}

// notForPages are the headers that speak of the original request's body, of parts
// of its answer or of another protocol.
var notForPages = []string{
	"Connection", "Content-Encoding", "Content-Length", "Expect", "If-Match", "If-Modified-Since", "If-None-Match",
	"If-Range", "If-Unmodified-Since", "Range", "Transfer-Encoding", "Upgrade",
}

func (p *pages) header(of http.Header) http.Header {
	if p.headers != nil {
		h := make(http.Header, len(p.headers))
		for _, name := range p.headers {
			if values, ok := of[name]; ok {
				h[name] = slices.Clone(values)
			}
		}
		return h
	}
	h := of.Clone()
	for _, name := range notForPages {
		delete(h, name)
	}
	return h
}

// statusInterceptor hands on answers but those of a caught status, which it drops.
type statusInterceptor struct {
	http.ResponseWriter
	caught  []statuses
	status  int
	dropped bool
}

// WriteHeader sends the header, or notes that the answer is to be dropped.
func (c *statusInterceptor) WriteHeader(status int) {
	if c.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		c.status = status
		c.dropped = slices.ContainsFunc(c.caught, func(s statuses) bool { return s.has(status) })
	}
	if !c.dropped {
		c.ResponseWriter.WriteHeader(status)
	}
}

// Write sends p, or drops it.
func (c *statusInterceptor) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.dropped {
		return len(p), nil
	}
	return c.ResponseWriter.Write(p)
}

// FlushError sends what is buffered, the header included.
func (c *statusInterceptor) FlushError() error {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.dropped {
		return nil
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (c *statusInterceptor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// errorPageWriter gives a page the status of the answer that it stands for.
type errorPageWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

var _ respwriter.FailureHandler = (*errorPageWriter)(nil)

// WriteHeader sends the header with the status that stands.
func (p *errorPageWriter) WriteHeader(status int) {
	if status >= 200 && !p.sent {
		p.sent = true
		p.ResponseWriter.WriteHeader(p.status)
	}
}

// Write sends the page.
func (p *errorPageWriter) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if !hasBody(p.status) {
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

// FlushError sends what is buffered, the header included.
func (p *errorPageWriter) FlushError() error {
	p.WriteHeader(http.StatusOK)
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unreachable keeps a retry outside of this middleware from asking for what has
// been answered: only the page is missing.
func (p *errorPageWriter) Unreachable(error) bool { return false }

// Unwrap lets [http.ResponseController] reach the connection.
func (p *errorPageWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// hasBody says whether answers of that status may have one.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
