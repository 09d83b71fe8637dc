package telemetry

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// checkedDial connects to a collector. check looks at the connection before anything is
// sent on it, and its error is that of the attempt.
func checkedDial(check func(net.Conn) error) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := check(c); err != nil {
			_ = c.Close()
			return nil, err
		}
		return c, nil
	}
}

// needsCheck reports whether nothing else tells whose the collector of a signal is: with
// https its certificate does.
func needsCheck(signal string, check func(net.Conn) error) bool {
	return check != nil && !strings.HasPrefix(strings.ToLower(setting(signal, "ENDPOINT")), "https://")
}

// httpClient sends a signal over HTTP once check has let the collector be. It is nil, for
// the exporter's own, where there is nothing to check.
func httpClient(signal string, check func(net.Conn) error) *http.Client {
	if !needsCheck(signal, check) {
		return nil
	}
	timeout := 10 * time.Second // OpenTelemetry's default
	if ms, err := strconv.Atoi(setting(signal, "TIMEOUT")); err == nil && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: checkedDial(check), IdleConnTimeout: 90 * time.Second,
	}}
}

// grpcOptions are [httpClient] for gRPC.
func grpcOptions(signal string, check func(net.Conn) error) []grpc.DialOption {
	if !needsCheck(signal, check) {
		return nil
	}
	dial := checkedDial(check)
	return []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return dial(ctx, "tcp", address) })}
}
