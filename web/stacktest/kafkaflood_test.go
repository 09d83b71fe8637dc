//go:build unix

package stacktest_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// kafkaClient builds the client that knows nothing but an address.
func kafkaClient(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kafkaclient")
	build := exec.Command("go", "build", "-o", name, "axion/web/stacktest/kafkaclient")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the client: %v\n%s", err, out)
	}
	return name
}

// TestKafkaFlood holds more idle connections than the broker allows where few files
// may be open: those beyond it are refused, counted and reported once, the stack
// goes on as before, and there is room again when they end.
func TestKafkaFlood(t *testing.T) {
	t.Parallel()
	const files = 512
	limited := filepath.Join(t.TempDir(), "limited")
	save(t, limited, fmt.Sprintf("#!/bin/sh\nulimit -n %d && exec %s \"$@\"\n", files, binary))
	if err := os.Chmod(limited, 0o700); err != nil {
		t.Fatal(err)
	}
	s := stacktest.Launch(t, limited)
	const limit = files / 4
	if got := sum(t, s.Stack, "kafka_broker_connections_limit", ""); got != limit {
		t.Fatalf("the limit is %v connections, want %d", got, limit)
	}
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}()
	for range limit + 100 {
		conn, err := net.Dial("tcp", s.Summary.Kafka)
		if errors.Is(err, syscall.ECONNRESET) {
			continue // refused already
		}
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	stacktest.Eventually(t, "100 refused connections in the metrics", func() bool {
		return sum(t, s.Stack, "kafka_broker_connections_refused_total", "") == 100
	})
	if open := sum(t, s.Stack, "kafka_broker_connections", `origin="outside"`); open != limit {
		t.Errorf("%v connections from outside are open, want %d", open, limit)
	}
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	ws.ReadUntil(t, s.Create(t, "", "flooded", "").ID, contract.DeploymentSucceeded)
	var system struct {
		Parts []struct{ Name, State string }
	}
	s.Get(t, s.Dashboard+"/api/system").Decode(t, 200, &system)
	for _, part := range system.Parts {
		if part.State != "healthy" {
			t.Errorf("%s is %s", part.Name, part.State)
		}
	}
	if n := strings.Count(s.Stderr.String(), "too many connections"); n != 1 {
		t.Errorf("reported %d times, want once:\n%s", n, s.Stderr)
	}
	for _, conn := range idle {
		_ = conn.Close()
	}
	client := kafkaClient(t)
	stacktest.Eventually(t, "room for a client", func() bool {
		return exec.Command(client, s.Summary.Kafka, "words").Run() == nil
	})
}
