//go:build unix

package telemetry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	oteltrace "go.opentelemetry.io/otel/trace"

	"axion/gateway"
	"axion/gateway/listen"
	"axion/gateway/provider"
	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/telemetry"
)

// BenchmarkCost measures what telemetry costs of the gateway's and the bus's
// throughput: rounds with it and without it in turn, medians of the CPU time that
// a request or an event took in them. overhead-% is how much more it is with it.
// The load, the backend and the broker run in the same process and are in both.
func BenchmarkCost(b *testing.B) {
	b.Run("gateway", func(b *testing.B) {
		backend := quickBackend(b)
		on, off := quickGateway(b, backend, true), quickGateway(b, backend, false)
		compare(b, func() int { return requests(b, on) }, func() int { return requests(b, off) })
	})
	b.Run("bus", func(b *testing.B) {
		cluster := clustertest.NewBroker(b)
		on, off := newEvents(b, cluster, contract.Graph, true), newEvents(b, cluster, contract.Deployment, false)
		compare(b, on, off)
	})
}

// compare measures rounds of both, in turn; each returns how much it did. They last
// about a second, of which so many traces are recorded however many there are.
func compare(b *testing.B, on, off func() int) {
	const rounds = 8
	per := func(round func() int) float64 {
		before := cpuTime(b)
		n := round()
		return (cpuTime(b) - before).Seconds() * 1e6 / float64(n)
	}
	on()
	off()
	for b.Loop() {
		var with, without, ratios []float64
		for i := range rounds {
			var a, z float64
			if i%2 == 0 {
				a, z = per(on), per(off)
			} else {
				z, a = per(off), per(on)
			}
			with, without, ratios = append(with, a), append(without, z), append(ratios, a/z)
		}
		b.ReportMetric(median(with), "on-µs/op")
		b.ReportMetric(median(without), "off-µs/op")
		b.ReportMetric(100*(median(ratios)-1), "overhead-%")
	}
	b.ReportMetric(0, "ns/op")
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// cpuTime is what the process has used, in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// quickBackend answers every request with a few bytes, at next to no cost.
func quickBackend(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var conns sync.WaitGroup
	b.Cleanup(func() { _ = l.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { answer(c) })
		}
	})
	return l.Addr().String()
}

func answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 {
			continue
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

// quickGateway is a gateway before the backend, with telemetry or without.
func quickGateway(b *testing.B, backend string, on bool) string {
	b.Helper()
	l, err := listen.Listen("localhost:0")
	if err != nil {
		b.Fatal(err)
	}
	options := gateway.Options{Web: l, CADir: b.TempDir(), Addresses: map[string][]string{"shop": {backend}}, Base: []provider.Source{{
		Name: "bench", Data: []byte("services:\n  shop:\n    labels:\n      - traefik.enable=true\n" +
			"      - traefik.http.routers.shop.rule=Host(`shop.localhost`)\n" +
			"      - traefik.http.services.shop.loadbalancer.server.port=80\n"),
	}}}
	if on {
		options.Tracer, options.Meter = quickTelemetry(b, "gateway")
	}
	g, err := gateway.New(options)
	if err != nil {
		b.Fatal(err)
	}
	g.Start()
	b.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// requests sends some over a few connections, and returns how many.
func requests(b *testing.B, address string) int {
	const conns, each = 16, 4500
	var sending sync.WaitGroup
	for range conns {
		sending.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			in := bufio.NewReader(c)
			for range each {
				if _, err := io.WriteString(c, "GET /some/path?x=1 HTTP/1.1\r\nHost: shop.localhost\r\nUser-Agent: bench\r\n\r\n"); err != nil {
					b.Error(err)
					return
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Errorf("got %v %v", res, err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
			}
		})
	}
	sending.Wait()
	return conns * each
}

// newEvents returns a round of events through a bus, from their publishing to the
// end of their handlers.
func newEvents(b *testing.B, cluster *clustertest.Broker, service string, on bool) func() int {
	const senders, each = 64, 2000
	options := bus.Options{Service: service, Brokers: cluster.ListenAddrs(), Log: slog.New(slog.DiscardHandler)}
	if on {
		options.Tracer, options.Meter = quickTelemetry(b, service)
	}
	svc, err := bus.Open(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	var handled atomic.Int64
	all := make(chan struct{}, 1)
	svc.Handle("T", func(context.Context, *bus.Message) (any, error) {
		if handled.Add(1)%(senders*each) == 0 {
			all <- struct{}{}
		}
		return nil, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = svc.Run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait(); svc.Close() })
	<-svc.Ready()
	data := json.RawMessage(fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 300)))
	return func() int {
		var sending sync.WaitGroup
		for range senders {
			sending.Go(func() {
				for range each {
					if err := svc.Publish(ctx, bus.Event{Type: "T", Topic: contract.Topic(service), Data: data}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		sending.Wait()
		<-all
		return senders * each
	}
}

// quickTelemetry is a part's as the stack gives it.
func quickTelemetry(b *testing.B, service string) (oteltrace.TracerProvider, metric.MeterProvider) {
	b.Helper()
	store := telemetry.New()
	source, err := telemetry.NewTracing(b.Context(), store, &store.Logs, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = source.Close(context.Background()) })
	var metrics telemetry.Metrics
	meter, _ := metrics.Provider(service, "")
	return source.Provider(service, ""), meter
}
