package proxy_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// serveGRPC runs a real gRPC server; h is nil for one without the health service.
func serveGRPC(t *testing.T, h *health.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	if h != nil {
		healthpb.RegisterHealthServer(s, h)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() { s.Stop(); <-done })
	return l.Addr().String()
}

// TestHealthGRPC follows a gRPC server's health as it tells it.
func TestHealthGRPC(t *testing.T) {
	t.Parallel()
	watched := func(t *testing.T, url string) (*proxy.Balancer, chan bool) {
		t.Helper()
		lb := servers(url)
		lb.HealthCheck = &config.HealthCheck{Mode: "grpc", Interval: config.Duration(5 * time.Millisecond)}
		p := proxy.New(proxy.Options{})
		b, err := p.Balancer("svc", lb, transport(t, p))
		if err != nil {
			t.Fatal(err)
		}
		changes := make(chan bool, 16)
		b.OnChange(func(up bool) { changes <- up })
		t.Cleanup(b.Close)
		return b, changes
	}
	next := func(t *testing.T, changes chan bool, want bool) {
		t.Helper()
		select {
		case got := <-changes:
			if got != want {
				t.Fatalf("up: got %t, want %t", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("it did not become up %t", want)
		}
	}
	for _, scheme := range []string{"http", "h2c"} {
		t.Run("OK/"+scheme, func(t *testing.T) {
			t.Parallel()
			h := health.NewServer()
			_, changes := watched(t, scheme+"://"+serveGRPC(t, h))
			h.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
			next(t, changes, false)
			h.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
			next(t, changes, true)
			h.Shutdown()
			next(t, changes, false)
		})
	}
	t.Run("ErrUnimplemented", func(t *testing.T) {
		t.Parallel()
		b, changes := watched(t, "http://"+serveGRPC(t, nil))
		if b.Up() { // else the first probe was faster
			next(t, changes, false)
		}
	})
	t.Run("ErrNotGRPC", func(t *testing.T) {
		t.Parallel()
		b, changes := watched(t, serve(t, func(http.ResponseWriter, *http.Request) {}))
		if b.Up() {
			next(t, changes, false)
		}
	})
	t.Run("ErrMode", func(t *testing.T) {
		t.Parallel()
		lb := servers("http://127.0.0.1:1")
		lb.HealthCheck = &config.HealthCheck{Mode: "tcp"}
		p := proxy.New(proxy.Options{})
		if _, err := p.Balancer("svc", lb, transport(t, p)); err == nil {
			t.Error("the mode tcp was accepted")
		}
	})
}
