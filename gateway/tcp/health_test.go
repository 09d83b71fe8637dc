package tcp_test

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

// checked is a server that answers its health check as sick says, and lines by name.
func checked(name string, sick *atomic.Bool) func(net.Conn) {
	return func(c net.Conn) {
		for lines := bufio.NewScanner(c); lines.Scan(); {
			answer := name
			if lines.Text() == "PING" {
				answer = "PONG"
				if sick.Load() {
					answer = "SICK"
				}
			}
			_, _ = io.WriteString(c, answer+"\n")
		}
	}
}

// TestBackAtOnce connects to a server that was down as soon as it is up, although its
// health check is not due for long.
func TestBackAtOnce(t *testing.T) {
	t.Parallel()
	for name, composed := range map[string]bool{"Balancer": false, "Weighted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sick atomic.Bool
			sick.Store(true)
			a := serve(t, checked("a", &sick))
			s := balanced(a)
			s.LoadBalancer.HealthCheck = &config.TCPHealthCheck{Send: "PING\n", Expect: "PONG", Interval: config.Duration(time.Hour)}
			c := &config.TCP{
				Routers:  map[string]*config.TCPRouter{"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}},
				Services: map[string]*config.TCPService{"s": s},
			}
			if composed {
				c.Services = map[string]*config.TCPService{"a": s,
					"s": {Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "a"}}}}}
			}
			r := start(t, c, tcp.MuxOptions{})
			isUp := func() bool {
				for _, servers := range r.tables.Load().Servers() {
					for _, s := range servers {
						return s.Up
					}
				}
				return false
			}
			for end := time.Now().Add(patience); isUp(); <-time.After(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("a sick server is up")
				}
			}
			if got := answers(t, r, 1); got["none"] != 1 {
				t.Errorf("down: got %v, want none", got)
			}
			sick.Store(false)
			if got := answers(t, r, 2); got["a"] != 2 {
				t.Errorf("back: got %v, want both answered", got)
			}
		})
	}
}
