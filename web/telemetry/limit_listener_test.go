package telemetry_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"axion/web/telemetry"
)

// TestConnectionLimit: more senders than a receiver keeps connections for, who say no more, keep
// nobody out.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	overHTTP, overGRPC := receiver(t, telemetry.New())
	for address, first := range map[string]string{
		strings.TrimPrefix(overHTTP, "http://"): "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
			"Content-Length: 9\r\n\r\n{",
		overGRPC: http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	} {
		for range 200 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := c.Write([]byte(first)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // those that stall have 15 s
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, overHTTP+"/v1/traces", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("over HTTP: %v", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("over HTTP: got %s", res.Status)
	}
	conn, err := grpc.NewClient(overGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := collector.NewTraceServiceClient(conn).Export(ctx, &collector.ExportTraceServiceRequest{}); err != nil {
		t.Errorf("over gRPC: %v", err)
	}
}
