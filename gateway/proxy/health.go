package proxy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/probe"
)

const (
	defaultInterval = 30 * time.Second
	defaultTimeout  = 5 * time.Second
	// maxDrain is how much of a check's answer is read to keep its connection.
	maxDrain = 64 << 10
)

// check probes servers as one service's health check says.
type check struct {
	config    *config.HealthCheck
	path      *url.URL
	client    *http.Client
	interval  time.Duration // while up
	unhealthy time.Duration // while down
}

func newCheck(t *Transport, c *config.HealthCheck) (*check, error) {
	path, err := url.Parse(c.Path)
	if err != nil || path.IsAbs() || path.Host != "" {
		return nil, fmt.Errorf("healthcheck.path %q is not a path", c.Path)
	}
	if c.Scheme != "" && c.Scheme != "http" && c.Scheme != "https" {
		return nil, fmt.Errorf("healthcheck.scheme %q is not http or https", c.Scheme)
	}
	if c.Port < 0 || c.Port > 65535 {
		return nil, fmt.Errorf("healthcheck.port %d is not a port", c.Port)
	}
	k := &check{config: c, path: path, interval: time.Duration(c.Interval), unhealthy: time.Duration(c.UnhealthyInterval)}
	if k.interval <= 0 {
		k.interval = defaultInterval
	}
	if k.unhealthy <= 0 {
		k.unhealthy = k.interval
	}
	timeout := time.Duration(c.Timeout)
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	k.client = &http.Client{Transport: t, Timeout: timeout}
	if c.FollowRedirects != nil && !*c.FollowRedirects {
		k.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return k, nil
}

// loop asks s, one of b's.
func (k *check) loop(b *Balancer, s *server) *probe.Loop {
	return probe.New(probe.Options{
		Ask:      func(ctx context.Context) error { return k.probe(ctx, s.url) },
		Set:      func(failure error) { b.set(s, failure) },
		Interval: k.interval, Unhealthy: k.unhealthy, Begin: b.proxy.begin,
	})
}

func (k *check) probe(ctx context.Context, server *url.URL) error {
	target := server.JoinPath("/").ResolveReference(k.path)
	target.Scheme = cmp.Or(k.config.Scheme, target.Scheme)
	if k.config.Port > 0 {
		target.Host = net.JoinHostPort(target.Hostname(), strconv.Itoa(k.config.Port))
	}
	if k.config.Mode == modeGRPC {
		return k.probeGRPC(ctx, target)
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(k.config.Method, http.MethodGet), target.String(), nil)
	if err != nil {
		return err
	}
	k.setHeaders(req)
	resp, err := k.do(req)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
	healthy := resp.StatusCode >= 200 && resp.StatusCode < 400
	if k.config.Status > 0 {
		healthy = resp.StatusCode == k.config.Status
	}
	if !healthy {
		return fmt.Errorf("health check answered %s", resp.Status)
	}
	return nil
}

// setHeaders gives a probe the headers that are asked for.
func (k *check) setHeaders(req *http.Request) {
	for name, value := range k.config.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	req.Host = cmp.Or(k.config.Hostname, req.Host)
}

// do sends a probe; its error does not repeat the URL.
func (k *check) do(req *http.Request) (*http.Response, error) {
	resp, err := k.client.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		return nil, u.Err
	}
	return resp, err
}

// modeGRPC asks a server by gRPC's health checking protocol.
const modeGRPC = "grpc"

// serving is a HealthCheckResponse whose status is SERVING.
var serving = []byte{0x08, 0x01}

// probeGRPC makes the one call grpc.health.v1.Health/Check, for the server as a whole:
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md. It is small enough
// not to need gRPC's library.
func (k *check) probeGRPC(ctx context.Context, target *url.URL) error {
	target.Path, target.RawPath, target.RawQuery = "/grpc.health.v1.Health/Check", "", ""
	if target.Scheme == "http" {
		target.Scheme = schemeH2C
	}
	empty := make([]byte, 5) // a message without compression, of no bytes
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(empty))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	k.setHeaders(req)
	resp, err := k.do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDrain))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // an answer without a message
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("health check answered %s", resp.Status)
	case status == "12":
		return errors.New("the server does not implement grpc.health.v1.Health")
	case status != "0":
		return fmt.Errorf("health check ended with gRPC status %q", status)
	case len(body) < 5 || int(binary.BigEndian.Uint32(body[1:5])) != len(body)-5 || !bytes.Equal(body[5:], serving):
		return errors.New("the server is not serving")
	}
	return nil
}
