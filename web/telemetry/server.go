package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"axion/web/loopback"
)

// maxConnections bounds the connections of each of a receiver's two servers.
const maxConnections = 128

// Receiver receives OTLP into a store, on the addresses that OpenTelemetry's SDKs
// send to by themselves.
type Receiver struct {
	http *http.Server
	grpc *grpc.Server
	done chan error
	open int
}

// Receive serves OTLP over HTTP and over gRPC until the receiver is closed. It
// takes the listeners over; either may be nil, and is then not served. Log takes
// what ends a server, and may be nil.
func (s *Store) Receive(overHTTP, overGRPC net.Listener, log *slog.Logger) *Receiver {
	r := &Receiver{done: make(chan error, 2)}
	if overHTTP != nil {
		r.http = &http.Server{
			Handler: guard(s.Handler(), overHTTP), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTimeout,
			WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		}
		r.serve(log, func() error { return r.http.Serve(limitConnections(overHTTP, maxConnections)) })
	}
	if overGRPC != nil {
		r.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(MaxRequest), grpc.MaxConcurrentStreams(4), grpc.ForceServerCodecV2(newCodec()),
			grpc.ConnectionTimeout(5*time.Second), grpc.InTapHandle(limitTime),
			grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 10 * time.Minute, Time: time.Minute}))
		services := registrar{r.grpc, s.intake}
		collector.RegisterTraceServiceServer(services, traceService{store: s})
		collectorlogs.RegisterLogsServiceServer(services, logsService{store: s})
		collectormetrics.RegisterMetricsServiceServer(services, metricsService{})
		r.serve(log, func() error { return r.grpc.Serve(limitConnections(overGRPC, maxConnections)) })
	}
	return r
}

func (r *Receiver) serve(log *slog.Logger, serve func() error) {
	r.open++
	go func() {
		err := serve()
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) {
			err = nil
		}
		if err != nil && log != nil {
			log.Error("no more OTLP is received", "error", err)
		}
		r.done <- err
	}()
}

// Close ends both servers, once the requests under way have ended or ctx has.
func (r *Receiver) Close(ctx context.Context) error {
	var err error
	if r.http != nil {
		if r.http.Shutdown(ctx) != nil {
			err = r.http.Close()
		}
	}
	if r.grpc != nil {
		r.grpc.Stop() // the SDKs send again what was under way
	}
	for range r.open {
		err = errors.Join(err, <-r.done)
	}
	if err != nil {
		return fmt.Errorf("close OTLP: %w", err)
	}
	return nil
}

// guard lets pages of this machine send, and no others. Where the listener is this
// machine's alone, a Host of another name is a page's doing too.
func guard(next http.Handler, l net.Listener) http.Handler {
	addr, ok := l.Addr().(*net.TCPAddr)
	private := ok && addr.IP.IsLoopback()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if private && !loopback.Host(r.Host) {
			http.Error(w, "OTLP is received under this machine's names only", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if !loopback.Origin(origin) {
				http.Error(w, "OTLP is received from pages of this machine only", http.StatusForbidden)
				return
			}
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Add("Vary", "Origin")
			if r.Method == http.MethodOptions {
				w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
				w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
				w.Header().Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

type traceService struct {
	collector.UnimplementedTraceServiceServer
	store *Store
}

// Export implements [collector.TraceServiceServer].
func (t traceService) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	return t.store.takeSpans(req), nil
}

type logsService struct {
	collectorlogs.UnimplementedLogsServiceServer
	store *Store
}

// Export implements [collectorlogs.LogsServiceServer].
func (l logsService) Export(_ context.Context, req *collectorlogs.ExportLogsServiceRequest) (*collectorlogs.ExportLogsServiceResponse,
	error) {
	return l.store.takeLogs(req), nil
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
}

// Export implements [collectormetrics.MetricsServiceServer]: it drops them.
func (metricsService) Export(context.Context,
	*collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}
