package host

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace/noop"
)

// TestDrainAccepted: a connection that was accepted just before the end, and is known only
// after it, does not hold it up.
func TestDrainAccepted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer("a", l, http.NotFound, noop.NewTracerProvider().Tracer(""), metricnoop.NewMeterProvider().Meter(""),
		slog.New(slog.DiscardHandler))
	if err := s.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, accepted := net.Pipe()
	s.trackNewConns(accepted, http.StateNew)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the connection closed", err)
	}
}
