package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"
)

// dialTimeout bounds connecting to a broker.
const dialTimeout = 10 * time.Second

// dialer connects to brokers of a cluster, by TLS where there is a config. Those that are
// named as containers name this machine, by a file made for them or by a cluster in one,
// are on its loopback where the name does not resolve.
func dialer(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("broker %s: %w", address, err)
		}
		to := address
		if name := strings.ToLower(host); name == "host.docker.internal" || name == "gateway.docker.internal" {
			if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil && ctx.Err() == nil {
				to = net.JoinHostPort("localhost", port)
			}
		}
		plain := net.Dialer{Timeout: dialTimeout}
		if config == nil {
			return plain.DialContext(ctx, network, to)
		}
		named := config.Clone()
		if named.ServerName == "" {
			named.ServerName = host
		}
		secure := tls.Dialer{NetDialer: &plain, Config: named}
		return secure.DialContext(ctx, network, to)
	}
}
