package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// machine is a server that can be stopped, and started again at its address.
type machine struct {
	t       *testing.T
	name    string
	address string
	health  atomic.Int64 // status of its health check
	probes  atomic.Int64
	running *httptest.Server
}

func newMachine(t *testing.T, name string) *machine {
	m := &machine{t: t, name: name}
	m.health.Store(200)
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *machine) start() {
	m.t.Helper()
	address := m.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		m.t.Skipf("the port was taken meanwhile: %v", err)
	}
	m.address = l.Addr().String()
	m.running = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			m.probes.Add(1)
			w.WriteHeader(int(m.health.Load()))
			return
		}
		_, _ = io.WriteString(w, m.name)
	}))
	_ = m.running.Listener.Close()
	m.running.Listener = l
	m.running.Start()
}

func (m *machine) stop() {
	if m.running != nil {
		m.running.CloseClientConnections()
		m.running.Close()
	}
	m.running = nil
}

// checked is a balancer with a health check at the usual interval, over machines.
func checked(t *testing.T, name string, list ...*machine) *proxy.Balancer {
	t.Helper()
	lb := &config.LoadBalancer{HealthCheck: &config.HealthCheck{Path: "/health"}}
	for _, m := range list {
		lb.Servers = append(lb.Servers, config.Server{URL: "http://" + m.address})
	}
	return balancer(t, name, lb)
}

// down waits until b knows that it is.
func down(t *testing.T, b proxy.Service) {
	t.Helper()
	gone := make(chan struct{})
	var once sync.Once
	b.OnChange(func(up bool) {
		if !up {
			once.Do(func() { close(gone) })
		}
	})
	if !b.Up() {
		return
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the server is still up")
	}
}

// TestRestart has the request after a server's restart answered, whatever had reported that
// it was down.
func TestRestart(t *testing.T) {
	t.Parallel()
	t.Run("OK/HealthCheck", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "m")
		b := checked(t, "svc", m)
		for range 3 { // each time
			if got := ask(b); got.Code != 200 {
				t.Fatalf("got %d, want 200", got.Code)
			}
			m.stop()
			if got := ask(b); got.Code != 502 && got.Code != 503 {
				t.Errorf("stopped: got %d", got.Code)
			}
			down(t, b) // at once, as the request has failed to connect
			if got := ask(b); got.Code != 503 {
				t.Errorf("down: got %d, want 503", got.Code)
			}
			m.start()
		}
	})
	t.Run("OK/Unhealthy", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "m")
		m.health.Store(500)
		b := checked(t, "svc", m)
		if down(t, b); ask(b).Code != 503 {
			t.Error("a request reached a server that is not healthy")
		}
		m.health.Store(200)
		if got := ask(b); got.Code != 200 {
			t.Errorf("healthy again: got %d, want 200", got.Code)
		}
	})
	t.Run("OK/Passive", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "m")
		b := balancer(t, "svc", &config.LoadBalancer{Servers: servers("http://" + m.address).Servers,
			PassiveHealthCheck: &config.PassiveHealthCheck{MaxFailedAttempts: 1, FailureWindow: config.Duration(time.Hour)}})
		for range 2 {
			m.stop()
			for _, want := range []int{502, 503} {
				if got := ask(b); got.Code != want {
					t.Errorf("stopped: got %d, want %d", got.Code, want)
				}
			}
			if m.start(); ask(b).Code != 200 {
				t.Error("started again: not answered")
			}
		}
	})
	t.Run("OK/OneOfTwo", func(t *testing.T) {
		t.Parallel()
		a, z := newMachine(t, "a"), newMachine(t, "z")
		a.health.Store(500)
		b := checked(t, "svc", a, z)
		for b.Servers()[0].Up {
			<-time.After(time.Millisecond)
		}
		a.health.Store(200)
		before := time.Now()
		for !b.Servers()[0].Up { // requests to the other have it asked
			if got := ask(b); got.Code != 200 {
				t.Fatalf("got %d, want 200", got.Code)
			}
			if time.Since(before) > patience {
				t.Fatal("it is still down")
			}
		}
	})
	t.Run("ErrHangs", func(t *testing.T) {
		t.Parallel()
		stop := make(chan struct{})
		t.Cleanup(func() { close(stop) })
		var sick atomic.Bool
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/health" && sick.Swap(true) {
				select {
				case <-stop:
				case <-r.Context().Done():
				}
			}
			w.WriteHeader(500)
		})
		b := balancer(t, "svc", &config.LoadBalancer{Servers: servers(url).Servers, HealthCheck: &config.HealthCheck{Path: "/health"}})
		down(t, b)
		if got := ask(b); got.Code != 503 { // after a moment
			t.Errorf("got %d, want 503", got.Code)
		}
	})
	t.Run("ErrLeft", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "m")
		m.health.Store(500)
		b := checked(t, "svc", m)
		down(t, b)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := ask(b, func(r *http.Request) { *r = *r.WithContext(ctx) }); got.Code != 499 {
			t.Errorf("got %d, want 499", got.Code)
		}
	})
}

