package tcp_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

// answers counts who serves n connections.
func answers(t *testing.T, r *rig, n int) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range n {
		answer, err := ask(r.dial(), "x")
		if err != nil {
			answer = "none"
		}
		got[answer]++
	}
	return got
}

// closed is an address where nobody listens, nor will while the tests run: a port
// that was free a moment ago may be another process's by now.
const closed = "127.0.0.1:1"

func TestBalancing(t *testing.T) {
	t.Parallel()
	a, b := serve(t, named("a")), serve(t, named("b"))
	three := 3
	for _, tt := range []struct {
		name     string
		services map[string]*config.TCPService
		want     map[string]int
	}{
		{"OKInTurn", map[string]*config.TCPService{"s": balanced(a, b)}, map[string]int{"a x": 4, "b x": 4}},
		{"OKByWeight", map[string]*config.TCPService{
			"s": {Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "a", Weight: &three}, {Name: "b"}}}},
			"a": balanced(a), "b": balanced(b),
		}, map[string]int{"a x": 6, "b x": 2}},
		{"OKPassesOverDead", map[string]*config.TCPService{"s": balanced(a, closed)}, map[string]int{"a x": 8}},
		{"OKWeightedPassesOverDead", map[string]*config.TCPService{
			"s":    {Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "dead"}, {Name: "b"}}}},
			"dead": balanced(closed), "b": balanced(b),
		}, map[string]int{"b x": 8}},
		{"ErrNoServer", map[string]*config.TCPService{"s": balanced()}, map[string]int{"none": 8}},
		{"ErrAllDead", map[string]*config.TCPService{"s": balanced(closed, closed)}, map[string]int{"none": 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, &config.TCP{Services: tt.services, Routers: map[string]*config.TCPRouter{
				"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"},
			}}, tcp.MuxOptions{})
			if got := answers(t, r, 8); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestServerTLS checks the TLS towards servers, by whether they are believed.
