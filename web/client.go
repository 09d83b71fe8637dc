package web

import (
	"bytes"
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
	"sync"
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
	// Session gives the token of a session, for services that take none but that: it
	// is sent where Token's is answered 401. Nil means that there is none.
	Session func(context.Context) (string, error)
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
	// sessions are the hosts of services that are sent the session's token.
	sessions sync.Map
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
	body         []byte      // JSON; nil means none
	limit        int64       // how large the answer may be, in bytes
}

// answer is what a service said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends one request and reads the answer whole.
func (c *caller) do(ctx context.Context, one call) (got answer, err error) {
	target := c.at(one.host).JoinPath(one.path)
	target.RawQuery = one.query.Encode()
	err = c.authorized(ctx, target.Host, func(token string) (status int, err error) {
		got, err = c.send(ctx, target, token, one)
		return got.status, err
	})
	return got, err
}

// authorized has send ask a service with a bearer token, and where that is answered
// 401 once more with one of the other kind. The kind that a service took is the first
// that it is sent the next time.
func (c *caller) authorized(ctx context.Context, host string, send func(token string) (status int, err error)) error {
	kinds := []func(context.Context) (string, error){c.client.Token}
	_, session := c.sessions.Load(host)
	switch {
	case session:
		kinds = append([]func(context.Context) (string, error){c.client.Session}, kinds...)
	case c.client.Session != nil:
		kinds = append(kinds, c.client.Session)
	}
	var failed error
	for i, token := range kinds {
		bearer, err := token(ctx)
		if err != nil {
			return fmt.Errorf("get a token: %w", err)
		}
		var status int
		if status, failed = send(bearer); status == http.StatusUnauthorized {
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

// send sends one request with a bearer token and reads the answer whole.
func (c *caller) send(ctx context.Context, target *url.URL, token string, one call) (answer, error) {
	var content io.Reader
	if one.body != nil {
		content = bytes.NewReader(one.body)
	}
	req, err := http.NewRequestWithContext(ctx, one.method, target.String(), content)
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
	whole, err := io.ReadAll(io.LimitReader(res.Body, one.limit+1))
	if err != nil {
		return answer{}, fmt.Errorf("read answer of %s: %w", target, err)
	}
	if int64(len(whole)) > one.limit {
		return answer{}, fmt.Errorf("read answer of %s: more than %d bytes", target, one.limit)
	}
	return answer{res.StatusCode, res.Header, whole}, nil
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
func (c *caller) dial(ctx context.Context, after string) (conn *websocket.Conn, err error) {
	target := c.base.JoinPath("/ws")
	target.Scheme = map[string]string{"http": "ws", "https": "wss"}[target.Scheme]
	target.RawQuery = url.Values{"after": {after}}.Encode()
	err = c.authorized(ctx, target.Host, func(token string) (status int, err error) {
		header := http.Header{"Authorization": {"Bearer " + token}, "Traceparent": {unrecorded()}}
		var res *http.Response
		conn, res, err = c.dialer.DialContext(ctx, target.String(), header)
		if res != nil && err != nil {
			_ = res.Body.Close()
			return res.StatusCode, fmt.Errorf("open the WebSocket of %s through the gateway at %s: answered %s", c.base, c.client.Gateway,
				res.Status)
		}
		if err != nil {
			return 0, fmt.Errorf("open the WebSocket of %s through the gateway at %s: %w", c.base, c.client.Gateway, err)
		}
		return res.StatusCode, nil
	})
	return conn, err
}

// unrecorded is a traceparent (W3C Trace Context) that has nothing recorded: what pages
// look at again and again would bury what people and services do.
func unrecorded() string {
	return fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64()|1, rand.Uint64()|1)
}

// close releases idle connections.
func (c *caller) close() { c.http.CloseIdleConnections() }