// TestNoStorm shares probes among requests.
func TestNoStorm(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "m")
	m.health.Store(500)
	b := checked(t, "svc", m)
	down(t, b)
	before, begun := m.probes.Load(), time.Now()
	var requests sync.WaitGroup
	for range 50 {
		requests.Go(func() {
			if got := ask(b); got.Code != 503 {
				t.Errorf("got %d, want 503", got.Code)
			}
		})
	}
	requests.Wait()
	if n, most := m.probes.Load()-before, 2+int64(time.Since(begun)/(100*time.Millisecond)); n > most {
		t.Errorf("50 requests made %d probes, want at most %d", n, most)
	}
}

// TestRestartComposed has the request after a restart answered by services made of others.
func TestRestartComposed(t *testing.T) {
	t.Parallel()
	weighted := func(t *testing.T, reports bool, children ...proxy.Service) proxy.Service {
		c := &config.Weighted{}
		if reports {
			c.HealthCheck = &config.ChildHealth{}
		}
		for range children {
			c.Services = append(c.Services, config.WeightedService{Name: "child"})
		}
		w, err := proxy.NewWeighted("w", c, children)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	failover := func(t *testing.T, main, fallback proxy.Service) proxy.Service {
		f, err := proxy.NewFailover("f", &config.Failover{HealthCheck: &config.ChildHealth{}}, main, fallback)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, compose := range map[string]func(t *testing.T, a, z proxy.Service) proxy.Service{
		"Weighted":         func(t *testing.T, a, z proxy.Service) proxy.Service { return weighted(t, true, a, z) },
		"WeightedSilent":   func(t *testing.T, a, z proxy.Service) proxy.Service { return weighted(t, false, a, z) },
		"Failover":         func(t *testing.T, a, z proxy.Service) proxy.Service { return failover(t, a, z) },
		"FailoverFallback": func(t *testing.T, a, z proxy.Service) proxy.Service { return failover(t, z, a) },
		"Nested": func(t *testing.T, a, z proxy.Service) proxy.Service {
			return weighted(t, true, weighted(t, true, a), failover(t, z, z))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ma, mz := newMachine(t, "a"), newMachine(t, "z")
			ma.health.Store(500)
			mz.health.Store(500)
			a, z := checked(t, "a", ma), checked(t, "z", mz)
			s := compose(t, a, z)
			down(t, a)
			down(t, z)
			if got := ask(s); got.Code != 503 {
				t.Errorf("all are down: got %d, want 503", got.Code)
			}
			ma.health.Store(200)
			if got := ask(s); got.Code != 200 || got.Body.String() != "a" {
				t.Errorf("one is back: got %d %q, want its answer", got.Code, got.Body)
			}
		})
	}
	t.Run("FailoverReturns", func(t *testing.T) {
		t.Parallel()
		ma, mz := newMachine(t, "a"), newMachine(t, "z")
		ma.health.Store(500)
		a, z := checked(t, "a", ma), checked(t, "z", mz)
		f := failover(t, a, z)
		down(t, a)
		if got := ask(f).Body.String(); got != "z" {
			t.Errorf("main is down: got %q, want z", got)
		}
		ma.health.Store(200)
		for begun := time.Now(); ask(f).Body.String() != "a"; <-time.After(time.Millisecond) {
			if time.Since(begun) > patience {
				t.Fatal("main is still passed over")
			}
		}
	})
}
