package tcp

import (
	"net"
	"syscall"
	"testing"
	"time"

	"axion/gateway/config"
)

// The keep-alive of a transport is that of the connections to servers.
func TestDialKeepAlive(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	seconds, none := config.Duration(7*time.Second), config.Duration(-1)
	for _, tt := range []struct {
		name     string
		config   config.TCPServersTransport
		on, idle int
	}{
		{"OKDefault", config.TCPServersTransport{}, 1, 15},
		{"OKSet", config.TCPServersTransport{DialKeepAlive: &seconds}, 1, 7},
		{"OKOff", config.TCPServersTransport{DialKeepAlive: &none}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := (&transport{config: tt.config}).dialer(&config.TCPLoadBalancer{ServersTransport: "t"})
			if err != nil {
				t.Fatal(err)
			}
			c, err := d.dial(t.Context(), l.Addr().String(), false, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			raw, err := c.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			var on, idle int
			_ = raw.Control(func(fd uintptr) {
				on, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
				idle, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
			})
			if on != tt.on || tt.on > 0 && idle != tt.idle {
				t.Errorf("got keep-alive %d after %d s, want %d after %d s", on, idle, tt.on, tt.idle)
			}
		})
	}
}
