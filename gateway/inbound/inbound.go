// Package inbound is how an entrypoint treats the requests that come in, before a
// route is looked for: what is refused, how long a client may take, what a connection
// may be used for, and in which form the request goes on.
package inbound

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"axion/gateway/config"
	"axion/gateway/proxy"
	"axion/gateway/rule"
)

const (
	// DefaultReadTimeout is how long the whole of a request may take, as in Traefik.
	DefaultReadTimeout = 60 * time.Second
	// DefaultIdleTimeout is how long a connection may wait for its next request, as in
	// Traefik.
	DefaultIdleTimeout = 180 * time.Second
	// DefaultHeadTimeout bounds a request's head, and the TLS handshake, where no
	// read timeout is set: a head is small.
	DefaultHeadTimeout = 10 * time.Second
	// DefaultMaxHeaderBytes bounds a request's header, as in Traefik.
	DefaultMaxHeaderBytes = http.DefaultMaxHeaderBytes
)

// Policy is how one entrypoint treats requests. It does not change, and is safe for
// concurrent use.
type Policy struct {
	// Observability is what is reported of its requests. Nil means all.
	Observability *config.Observability

	verbatim    bool // dot segments and double slashes of paths are left
	describe    func(*http.Request)
	read        time.Duration // for the head and the body; 0 means no limit
	write       time.Duration // for the answer; 0 means no limit
	maxRequests int           // of one connection; 0 means no limit
	maxAge      time.Duration // of a connection that is to be used again; 0 means no limit
	escapes     []string      // that no path may hold
	semicolons  string        // what those of a query become
	aliases     aliases
}

// New reads the settings. What is wrong with them is reported, and counts as left out.
func New(c *config.EntryPoint) (*Policy, []error) {
	p := &Policy{Observability: c.Observability, read: DefaultReadTimeout, semicolons: "&"}
	if c.HTTP.EncodeQuerySemicolons {
		p.semicolons = "%3B"
	}
	p.verbatim = c.HTTP.SanitizePath != nil && !*c.HTTP.SanitizePath
	p.escapes = refusedEscapes(c.HTTP.EncodedCharacters)
	t := Timeouts(c)
	if t.ReadTimeout != nil {
		p.read = max(time.Duration(*t.ReadTimeout), 0)
	}
	if t.WriteTimeout != nil {
		p.write = max(time.Duration(*t.WriteTimeout), 0)
	}
	if c.Transport != nil {
		p.maxRequests, p.maxAge = max(c.Transport.KeepAliveMaxRequests, 0), max(time.Duration(c.Transport.KeepAliveMaxTime), 0)
	}
	var errs []error
	trusted, err := trust("forwardedHeaders.trustedIPs", c.ForwardedHeaders)
	if err != nil {
		errs = append(errs, err)
	}
	options := proxy.ForwardedOptions{Trusted: trusted}
	if f := c.ForwardedHeaders; f != nil {
		options.Connection, options.Scheme = f.Connection, f.AddXForwardedSchemeHeaders
	}
	p.describe = proxy.Forwarded(options)
	if p.aliases, err = newAliases(c.HTTP); err != nil {
		errs = append(errs, err)
	}
	if c.HTTP2 != nil && min(c.HTTP2.MaxConcurrentStreams, c.HTTP2.MaxDecoderHeaderTableSize, c.HTTP2.MaxEncoderHeaderTableSize) < 0 {
		errs = append(errs, errors.New("a setting of http2 is negative"))
	}
	return p, errs
}

// Timeouts are those that c sets.
func Timeouts(c *config.EntryPoint) config.RespondingTimeouts {
	if c.Transport == nil || c.Transport.RespondingTimeouts == nil {
		return config.RespondingTimeouts{}
	}
	return *c.Transport.RespondingTimeouts
}

// HeadTimeout is how long the head of a request may take under c.
func HeadTimeout(c *config.EntryPoint) time.Duration {
	if t := Timeouts(c).ReadTimeout; t != nil && *t > 0 {
		return time.Duration(*t)
	}
	return DefaultHeadTimeout
}

// IdleTimeout is how long a connection may wait for its next request under c; 0 means
// no limit. As in Traefik one of 0 means the read timeout.
func IdleTimeout(c *config.EntryPoint) time.Duration {
	t := Timeouts(c)
	switch {
	case t.IdleTimeout == nil:
		return DefaultIdleTimeout
	case *t.IdleTimeout > 0:
		return time.Duration(*t.IdleTimeout)
	case t.ReadTimeout != nil:
		return max(time.Duration(*t.ReadTimeout), 0)
	}
	return DefaultReadTimeout
}

