package proxy_test

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// serveGRPC runs a real gRPC server; h is nil for one without the health service.
func serveGRPC(t *testing.T, h *health.Server, opts ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(opts...)
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

// serveGRPCS runs one behind TLS, and gives the certificate to trust as well.
func serveGRPCS(t *testing.T, h *health.Server) (addr, ca string) {
	t.Helper()
	g := grpc.NewServer()
	healthpb.RegisterHealthServer(g, h)
	s := httptest.NewUnstartedServer(g)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	return s.Listener.Addr().String(), ca
}

// watchGRPC checks a server; the channel says whenever its health changes.
func watchGRPC(t *testing.T, url string, timeout config.Duration, c *config.ServersTransport) (*proxy.Balancer, chan bool) {
	t.Helper()
	lb := servers(url)
	lb.HealthCheck = &config.HealthCheck{Mode: "grpc", Interval: tick, Timeout: timeout}
	p := proxy.New(proxy.Options{})
	tr, err := p.Transport(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	b, err := p.Balancer("svc", lb, tr)
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan bool, 16)
	b.OnChange(func(up bool) { changes <- up })
	t.Cleanup(b.Close)
	return b, changes
}

func nextHealth(t *testing.T, changes chan bool, want bool) {
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

// TestHealthGRPC follows a gRPC server's health as it says it.
func TestHealthGRPC(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "h2c", "https"} {
		t.Run("OK/"+scheme, func(t *testing.T) {
			t.Parallel()
			h := health.NewServer()
			var addr string
			var c *config.ServersTransport
			if scheme == "https" {
				c = &config.ServersTransport{RootCAs: make([]string, 1)}
				addr, c.RootCAs[0] = serveGRPCS(t, h)
			} else {
				addr = serveGRPC(t, h)
			}
			_, changes := watchGRPC(t, scheme+"://"+addr, 0, c)
			h.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
			nextHealth(t, changes, false)
			h.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
			nextHealth(t, changes, true)
			h.Shutdown()
			nextHealth(t, changes, false)
		})
	}
}

// TestHealthGRPCErrors takes everything but SERVING for down.
func TestHealthGRPCErrors(t *testing.T) {
	t.Parallel()
	down := func(t *testing.T, url string, timeout config.Duration) {
		t.Helper()
		b, changes := watchGRPC(t, url, timeout, nil)
		if b.Up() { // else the first probe was faster
			nextHealth(t, changes, false)
		}
	}
	t.Run("ErrUnimplemented", func(t *testing.T) {
		t.Parallel()
		down(t, "http://"+serveGRPC(t, nil), 0)
	})
	t.Run("ErrNotGRPC", func(t *testing.T) {
		t.Parallel()
		down(t, serve(t, func(http.ResponseWriter, *http.Request) {}), 0)
	})
	t.Run("ErrTimeout", func(t *testing.T) {
		t.Parallel()
		hang := func(ctx context.Context, _ any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		start := time.Now()
		down(t, "http://"+serveGRPC(t, health.NewServer(), grpc.UnaryInterceptor(hang)), tick)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %s, as if the timeout were the default one", took)
		}
	})
	t.Run("ErrScheme", func(t *testing.T) {
		t.Parallel()
		lb := servers("http://127.0.0.1:1")
		lb.HealthCheck = &config.HealthCheck{Scheme: "ftp"}
		p := proxy.New(proxy.Options{})
		if _, err := p.Balancer("svc", lb, transport(t, p)); err == nil || !strings.Contains(err.Error(), "healthcheck.scheme") {
			t.Errorf("error: got %v, want one about healthcheck.scheme", err)
		}
	})
}
