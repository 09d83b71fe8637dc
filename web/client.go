package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// callTimeout bounds one call through the gateway, answer included.
	callTimeout = 10 * time.Second
	// maxAnswer bounds the body of an answer, in bytes.
	maxAnswer = 4 << 20
)

// Client says how the dashboard reaches the graph service: as any other client
// does, through the gateway, over TLS, with a bearer token.
type Client struct {
	// Graph is the service's public address, "https://graph.localhost:8443".
	// Required. Its scheme may be http.
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

// answer is what the graph service said.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// do sends one request and reads the answer whole.
func (c *caller) do(ctx context.Context, method, path string, query url.Values, body io.Reader) (answer, error) {
	token, err := c.client.Token(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("get a token: %w", err)
	}
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the address is said already
		}
		return answer{}, fmt.Errorf("call %s through the gateway at %s: %w", c.base, c.client.Gateway, err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("read answer of %s: %w", target, err)
	}
	if len(content) > maxAnswer {
		return answer{}, fmt.Errorf("read answer of %s: more than %d bytes", target, maxAnswer)
	}
	return answer{res.StatusCode, res.Header.Get("Content-Type"), content}, nil
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
	header := http.Header{"Authorization": {"Bearer " + token}}
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

// close releases idle connections.
func (c *caller) close() { c.http.CloseIdleConnections() }
