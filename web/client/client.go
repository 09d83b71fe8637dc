// Package client reaches the services as any other client does: through the gateway, over
// TLS, with a bearer token.
package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"axion/web/guard"
)

// Timeout bounds one call through the gateway, answer included.
const Timeout = 10 * time.Second

// Options say where the services are, and who calls them.
type Options struct {
	// Graph is the graph service's public address, "https://graph.localhost:8443".
	// Required. Its scheme may be http. The other services have hosts of their own
	// at the same port.
	Graph string
	// Gateway is the host:port that is dialled whatever the host in Graph is,
	// since names under localhost need not resolve. Required.
	Gateway string
	// RootCAs verify the gateway's certificate; nil means the system's.
	RootCAs *x509.CertPool
	// Token gives a bearer token that is valid now. Required; called for each
	// request, so that it should cache.
	Token func(context.Context) (string, error)
	// Session gives the token of a session, for services that accept none but that: it
	// is sent where Token's is answered 401. Nil means that there is none.
	Session func(context.Context) (string, error)
}

// Client calls the services. It is safe for concurrent use.
type Client struct {
	opts      Options
	base      *url.URL
	transport *http.Transport
	dialer    *websocket.Dialer
	// sessions are the hosts of services that are sent the session's token.
	sessions sync.Map
}

// New makes a client. The error names the option that is missing or wrong.
func New(opts Options) (*Client, error) {
	base, err := url.Parse(opts.Graph)
	switch {
	case err != nil:
		return nil, fmt.Errorf("option Client.Graph: %w", err)
	case base.Scheme != "https" && base.Scheme != "http" || base.Host == "":
		return nil, fmt.Errorf("option Client.Graph: %q is not an http or https address", opts.Graph)
	case opts.Gateway == "":
		return nil, errors.New("option Client.Gateway is missing")
	case opts.Token == nil:
		return nil, errors.New("option Client.Token is missing")
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, opts.Gateway)
	}
	trust := &tls.Config{RootCAs: opts.RootCAs, MinVersion: tls.VersionTLS12}
	return &Client{
		opts: opts,
		base: base,
		transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     trust,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     time.Minute,
			MaxIdleConnsPerHost: 4,
		},
		dialer: &websocket.Dialer{
			NetDialContext:   dial,
			TLSClientConfig:  trust.Clone(),
			HandshakeTimeout: Timeout,
		},
	}, nil
}

// URL is the address of a service, by its host; empty means the graph service's.
func (c *Client) URL(host string) *url.URL {
	address := *c.base
	address.Path = cmp.Or(address.Path, "/") // a path that is joined to none would be relative
	if host != "" {
		address.Host = host
		if port := c.base.Port(); port != "" {
			address.Host = net.JoinHostPort(host, port)
		}
	}
	return &address
}

// RoundTrip sends a request to a service with a bearer token. One with a body needs
// GetBody, since two tokens may be tried.
func (c *Client) RoundTrip(r *http.Request) (res *http.Response, err error) {
	err = c.authorized(r.Context(), r.URL.Host, func(ctx context.Context, token string) (status int, err error) {
		if res != nil {
			_ = res.Body.Close()
		}
		out := r.Clone(untraced{ctx}) //nolint:contextcheck // it is ctx
		if r.Body != nil && r.Body != http.NoBody {
			if out.Body, err = r.GetBody(); err != nil {
				return 0, fmt.Errorf("read request: %w", err)
			}
		}
		out.Header.Set("Authorization", "Bearer "+token)
		out.Header.Set("Accept", "application/json, application/problem+json, application/zip")
		if guard.SafeMethod(r.Method) {
			out.Header.Set("Traceparent", unrecorded())
		}
		if res, err = c.transport.RoundTrip(out); err != nil { //nolint:bodyclose // by the caller
			return 0, fmt.Errorf("call %s://%s through the gateway at %s: %w", r.URL.Scheme, r.URL.Host, c.opts.Gateway, err)
		}
		return res.StatusCode, nil
	})
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// untraced hides the trace of a proxy, which would pass answers such as 103 on.
type untraced struct{ context.Context }

// Value has none.
func (untraced) Value(any) any { return nil }

// authorized calls send with a bearer token, and where that is answered 401 once more
// with one of the other kind. The kind that a service accepted is the first that it is
// sent the next time.
func (c *Client) authorized(ctx context.Context, host string, send func(ctx context.Context, token string) (status int, err error)) error {
	kinds := []func(context.Context) (string, error){c.opts.Token}
	_, session := c.sessions.Load(host)
	switch {
	case session:
		kinds = append([]func(context.Context) (string, error){c.opts.Session}, kinds...)
	case c.opts.Session != nil:
		kinds = append(kinds, c.opts.Session)
	}
	var failed error
	for i, token := range kinds {
		bearer, err := token(ctx)
		if err != nil {
			return fmt.Errorf("get a token: %w", err)
		}
		var status int
		if status, failed = send(ctx, bearer); status == http.StatusUnauthorized {
			continue
		}
		switch {
		case i > 0 && session:
			c.sessions.Delete(host)
		case i > 0 && failed == nil:
			c.sessions.Store(host, true)
		}
		break
	}
	return failed
}

// Get reads what the graph service answers at a path, at most limit bytes of JSON, into v.
func (c *Client) Get(ctx context.Context, path string, query url.Values, limit int64, v any) error {
	target := c.URL("").JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := c.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("call %s: answered %s", target, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, limit)).Decode(v); err != nil {
		return fmt.Errorf("read answer of %s: %w", target, err)
	}
	return nil
}

// Dial opens the graph service's WebSocket and asks for the messages after a
// time, that of the last one which was received.
func (c *Client) Dial(ctx context.Context, after string) (conn *websocket.Conn, err error) {
	target := c.base.JoinPath("/ws")
	target.Scheme = map[string]string{"http": "ws", "https": "wss"}[target.Scheme]
	target.RawQuery = url.Values{"after": {after}}.Encode()
	err = c.authorized(ctx, target.Host, func(ctx context.Context, token string) (status int, err error) {
		header := http.Header{"Authorization": {"Bearer " + token}, "Traceparent": {unrecorded()}}
		var res *http.Response
		conn, res, err = c.dialer.DialContext(ctx, target.String(), header)
		if res != nil && err != nil {
			_ = res.Body.Close()
			return res.StatusCode, fmt.Errorf("open the WebSocket of %s through the gateway at %s: answered %s", c.base, c.opts.Gateway,
				res.Status)
		}
		if err != nil {
			return 0, fmt.Errorf("open the WebSocket of %s through the gateway at %s: %w", c.base, c.opts.Gateway, err)
		}
		return res.StatusCode, nil
	})
	return conn, err
}

// unrecorded is a traceparent (W3C Trace Context) that is not sampled: what pages
// read again and again would bury what people and services do.
func unrecorded() string {
	return fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64()|1, rand.Uint64()|1)
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }
