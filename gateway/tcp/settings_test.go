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

// A server that is down is probed at an interval of its own.
func TestUnhealthyInterval(t *testing.T) {
	t.Parallel()
	var probes atomic.Int64
	a := serve(t, func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		if probes.Add(1) > 2 {
			_, _ = io.WriteString(c, "PONG\n")
		}
	})
	c := &config.TCP{
		Routers:  map[string]*config.TCPRouter{"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}},
		Services: map[string]*config.TCPService{"s": balanced(a)},
	}
	c.Services["s"].LoadBalancer.HealthCheck = &config.TCPHealthCheck{Send: "PING\n", Expect: "PONG",
		Interval: config.Duration(time.Hour), UnhealthyInterval: config.Duration(5 * time.Millisecond)}
	r := start(t, c, tcp.MuxOptions{})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); probes.Load() < 3 || !r.tables.Load().Servers()["s"][0].Up; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("after %d probes the server is not up again", probes.Load())
		}
	}
}