// Request is r in the form that routers match. An error means that it is to be
// answered with 400. It drops headers of r that the entrypoint does not let pass.
func (p *Policy) Request(r *http.Request) (*rule.Request, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	if err := p.aliases.apply(r.Header); err != nil {
		return nil, err
	}
	read := rule.NewRequest
	if p.verbatim {
		read = rule.NewVerbatimRequest
	}
	req, err := read(p.query(r))
	if err != nil {
		return nil, err
	}
	return req, p.path(req.HTTP)
}

// check says what is wrong with a request that HTTP/1.1 could not carry as it is, or
// is nil. HTTP/2 and HTTP/3 have no lines, so that their libraries let pass what would
// end one early or add to it (RFC 9113, section 8.2.1 and 10.3; RFC 9114, section 10.3).
func check(r *http.Request) error {
	if !isToken(r.Method) {
		return errMethod
	}
	if !httpguts.ValidHostHeader(r.Host) {
		return errHost
	}
	switch {
	case r.URL.Opaque != "", r.URL.Path == "*" && r.Method != http.MethodOptions:
		return errTarget
	}
	for i := range len(r.URL.RawQuery) {
		if c := r.URL.RawQuery[i]; c <= ' ' || c == 0x7f {
			return errTarget
		}
	}
	return nil
}

// Malformed is why a request is refused with 400.
type Malformed string

// Error says what is malformed.
func (m Malformed) Error() string { return string(m) }

const (
	errMethod = Malformed("the request's method is not a token")
	errHost   = Malformed("the request's host holds characters that no host has")
	errTarget = Malformed("the request's target is not a path")
	errEscape = Malformed("the request's path holds an escape that this entrypoint refuses")
	errName   = Malformed("a header's name holds characters that this entrypoint refuses")
)

func isToken(s string) bool {
	switch s {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return true
	}
	return httpguts.ValidHeaderFieldName(s) // a token too (RFC 9110, section 5.6.2)
}

// Describe puts what is known of the client into the request's header.
func (p *Policy) Describe(r *http.Request) { p.describe(r) }

// query has the semicolons of the query part its values, or be escaped where the
// entrypoint has it so: servers differ about them, and rules must see what they see. It
// does not change r, but may return a copy.
func (p *Policy) query(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.RawQuery, ";") {
		return r
	}
	copied, u := *r, *r.URL
	u.RawQuery = strings.ReplaceAll(u.RawQuery, ";", p.semicolons)
	copied.URL, copied.RequestURI = &u, u.RequestURI()
	return &copied
}

// path refuses a path that holds an escape which the entrypoint does not allow.
func (p *Policy) path(r *http.Request) error {
	if len(p.escapes) == 0 {
		return nil
	}
	path := r.URL.EscapedPath()
	if !strings.Contains(path, "%") {
		return nil
	}
	path = strings.ToUpper(path)
	for _, e := range p.escapes {
		if strings.Contains(path, e) {
			return errEscape
		}
	}
	return nil
}

// refusedEscapes are those of c that are set to false: nil allows, as in Traefik since
// 3.6.7.
func refusedEscapes(c *config.EntryPointEncodedCharacters) (list []string) {
	if c == nil {
		return nil
	}
	for _, e := range []struct {
		text    string
		allowed *bool
	}{
		{"%2F", c.AllowEncodedSlash}, {"%5C", c.AllowEncodedBackSlash}, {"%00", c.AllowEncodedNullCharacter}, {"%3B", c.AllowEncodedSemicolon},
		{"%25", c.AllowEncodedPercent}, {"%3F", c.AllowEncodedQuestionMark}, {"%23", c.AllowEncodedHash},
	} {
		if e.allowed != nil && !*e.allowed {
			list = append(list, e.text)
		}
	}
	return list
}

// trust says whose word on the client is believed; nil means nobody's.
func trust(key string, c *config.ForwardedHeaders) (func(netip.Addr) bool, error) {
	if c == nil {
		return nil, nil
	}
	if c.Insecure {
		return func(netip.Addr) bool { return true }, nil
	}
	var ranges []netip.Prefix
	var wrong error
	for _, text := range c.TrustedIPs {
		if p, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			ranges = append(ranges, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		} else if wrong == nil {
			wrong = fmt.Errorf("%s: %q is neither an address nor a range such as 10.0.0.0/8", key, text)
		}
	}
	return func(a netip.Addr) bool {
		a = a.Unmap().WithZone("")
		for _, p := range ranges {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}, wrong
}
