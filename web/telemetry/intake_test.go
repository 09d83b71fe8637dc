package telemetry

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// senders send one span each to a store, over HTTP and over gRPC.
func senders(t *testing.T, s *Store) (overHTTP func() int, overGRPC func() codes.Code) {
	t.Helper()
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	r := s.Receive(listeners[0], listeners[1], nil)
	conn, err := grpc.NewClient(listeners[1].Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		_ = conn.Close()
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	overHTTP = func() int {
		const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[` +
			`{"traceId":"30313233343536373839616263646566","spanId":"3031323334353637","name":"x"}]}]}]}`
		res, err := client.Post("http://"+listeners[0].Addr().String()+"/v1/traces", "application/json", strings.NewReader(text))
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	overGRPC = func() codes.Code {
		_, err := collector.NewTraceServiceClient(conn).Export(context.Background(), &collector.ExportTraceServiceRequest{
			ResourceSpans: []*otlp.ResourceSpans{{ScopeSpans: []*otlp.ScopeSpans{{Spans: []*otlp.Span{
				{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "x"},
			}}}}},
		})
		return status.Code(err)
	}
	return overHTTP, overGRPC
}

// TestDecodeSlots: those who send over gRPC and over HTTP wait for the same slots.
func TestDecodeSlots(t *testing.T) {
	t.Parallel()
	s := New()
	overHTTP, overGRPC := senders(t, s)
	for range maxDecoding {
		if err := s.intake.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	answers := make(chan bool, 2)
	go func() { answers <- overGRPC() == codes.OK }()
	waitHeld(t, s, 1)
	one := s.intake.held.Load()
	go func() { answers <- overHTTP() == http.StatusOK }()
	waitHeld(t, s, one+100) // more than half of its text
	select {
	case <-answers:
		t.Error("a request was decoded without a slot")
	default:
	}
	if n := s.Stats().Spans; n != 0 {
		t.Errorf("%d spans were decoded without a slot", n)
	}
	for range maxDecoding {
		s.intake.releaseSlot()
	}
	for range 2 {
		if !<-answers {
			t.Error("a request that waited was refused")
		}
	}
	if n := s.intake.held.Load(); n != 0 {
		t.Errorf("%d bytes are held after all", n)
	}
}

// waitHeld waits until requests hold so many bytes.
func waitHeld(t *testing.T, s *Store, bytes int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); s.intake.held.Load() < bytes; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("requests hold %d bytes, want %d", s.intake.held.Load(), bytes)
		}
	}
}

// TestDecodeBytes: over the bound of bytes all are asked to send again, as OTLP's
// senders do by themselves.
func TestDecodeBytes(t *testing.T) {
	t.Parallel()
	s := New()
	overHTTP, overGRPC := senders(t, s)
	s.intake.hold(maxReading)
	if got := overGRPC(); got != codes.Unavailable {
		t.Errorf("over gRPC: got %s, want %s", got, codes.Unavailable)
	}
	if got := overHTTP(); got != http.StatusServiceUnavailable {
		t.Errorf("over HTTP: got %d, want %d", got, http.StatusServiceUnavailable)
	}
	s.intake.release(maxReading)
	if grpc, http := overGRPC(), overHTTP(); grpc != codes.OK || http != 200 || s.intake.held.Load() != 0 {
		t.Errorf("once there is room: got %s and %d, and %d bytes held", grpc, http, s.intake.held.Load())
	}
}

// TestLimitTime: a call has a deadline, and leaves nothing once it has ended.
func TestLimitTime(t *testing.T) {
	t.Parallel()
	call, end := context.WithCancel(t.Context())
	limited, err := limitTime(call, nil)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := limited.Deadline(); !ok || time.Until(at) > readTimeout {
		t.Errorf("got the deadline %s, want one within %s", at, readTimeout)
	}
	end()
	<-limited.Done()
}