func TestServerTLS(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, "db.internal")
	address := serve(t, secured(id, named("db")))
	for _, tt := range []struct {
		name string
		tls  *config.TCPClientTLS
		want string
	}{
		{"OKAddress", &config.TCPClientTLS{RootCAs: []string{id.pem}}, "db x"},
		{"OKServerName", &config.TCPClientTLS{RootCAs: []string{id.pem}, ServerName: "db.internal"}, "db x"},
		{"OKInsecure", &config.TCPClientTLS{InsecureSkipVerify: true}, "db x"},
		{"OKURI", &config.TCPClientTLS{RootCAs: []string{id.pem}, PeerCertURI: "spiffe://db.internal/db"}, "db x"},
		{"ErrURI", &config.TCPClientTLS{RootCAs: []string{id.pem}, PeerCertURI: "spiffe://other/db"}, "none"},
		{"ErrServerName", &config.TCPClientTLS{RootCAs: []string{id.pem}, ServerName: "other"}, "none"},
		{"ErrUnknownAuthority", nil, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := routes(plain(address))
			lb := c.Services["to-"+address].LoadBalancer
			lb.Servers[0].TLS, lb.ServersTransport = true, "t"
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {TLS: tt.tls}}
			r := start(t, c, tcp.MuxOptions{})
			if got := answers(t, r, 1); got[tt.want] != 1 {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}

func TestHealthCheck(t *testing.T) {
	t.Parallel()
	var sick atomic.Bool
	a := serve(t, func(c net.Conn) {
		if line, _ := bufio.NewReader(c).ReadString('\n'); line == "PING\n" {
			answer := "PONG\n"
			if sick.Load() {
				answer = "SICK\n"
			}
			_, _ = io.WriteString(c, answer)
			return
		}
		_, _ = io.WriteString(c, "a\n")
	})
	c := &config.TCP{
		Routers:  map[string]*config.TCPRouter{"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}},
		Services: map[string]*config.TCPService{"s": balanced(a, serve(t, named("b")))},
	}
	c.Services["s"].LoadBalancer.HealthCheck = &config.TCPHealthCheck{Send: "PING\n", Expect: "PONG",
		Interval: config.Duration(5 * time.Millisecond)}
	r := start(t, c, tcp.MuxOptions{})
	wait := func(want map[string]bool) {
		t.Helper()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(patience); ; <-tick.C {
			got := map[string]bool{}
			for _, s := range r.tables.Load().Servers()["s"] {
				got[s.Address] = s.Up
			}
			if maps.Equal(got, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
	b := c.Services["s"].LoadBalancer.Servers[1].Address // it does not know PING
	wait(map[string]bool{a: true, b: false})
	if got := answers(t, r, 3); got["a"] != 3 {
		t.Errorf("got %v, want all of the healthy one", got)
	}
	r.put(&config.TCP{Routers: c.Routers, Services: c.Services}) // unchanged: its health goes on
	if s := r.tables.Load().Servers()["s"]; s[1].Up {
		t.Error("a reload forgot that the server is down")
	}
	sick.Store(true)
	wait(map[string]bool{a: false, b: false})
	if got := answers(t, r, 1); got["none"] != 1 {
		t.Errorf("got %v, want none", got)
	}
	sick.Store(false)
	wait(map[string]bool{a: true, b: false})
}

// TestHalfClose checks what happens once the client has said all it has to say.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	ctx := make(chan struct{})
	count := serve(t, func(c net.Conn) { // answers when it has heard all
		n, _ := io.Copy(io.Discard, c)
		fmt.Fprintf(c, "%d\n", n)
	})
	silent := serve(t, func(c net.Conn) { // never ends by itself
		_, _ = io.Copy(io.Discard, c)
		<-ctx
	})
	t.Cleanup(func() { close(ctx) })
	for _, tt := range []struct {
		name, address string
		delay         int
		want          string
	}{
		{"OKForEver", count, -1, "5\n"},
		{"OKInTime", count, 10_000, "5\n"},
		{"ErrTooLate", silent, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := routes(plain(tt.address))
			c.Services["to-"+tt.address].LoadBalancer.TerminationDelay = &tt.delay
			client := start(t, c, tcp.MuxOptions{}).dial()
			_, _ = io.WriteString(client, "hello")
			if err := client.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(client)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestMiddlewares(t *testing.T) {
	t.Parallel()
	address := serve(t, named("db"))
	for _, tt := range []struct {
		name       string
		middleware config.TCPMiddleware
		want       []string // of connections that stay open
	}{
		{"InFlightConn", config.TCPMiddleware{InFlightConn: &config.InFlightConn{Amount: 2}}, []string{"db x", "db x", ""}},
		{"OKAllowed", config.TCPMiddleware{IPAllowList: &config.TCPIPAllowList{SourceRange: []string{"127.0.0.0/8"}}}, []string{"db x"}},
		{"ErrNotAllowed", config.TCPMiddleware{IPAllowList: &config.TCPIPAllowList{SourceRange: []string{"10.0.0.1"}}}, []string{""}},
		{"ErrFormerName", config.TCPMiddleware{IPWhiteList: &config.TCPIPAllowList{SourceRange: []string{"10.0.0.1"}}}, []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := routes(plain(address))
			c.Routers["to-"+address].Middlewares = []string{"m"}
			c.Middlewares = map[string]*config.TCPMiddleware{"m": &tt.middleware}
			r := start(t, c, tcp.MuxOptions{})
			var first net.Conn
			for i, want := range tt.want {
				client := r.dial()
				if got, _ := ask(client, "x"); got != want {
					t.Errorf("connection %d: got %q, want %q", i, got, want)
				}
				if first == nil {
					first = client
				}
			}
			if tt.middleware.InFlightConn == nil {
				return
			}
			r.put(c) // the count goes on
			first.Close()
			for end := time.Now().Add(patience); ; { // room is made soon
				if got, _ := ask(r.dial(), "x"); got == "db x" {
					break
				}
				if time.Now().After(end) {
					t.Fatal("a connection that has ended is still counted")
				}
			}
		})
	}
}
