package dockerhost_test

import (
	"net"
	"testing"

	"axion/gateway/dockerhost"
)

// TestDialer: Docker's names of the host lead to this machine where they do not resolve.
func TestDialer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"host.docker.internal", "gateway.docker.internal", "HOST.docker.internal."} {
		if _, err := net.DefaultResolver.LookupHost(t.Context(), host); err == nil {
			t.Logf("%s resolves here: its address counts", host)
			continue
		}
		for range 2 {
			c, err := new(dockerhost.Dialer).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			if err != nil {
				t.Errorf("%s: %v", host, err)
				continue
			}
			_ = c.Close()
		}
	}
	if six, err := net.Listen("tcp", "[::1]:0"); err == nil { // localhost is there too
		t.Cleanup(func() { _ = six.Close() })
		_, port, _ := net.SplitHostPort(six.Addr().String())
		c, err := new(dockerhost.Dialer).DialContext(t.Context(), "tcp", net.JoinHostPort("localhost", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	for _, address := range []string{"docker.internal:1", "x.host.docker.internal:1", "127.0.0.1:1", "host.docker.internal"} {
		if got := dockerhost.Local(t.Context(), address); got != address {
			t.Errorf("%s: got %s, want it as it is", address, got)
		}
	}
}
