package upstream

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"
)

func (c *Client) newTransport() *http.Transport {
	base := func() *http.Transport {
		return &http.Transport{
			DialContext:            c.dialer.DialContext,
			TLSHandshakeTimeout:    tlsTimeout,
			MaxIdleConnsPerHost:    c.opts.MaxIdlePerHost,
			DisableKeepAlives:      c.opts.MaxIdlePerHost == 0,
			IdleConnTimeout:        c.opts.IdleTimeout,
			ResponseHeaderTimeout:  c.opts.ResponseHeaderTimeout,
			ExpectContinueTimeout:  continueAfter,
			MaxResponseHeaderBytes: int64(c.opts.MaxResponseHeaderBytes),
			DisableCompression:     true, // what the client accepts decides
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: c.opts.ReadIdleTimeout, PingTimeout: c.opts.PingTimeout},
			Protocols:              &http.Protocols{},
		}
	}
	t := base()
	t.TLSClientConfig = &tls.Config{}
	if c.opts.TLS != nil {
		t.TLSClientConfig = c.opts.TLS.Clone()
	}
	t.TLSClientConfig.NextProtos = nil
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(!c.opts.DisableHTTP2)
	clear := base()
	clear.Protocols.SetUnencryptedHTTP2(true)
	t.RegisterProtocol("h2c", h2c{clear})
	return t
}

// h2c takes requests of that scheme.
type h2c struct{ *http.Transport }

func (h h2c) RoundTrip(r *http.Request) (*http.Response, error) {
	clear := r.WithContext(r.Context())
	u := *r.URL
	u.Scheme = "http"
	clear.URL = &u
	return h.Transport.RoundTrip(clear)
}

// roundTrip forwards through net/http's client.
func (c *Client) roundTrip(w http.ResponseWriter, r *http.Request, t *Target) (Result, error) {
	start := time.Now()
	var result Result
	var failure error
	var shaking, got atomic.Bool
	trace := &httptrace.ClientTrace{
		TLSHandshakeStart: func() { shaking.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { got.Store(true) },
	}
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	flush := t.FlushInterval
	if flush == 0 {
		flush = defaultFlush
	}
	p := &httputil.ReverseProxy{
		Transport:     c.transport,
		FlushInterval: flush,
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(_ http.ResponseWriter, _ *http.Request, err error) { failure = err },
		ModifyResponse: func(res *http.Response) error {
			result = Result{Status: res.StatusCode, FirstByte: time.Since(start)}
			return nil
		},
		Rewrite: func(p *httputil.ProxyRequest) { rewrite(p.Out, p.In, t) },
	}
	p.ServeHTTP(w, r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	switch {
	case failure == nil:
		return result, nil
	case got.Load():
		return result, &Error{Op: "header", Err: failure}
	case shaking.Load():
		return result, &Error{Op: "tls", Err: failure}
	}
	return result, &Error{Op: "dial", Err: failure}
}

func rewrite(out, in *http.Request, t *Target) {
	out.URL.Scheme = t.URL.Scheme
	out.URL.Host = t.URL.Host
	out.URL.RawQuery = in.URL.RawQuery // as it was: ReverseProxy drops a;b
	if t.PreservePath {
		joined := t.URL.JoinPath(in.URL.EscapedPath())
		out.URL.Path, out.URL.RawPath = joined.Path, joined.RawPath
	}
	if !t.PassHost {
		out.Host = t.URL.Host
	}
	for name, values := range in.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Forwarded" {
			out.Header[name] = values
		}
	}
	if ip, _, err := net.SplitHostPort(in.RemoteAddr); err == nil {
		out.Header["X-Forwarded-For"] = []string{strings.Join(append(in.Header["X-Forwarded-For"][:len(in.Header["X-Forwarded-For"]):len(in.Header["X-Forwarded-For"])], ip), ", ")}
	}
}

