package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

// callTimeout bounds one call through the gateway, answer included.
const callTimeout = 10 * time.Second

// Client says how the dashboard reaches the services: as any other client does,
// through the gateway, over TLS, with a bearer token.
type Client struct {
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
}

// validate reports the first field that is missing or wrong.
func (c *Client) validate() error {
	u, err := url.Parse(c.Graph)
	switch {
	case err != nil:
		return fmt.Errorf("option Client.Graph: %w", err)
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("option Client.Graph: %q is not an http or https address", c.Graph)
	case c.Gateway == "":
		return errors.New("option Client.Gateway is missing")
	case c.Token == nil:
		return errors.New("option Client.Token is missing")
	}
	return nil
}

// caller makes a [Client]'s calls. It is safe for concurrent use.
type caller struct {
	client Client
	base   *url.URL
	http   *http.Client
	dialer *websocket.Dialer
}

// newCaller expects a client that was validated.
func newCaller(c Client) (*caller, error) {
	base, err := url.Parse(c.Graph)
	if err != nil {
		return nil, fmt.Errorf("parse graph address: %w", err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, c.Gateway)
	}
	trust := &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	return &caller{
		client: c,
		base:   base,
		http: &http.Client{
			Timeout: callTimeout,
			Transport: &http.Transport{
				DialContext:         dial,
				TLSClientConfig:     trust,
				ForceAttemptHTTP2:   true,
				IdleConnTimeout:     time.Minute,
				MaxIdleConnsPerHost: 4,
			},
			// A redirect is an answer like any other: following one would take
			// the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		dialer: &websocket.Dialer{
			NetDialContext:   dial,
			TLSClientConfig:  trust.Clone(),
			HandshakeTimeout: callTimeout,
		},
	}, nil
}

// call is one request to a service.
type call struct {
	host         string // the service's; empty means the graph service's
	method, path string
	query        url.Values
	header       http.Header // beside what every call has
	body         io.Reader   // JSON; nil means none
	limit        int64       // how large the answer may be, in bytes
}

// answer is what a service said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends one request and reads the answer whole.
func (c *caller) do(ctx context.Context, one call) (answer, error) {
	token, err := c.client.Token(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("get a token: %w", err)
	}
	target := c.at(one.host).JoinPath(one.path)
	target.RawQuery = one.query.Encode()
	req, err := http.NewRequestWithContext(ctx, one.method, target.String(), one.body)
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(req.Header, one.header)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json, application/problem+json, application/zip")
	if one.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if safeMethod(one.method) {
		req.Header.Set("Traceparent", unrecorded())
	}
	res, err := c.http.Do(req)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the address is said already
		}
		return answer{}, fmt.Errorf("call %s://%s through the gateway at %s: %w", target.Scheme, target.Host, c.client.Gateway, err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(res.Body, one.limit+1))
	if err != nil {
		return answer{}, fmt.Errorf("read answer of %s: %w", target, err)
	}
	if int64(len(content)) > one.limit {
		return answer{}, fmt.Errorf("read answer of %s: more than %d bytes", target, one.limit)
	}
	return answer{res.StatusCode, res.Header, content}, nil
}

// at is the address of a service, by its host.
func (c *caller) at(host string) *url.URL {
	address := *c.base
	if host != "" {
		address.Host = host
		if port := c.base.Port(); port != "" {
			address.Host = net.JoinHostPort(host, port)
		}
	}
	return &address
}

// dial opens the graph service's WebSocket and asks for the messages after a
// time, that of the last one which was received.
func (c *caller) dial(ctx context.Context, after string) (*websocket.Conn, error) {
	token, err := c.client.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	target := c.base.JoinPath("/ws")
	target.Scheme = map[string]string{"http": "ws", "https": "wss"}[target.Scheme]
	target.RawQuery = url.Values{"after": {after}}.Encode()
	header := http.Header{"Authorization": {"Bearer " + token}, "Traceparent": {unrecorded()}}
	conn, res, err := c.dialer.DialContext(ctx, target.String(), header)
	if res != nil && err != nil {
		_ = res.Body.Close()
		return nil, fmt.Errorf("open the WebSocket of %s through the gateway at %s: answered %s", c.base, c.client.Gateway, res.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("open the WebSocket of %s through the gateway at %s: %w", c.base, c.client.Gateway, err)
	}
	return conn, nil
}

// unrecorded is a traceparent (W3C Trace Context) that has nothing recorded: what pages
// look at again and again would bury what people and services do.
func unrecorded() string {
	return fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64()|1, rand.Uint64()|1)
}

// close releases idle connections.
func (c *caller) close() { c.http.CloseIdleConnections() }
