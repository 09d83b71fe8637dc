package telemetry_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"axion/web/telemetry"
)

// TestExportStalled: a collector that takes what it is sent and never answers makes the
// stop no failure.
func TestExportStalled(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+listener(t).Addr().String()) // nobody accepts
	s, err := telemetry.NewTracing(t.Context(), nil, new(telemetry.Logs), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, span := s.Provider("shop", "1").Tracer("axion").Start(t.Context(), "GET /")
	span.End()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestExportCheck: a collector that the check refuses is sent nothing, spans and log lines
// by either protocol, and the reason is logged once for each.
func TestExportCheck(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		l := listener(t)
		received := make(chan []byte)
		go func() {
			defer close(received)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				text, _ := io.ReadAll(c)
				_ = c.Close()
				received <- text
			}
		}()
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
		var out syncBuffer
		var logs telemetry.Logs
		log := slog.New(logs.Handler(slog.NewTextHandler(io.Discard, nil), "axion"))
		s, err := telemetry.NewTracing(t.Context(), nil, &logs, slog.New(slog.NewTextHandler(&out, nil)), func(c net.Conn) error {
			if c.RemoteAddr().String() != l.Addr().String() {
				t.Errorf("asked about %s", c.RemoteAddr())
			}
			return errors.New("it is another user's")
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			n := 0
			for text := range received {
				if n++; len(text) > 0 {
					t.Errorf("%s: the collector got %q", protocol, text)
				}
			}
			if n == 0 {
				t.Errorf("%s: nobody connected", protocol)
			}
		}()
		log.Warn("late")
		_, span := s.Provider("shop", "1").Tracer("axion").Start(t.Context(), "GET /")
		span.End()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		_ = l.Close()
		<-ended
		for _, what := range []string{"spans not exported", "log lines not exported"} {
			if strings.Count(out.String(), what) != 1 || !strings.Contains(out.String(), "it is another user's") {
				t.Errorf("%s: want %q logged once, with the reason: %s", protocol, what, out.String())
			}
		}
	}
}
