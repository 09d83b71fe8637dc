package broker

import (
	"context"
	"fmt"
	"net"
	"strconv"
)

// hostPort is an address by name. kfake tells clients the String of its
// listener's address.
type hostPort string

// Network implements [net.Addr].
func (hostPort) Network() string { return "tcp" }

// String implements [net.Addr].
func (a hostPort) String() string { return string(a) }

// advertised completes a host:port by the bound one.
func advertised(name string, bound net.Addr) (string, error) {
	_, boundPort, err := net.SplitHostPort(bound.String())
	if err != nil {
		return "", fmt.Errorf("listener's address: %w", err)
	}
	if name == "" {
		return net.JoinHostPort("localhost", boundPort), nil
	}
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return "", fmt.Errorf("advertised address %q: %w", name, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("advertised address %q: bad port %q", name, port)
	} else if n == 0 {
		port = boundPort
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

// dialer connects to the bound address whatever address is asked for: the
// broker's own client must work where the advertised name does not resolve.
func dialer(bound net.Addr) func(context.Context, string, string) (net.Conn, error) {
	target := bound.String()
	if host, port, err := net.SplitHostPort(target); err == nil {
		if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
			target = net.JoinHostPort("localhost", port)
		}
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", target)
	}
}
