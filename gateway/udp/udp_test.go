package udp_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	entry    = "dns"
	patience = 20 * time.Second
)

// echo is a server that says its name to every datagram.
func echo(t *testing.T, name string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(append([]byte(name+" "), buf[:n]...), from)
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return c.LocalAddr().String()
}

// rig is a server of one entrypoint.
type rig struct {
	t      *testing.T
	server *udp.Server
	tables atomic.Pointer[udp.Tables]
}

func options() udp.Options {
	return udp.Options{EntryPoints: map[string]string{entry: entry, "alias": entry}}
}

func start(t *testing.T, c *config.UDP, opts udp.ServerOptions) *rig {
	t.Helper()
	sockets, err := udp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t}
	r.put(c)
	opts.Table = func() *udp.Table { return r.tables.Load().Table(entry) }
	r.server = udp.NewServer(sockets, opts)
	served := make(chan error)
	go func() { served <- r.server.Serve() }()
	t.Cleanup(func() {
		if err := r.server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if got := r.server.Sessions(); got != 0 {
			t.Errorf("%d sessions are left", got)
		}
	})
	return r
}

func (r *rig) put(c *config.UDP) {
	opts := options()
	opts.Old = r.tables.Load()
	r.tables.Store(udp.Build(c, opts))
}

// client is a new one.
func (r *rig) client() net.Conn {
	r.t.Helper()
	c, err := net.Dial("udp", r.server.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r.t.Cleanup(func() { c.Close() })
	return c
}

func ask(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// one is a configuration of one router and a balancer over servers.
func one(servers ...string) *config.UDP {
	return &config.UDP{
		Routers:  map[string]*config.UDPRouter{"r": {EntryPoints: []string{entry}, Service: "s"}},
		Services: map[string]*config.UDPService{"s": balanced(servers...)},
	}
}

func balanced(servers ...string) *config.UDPService {
	lb := &config.UDPLoadBalancer{}
	for _, a := range servers {
		lb.Servers = append(lb.Servers, config.UDPServer{Address: a})
	}
	return &config.UDPService{LoadBalancer: lb}
}

func TestServe(t *testing.T) {
	t.Parallel()
	a, b := echo(t, "a"), echo(t, "b")
	three := 3
	for _, tt := range []struct {
		name     string
		services map[string]*config.UDPService
		want     map[string]int
	}{
		{"OKInTurn", map[string]*config.UDPService{"s": balanced(a, b)}, map[string]int{"a x": 4, "b x": 4}},
		{"OKByWeight", map[string]*config.UDPService{
			"s": {Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "a", Weight: &three}, {Name: "b"}}}},
			"a": balanced(a), "b": balanced(b),
		}, map[string]int{"a x": 6, "b x": 2}},
		{"OKPassesOverUnreachable", map[string]*config.UDPService{"s": balanced("[fe80::1%nowhere]:53", b)}, map[string]int{"b x": 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := one()
			c.Services = tt.services
			r := start(t, c, udp.ServerOptions{})
			got := map[string]int{}
			for range 8 {
				client := r.client()
				first := ask(t, client, "x")
				if again := ask(t, client, "x"); again != first {
					t.Errorf("got %q, then %q; want one server for a session", first, again)
				}
				got[first]++
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLargeAndEmptyDatagrams(t *testing.T) {
	t.Parallel()
	c := start(t, one(echo(t, "a")), udp.ServerOptions{}).client()
	large := strings.Repeat("x", 60_000)
	if got := ask(t, c, large); got != "a "+large {
		t.Errorf("got %d bytes, want %d", len(got), len(large)+2)
	}
	if got := ask(t, c, ""); got != "a " {
		t.Errorf("got %q for an empty datagram", got)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	first, second := echo(t, "first"), echo(t, "second")
	r := start(t, one(first), udp.ServerOptions{Timeout: patience})
	c := r.client()
	if got := ask(t, c, "x"); got != "first x" {
		t.Errorf("got %q", got)
	}
	r.put(one(second))
	if got := ask(t, r.client(), "x"); got != "second x" {
		t.Errorf("got %q of a new client", got)
	}
	if got := ask(t, c, "y"); got != "first y" {
		t.Errorf("got %q of a session that goes on", got)
	}
	r.put(&config.UDP{})
	lost := r.client()
	_, _ = lost.Write([]byte("z"))
	if got := ask(t, c, "y"); got != "first y" { // it came later than the lost one
		t.Errorf("got %q", got)
	}
	if got := r.server.Sessions(); got != 2 {
		t.Errorf("got %d sessions, want none for a datagram that nobody serves", got)
	}
}

func TestIdleSessionsEnd(t *testing.T) {
	t.Parallel()
	r := start(t, one(echo(t, "a")), udp.ServerOptions{Timeout: 20 * time.Millisecond})
	c := r.client()
	ask(t, c, "x")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); r.server.Sessions() > 0; <-tick.C {
		if time.Now().After(end) {
			t.Fatal("an idle session goes on")
		}
	}
	if got := ask(t, c, "y"); got != "a y" {
		t.Errorf("got %q after a pause", got)
	}
}

// TestManyClients checks that a crowd is served by a bounded number of sessions.
func TestManyClients(t *testing.T) {
	t.Parallel()
	const limit = 100
	var said bytes.Buffer // by the one goroutine that receives
	r := start(t, one(echo(t, "a")), udp.ServerOptions{MaxSessions: limit, Timeout: patience, Log: slog.New(slog.NewTextHandler(&said, nil))})
	first := r.client()
	ask(t, first, "x")
	for i := range 1000 {
		c := r.client()
		text := fmt.Sprint(i)
		if got := ask(t, c, text); got != "a "+text {
			t.Fatalf("client %d: got %q", i, got)
		}
		c.Close()
		if got := r.server.Sessions(); got > limit {
			t.Fatalf("got %d sessions, want %d at most", got, limit)
		}
	}
	if got := r.server.Sessions(); got != limit {
		t.Errorf("got %d sessions, want %d", got, limit)
	}
	if got := ask(t, first, "again"); got != "a again" {
		t.Errorf("got %q of the client that had to make room", got)
	}
	_ = r.server.Close()
	if got := said.String(); strings.Count(got, "too many clients") != 1 {
		t.Errorf("log: got %q", got)
	}
}

// TestServerGone checks that a client whose server is not there gets another.
func TestServerGone(t *testing.T) {
	t.Parallel()
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := gone.LocalAddr().String()
	gone.Close()
	r := start(t, one(address, echo(t, "a")), udp.ServerOptions{Timeout: patience})
	c := r.client()
	answer := make([]byte, 64)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		_, _ = c.Write([]byte("x"))
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // clients ask again
		n, err := c.Read(answer)
		if err == nil {
			if !bytes.Equal(answer[:n], []byte("a x")) {
				t.Errorf("got %q", answer[:n])
			}
			return
		}
	}
	t.Error("the client stays with a server that is not there")
}

func TestListen(t *testing.T) {
	t.Parallel()
	sockets, err := udp.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s := udp.NewServer(sockets, udp.ServerOptions{Table: func() *udp.Table { return udp.Build(&config.UDP{}, options()).Table(entry) }})
	defer s.Close()
	for _, c := range sockets {
		if got := c.LocalAddr().(*net.UDPAddr); !got.IP.IsLoopback() || got.Port != sockets[0].LocalAddr().(*net.UDPAddr).Port {
			t.Errorf("got %v, want one port of loopback", got)
		}
	}
	if again, err := udp.Listen(sockets[0].LocalAddr().String()); err == nil {
		again[0].Close()
		t.Error("a port was opened twice")
	}
	if _, err := udp.Listen("localhost"); err == nil {
		t.Error("an address without port was taken")
	}
}

func TestServeFails(t *testing.T) {
	t.Parallel()
	sockets, err := udp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := udp.NewServer(sockets, udp.ServerOptions{Table: func() *udp.Table { return udp.Build(&config.UDP{}, options()).Table(entry) }})
	sockets[0].Close() // not by Close
	if err := s.Serve(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want that the socket is closed", err)
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		set         func(*config.UDP)
		severity    config.Severity
		field, want string
	}{
		{"ErrService", func(c *config.UDP) { c.Routers["r"].Service = "x" }, config.Error, "service", `"x" does not exist`},
		{"ErrNoService", func(c *config.UDP) { c.Routers["r"].Service = "" }, config.Error, "service", "no service"},
		{"ErrEntryPoint", func(c *config.UDP) { c.Routers["r"].EntryPoints = []string{"x"} }, config.Error, "entrypoints", "none of"},
		{"ErrNoEntryPoint", func(c *config.UDP) { c.Routers["r"].EntryPoints = nil }, config.Error, "entrypoints", "names no entrypoint"},
		{"OKOneEntryPoint", func(c *config.UDP) { c.Routers["r"].EntryPoints = []string{"x", "alias"} }, config.Warning, "entrypoints",
			`"x" does not exist`},
		{"ErrTaken", func(c *config.UDP) { c.Routers["q"] = c.Routers["r"] }, config.Error, "entrypoints", "take all datagrams"},
		{"ErrLowerLayer", func(c *config.UDP) {
			c.Routers["z"] = &config.UDPRouter{EntryPoints: []string{entry}, Service: "s", Origin: config.Origin{Layer: 1}}
		}, config.Warning, "entrypoints", `the router "z" takes all datagrams`},
		{"ErrAddress", func(c *config.UDP) { c.Services["s"] = balanced("dns") }, config.Error, "service", `"dns" is not host:port`},
		{"ErrNoKind", func(c *config.UDP) { c.Services["s"] = &config.UDPService{} }, config.Error, "service", "no loadbalancer"},
		{"ErrCycle", func(c *config.UDP) {
			c.Services["s"] = &config.UDPService{Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "s"}}}}
		}, config.Error, "service", "leads back to itself"},
		{"ErrChild", func(c *config.UDP) {
			c.Services["s"] = &config.UDPService{Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "x"}}}}
		}, config.Error, "service", `"x" does not exist`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := one("127.0.0.1:1")
			tt.set(c)
			tables := udp.Build(c, options())
			if !slices.ContainsFunc(tables.Findings(), func(f layer4.Finding) bool {
				return f.Router == "r" && f.Severity == tt.severity && f.Field == tt.field && strings.Contains(f.Message, tt.want)
			}) {
				t.Errorf("got %+v, want %s: %s", tables.Findings(), tt.field, tt.want)
			}
			i := slices.IndexFunc(tables.Routes(), func(r udp.Route) bool { return r.Name == "r" })
			if got := tables.Routes()[i].Enabled; got != strings.HasPrefix(tt.name, "OK") {
				t.Errorf("got enabled %t", got)
			}
		})
	}
}
